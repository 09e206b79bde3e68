package codec

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// object enters the object at c. A placeholder is none: it stands for bytes.
func (c *cursor) object(want reflect.Type) error {
	if c.peek() != '{' || c.attachments != nil && c.atPlaceholder() {
		return c.mismatch(want)
	}
	return c.open()
}

func (c *cursor) array(want reflect.Type) error {
	if c.peek() != '[' {
		return c.mismatch(want)
	}
	return c.open()
}

// structNode decodes a struct. Unknown keys are skipped; of equal ones the last wins.
type structNode struct {
	typ    reflect.Type
	fields []structField
	byName map[string]int // index into fields
}

type structField struct {
	name  string
	index []int // through embedded structs
	node  node
}

func (n *structNode) decode(c *cursor, v reflect.Value) error {
	if v.CanSet() { // not so for an unexported embedded struct with a tag, whose fields yet can
		v.SetZero()
	}
	if c.null() {
		return nil
	}
	if err := c.object(n.typ); err != nil {
		return err
	}
	next := 0 // clients tend to send the fields in the order of the struct
	for first := true; ; first = false {
		key, more, err := c.member(first)
		if err != nil || !more {
			return err
		}
		i := next
		if i >= len(n.fields) || n.fields[i].name != string(key) {
			if i = n.lookup(key); i < 0 {
				if err := c.skip(); err != nil {
					return atField(string(key), err)
				}
				continue
			}
		}
		next = i + 1
		f := &n.fields[i]
		if err := f.node.decode(c, f.of(v)); err != nil {
			return atField(f.name, err)
		}
	}
}

// lookup returns the field for key, or the first that differs in case only, or -1.
func (n *structNode) lookup(key []byte) int {
	if i, ok := n.byName[string(key)]; ok {
		return i
	}
	for i := range n.fields {
		if bytes.EqualFold([]byte(n.fields[i].name), key) {
			return i
		}
	}
	return -1
}

// of returns the field of v, allocating the embedded pointers on the way.
func (f *structField) of(v reflect.Value) reflect.Value {
	if len(f.index) == 1 {
		return v.Field(f.index[0])
	}
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v
}

// pointerNode decodes null to nil and anything else to a new element.
type pointerNode struct {
	elemType reflect.Type
	elem     node
}

func (n *pointerNode) decode(c *cursor, v reflect.Value) error {
	if c.null() {
		v.SetZero()
		return nil
	}
	p := reflect.New(n.elemType)
	if err := n.elem.decode(c, p.Elem()); err != nil {
		return err
	}
	v.Set(p)
	return nil
}

type sliceNode struct {
	typ  reflect.Type
	elem node
}

func (n *sliceNode) decode(c *cursor, v reflect.Value) error {
	v.SetZero()
	if c.null() {
		return nil
	}
	if err := c.array(n.typ); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := c.element(i == 0)
		if err != nil {
			return err
		}
		if !more {
			if i == 0 {
				v.Set(reflect.MakeSlice(n.typ, 0, 0))
			}
			return nil
		}
		if i >= v.Cap() {
			v.Grow(1)
		}
		v.SetLen(i + 1)
		if err := n.elem.decode(c, v.Index(i)); err != nil {
			return atIndex(i, err)
		}
	}
}

// arrayNode decodes a Go array: missing elements are zero, further ones are skipped.
type arrayNode struct {
	typ  reflect.Type
	elem node
}

func (n *arrayNode) decode(c *cursor, v reflect.Value) error {
	v.SetZero()
	if c.null() {
		return nil
	}
	if err := c.array(n.typ); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := c.element(i == 0)
		if err != nil || !more {
			return err
		}
		if i < v.Len() {
			err = n.elem.decode(c, v.Index(i))
		} else {
			err = c.skip()
		}
		if err != nil {
			return atIndex(i, err)
		}
	}
}

type mapNode struct {
	typ  reflect.Type
	key  keyFunc
	elem node
}

func (n *mapNode) decode(c *cursor, v reflect.Value) error {
	v.SetZero()
	if c.null() {
		return nil
	}
	if err := c.object(n.typ); err != nil {
		return err
	}
	m := reflect.MakeMap(n.typ)
	elem := reflect.New(n.typ.Elem()).Elem()
	for first := true; ; first = false {
		key, more, err := c.member(first)
		if err != nil {
			return err
		}
		if !more {
			v.Set(m)
			return nil
		}
		elem.SetZero()
		if err := n.elem.decode(c, elem); err != nil {
			return atField(string(key), err)
		}
		k, err := n.key(n.typ.Key(), key)
		if err != nil {
			return atField(string(key), err)
		}
		m.SetMapIndex(k, elem)
	}
}

// A keyFunc makes a map key of type t from an object's key.
type keyFunc func(t reflect.Type, key []byte) (reflect.Value, error)

func compileKey(t reflect.Type) (keyFunc, error) {
	p := reflect.PointerTo(t)
	switch {
	case p.Implements(textInType) && p.Implements(unmarshalerType):
		return jsonKey, nil
	case p.Implements(textInType):
		return textKey, nil
	}
	switch t.Kind() {
	case reflect.String:
		return stringKey, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intKey, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return uintKey, nil
	}
	return nil, fmt.Errorf("a map with keys of type %v cannot be decoded: keys are strings, integers or encoding.TextUnmarshalers", t)
}

func stringKey(t reflect.Type, key []byte) (reflect.Value, error) {
	k := reflect.New(t).Elem()
	k.SetString(string(key))
	return k, nil
}

func textKey(t reflect.Type, key []byte) (reflect.Value, error) {
	p := reflect.New(t)
	err := p.Interface().(encoding.TextUnmarshaler).UnmarshalText(clip(key))
	return p.Elem(), err
}

// jsonKey is for keys with both methods: encoding/json prefers UnmarshalJSON.
func jsonKey(t reflect.Type, key []byte) (reflect.Value, error) {
	p := reflect.New(t)
	err := p.Interface().(json.Unmarshaler).UnmarshalJSON(appendString(nil, string(key)))
	return p.Elem(), err
}

var errKey = errors.New("the key does not fit")

func intKey(t reflect.Type, key []byte) (reflect.Value, error) {
	k := reflect.New(t).Elem()
	n, err := strconv.ParseInt(string(key), 10, 64)
	if err != nil || k.OverflowInt(n) {
		return k, fmt.Errorf("%w %v", errKey, t)
	}
	k.SetInt(n)
	return k, nil
}

func uintKey(t reflect.Type, key []byte) (reflect.Value, error) {
	k := reflect.New(t).Elem()
	n, err := strconv.ParseUint(string(key), 10, 64)
	if err != nil || k.OverflowUint(n) {
		return k, fmt.Errorf("%w %v", errKey, t)
	}
	k.SetUint(n)
	return k, nil
}
