// Package codec turns event arguments into Go values and back: JSON whose binary
// parts travel beside it as attachments, each marked by the object
// {"_placeholder":true,"num":0} in the text.
//
// A [Plan] decodes into one Go type and is compiled once, at registration.
// [Append] encodes any value. Both treat a []byte, at any depth, as an attachment
// and never as base64.
//
// Everything else follows encoding/json, with four differences on the way in: null
// makes a value zero and of equal keys the last wins, where encoding/json keeps or
// merges what was there; the first misfit ends decoding; and what the option
// ",string" finds in a string must be a JSON literal. Types without attachments
// could be left to encoding/json altogether, but a compiled plan takes a third of
// its time.
//
// Socket.IO protocol v5, "Packet encoding".
package codec

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
)

// A Plan decodes one JSON value into one Go type. It is safe for concurrent use.
type Plan struct {
	typ    reflect.Type
	root   node
	binary bool // a []byte or an any is somewhere inside
	raw    bool // a json.RawMessage is
	itself bool // a type that decodes itself is
}

// plans holds *Plan by reflect.Type. It is only a cache, as in encoding/json: what
// a type compiles to never changes.
var plans sync.Map

// Compile returns the plan for values of type t. Its error names the field that
// JSON cannot be decoded into: a channel, a function, an interface with methods.
// Plans are cached, so a second call for the same type costs a map lookup.
func Compile(t reflect.Type) (*Plan, error) {
	if t == nil {
		return nil, errors.New("no type to decode into")
	}
	if p, ok := plans.Load(t); ok {
		return p.(*Plan), nil
	}
	c := compiler{nodes: make(map[reflect.Type]node)}
	root, err := c.compile(t)
	if err != nil {
		return nil, err
	}
	p, _ := plans.LoadOrStore(t, &Plan{typ: t, root: root, binary: c.binary, raw: c.raw, itself: c.itself})
	return p.(*Plan), nil
}

// plain holds bool by reflect.Type, as plans does.
var plain sync.Map

// Plain reports whether values of type t are made of parts, none of which can be an
// attachment: whether another encoder of JSON could do as well.
func Plain(t reflect.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := plain.Load(t); ok {
		return p.(bool)
	}
	p := false
	if plan, err := Compile(t); err == nil && !plan.binary { // so it does not point to itself for ever
		of := t
		for of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		switch of.Kind() {
		case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array:
			p = of != rawMessageType
		}
	}
	plain.Store(t, p)
	return p
}

// Binary reports whether a value of the plan's type may hold attachments: whether
// it is, or has inside, a []byte or an any.
func (p *Plan) Binary() bool { return p.binary }

// Keeps reports whether what Decode has stored may point into raw: whether a
// json.RawMessage is somewhere inside, or a type that decodes itself and might not
// copy what it should.
func (p *Plan) Keeps() bool { return p.raw || p.itself }

// DecodesItself reports whether the value, or something inside, is of a type with an
// UnmarshalJSON or UnmarshalText: then what Decode has stored may point into itself.
func (p *Plan) DecodesItself() bool { return p.itself }

// Decode stores the JSON value raw in dst, which must be settable and of the
// plan's type. What dst held before is replaced; after an error its content is
// undefined. raw must hold one JSON value; an invalid one is an error, except that
// a plain json.RawMessage is taken unseen.
//
// dst may keep parts of raw (json.RawMessage, see Keeps) and of attachments ([]byte),
// which may then not be changed or reused afterwards. Strings are copies.
//
// attachments is nil for a packet without any: then placeholders are plain data.
// Otherwise a placeholder fits a []byte or an any, and nothing else.
func (p *Plan) Decode(raw []byte, attachments [][]byte, dst reflect.Value) error {
	if p.typ == rawMessageType && attachments == nil && len(raw) > 0 {
		dst.SetBytes(clip(raw))
		return nil
	}
	c := newCursor(raw, attachments)
	defer c.release()
	if err := p.root.decode(c, dst); err != nil {
		return err
	}
	return c.end()
}

// DecodeAny decodes raw as a variable of type any would be: null is nil, integers
// are int64 and other numbers float64, or json.Number where neither is exact;
// strings, bool, []any and map[string]any as in encoding/json; an attachment is a
// []byte. The rules of [Plan.Decode] apply.
func DecodeAny(raw []byte, attachments [][]byte) (any, error) {
	c := newCursor(raw, attachments)
	defer c.release()
	v, err := c.any()
	if err != nil {
		return nil, err
	}
	return v, c.end()
}

var (
	rawMessageType  = reflect.TypeFor[json.RawMessage]()
	numberType      = reflect.TypeFor[json.Number]()
	anyMapType      = reflect.TypeFor[map[string]any]()
	anySliceType    = reflect.TypeFor[[]any]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	textInType      = reflect.TypeFor[encoding.TextUnmarshaler]()
	marshalerType   = reflect.TypeFor[json.Marshaler]()
	textOutType     = reflect.TypeFor[encoding.TextMarshaler]()
)

// A compiler builds the tree of nodes for one type.
type compiler struct {
	nodes  map[reflect.Type]node // containers begun, so that recursive types end in themselves
	binary bool                  // met a []byte or an any
	raw    bool                  // met a json.RawMessage
	itself bool                  // met a type that decodes itself
}

func (c *compiler) compile(t reflect.Type) (node, error) {
	if n, ok := c.nodes[t]; ok {
		return n, nil
	}
	switch t {
	case rawMessageType:
		c.raw = true
		return rawNode{}, nil
	case numberType:
		return numberNode{}, nil
	}
	if k := t.Kind(); k != reflect.Pointer && k != reflect.Interface {
		switch p := reflect.PointerTo(t); {
		case p.Implements(unmarshalerType):
			c.itself = true
			return unmarshalerNode{}, nil
		case p.Implements(textInType):
			c.itself = true
			return textNode{}, nil
		}
	}
	if isBytes(t) {
		c.binary = true
		return bytesNode{}, nil
	}

	switch t.Kind() {
	case reflect.String:
		return stringNode{}, nil
	case reflect.Bool:
		return boolNode{}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intNode{}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return uintNode{}, nil
	case reflect.Float32, reflect.Float64:
		return floatNode{bits: t.Bits()}, nil
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return nil, fmt.Errorf("%v cannot be decoded: only any, the interface without methods, can", t)
		}
		c.binary = true
		return anyNode{}, nil
	case reflect.Pointer:
		return c.pointer(t)
	case reflect.Slice:
		return c.slice(t)
	case reflect.Array:
		n := &arrayNode{typ: t}
		c.nodes[t] = n
		var err error
		n.elem, err = c.compile(t.Elem())
		return n, atElement(err)
	case reflect.Map:
		return c.mapOf(t)
	case reflect.Struct:
		return c.structOf(t)
	}
	return nil, fmt.Errorf("%v cannot be decoded from JSON", t)
}

func (c *compiler) pointer(t reflect.Type) (node, error) {
	n := &pointerNode{elemType: t.Elem()}
	c.nodes[t] = n
	// A pointer type that leads to nothing but itself would be followed for ever.
	seen := make(map[reflect.Type]bool)
	for e := t; e.Kind() == reflect.Pointer; e = e.Elem() {
		if seen[e] {
			return nil, fmt.Errorf("%v cannot be decoded: it points to nothing but itself", e)
		}
		seen[e] = true
	}
	var err error
	n.elem, err = c.compile(t.Elem())
	return n, err
}

func (c *compiler) slice(t reflect.Type) (node, error) {
	if t == anySliceType {
		c.binary = true
		return anySliceNode{}, nil
	}
	n := &sliceNode{typ: t}
	c.nodes[t] = n
	var err error
	n.elem, err = c.compile(t.Elem())
	return n, atElement(err)
}

func (c *compiler) mapOf(t reflect.Type) (node, error) {
	if t == anyMapType {
		c.binary = true
		return anyMapNode{}, nil
	}
	n := &mapNode{typ: t}
	c.nodes[t] = n
	var err error
	if n.key, err = compileKey(t.Key()); err != nil {
		return nil, err
	}
	c.itself = c.itself || reflect.PointerTo(t.Key()).Implements(textInType)
	n.elem, err = c.compile(t.Elem())
	return n, atElement(err)
}

func (c *compiler) structOf(t reflect.Type) (node, error) {
	n := &structNode{typ: t, byName: make(map[string]int)}
	c.nodes[t] = n
	for _, f := range fieldsOf(t) {
		if name := f.unsettable(t); name != "" {
			return nil, atField(f.name, fmt.Errorf("%s is an embedded pointer to an unexported struct, which cannot be set: embed the struct itself", name))
		}
		child, err := c.compile(f.typ)
		if err != nil {
			return nil, atField(f.name, err)
		}
		if f.quoted {
			child = quotedNode{elem: child}
		}
		n.byName[f.name] = len(n.fields)
		n.fields = append(n.fields, structField{name: f.name, index: f.index, node: child})
	}
	return n, nil
}

// isBytes reports whether t is a byte slice, which travels as an attachment. One
// whose elements encode themselves is an array of those, as in encoding/json;
// json.RawMessage and other types that encode themselves are no matter of this.
func isBytes(t reflect.Type) bool {
	if t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Uint8 {
		return false
	}
	p := reflect.PointerTo(t.Elem())
	return !p.Implements(marshalerType) && !p.Implements(textOutType) &&
		!p.Implements(unmarshalerType) && !p.Implements(textInType)
}
