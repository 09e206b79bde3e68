package codec

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// An encoder appends a value of its type. Encoders are shared between goroutines
// and never change after they are compiled.
type encoder interface {
	append(w *writer, v reflect.Value) error
}

// encoders holds encoder by reflect.Type. It is only a cache, as plans is.
var encoders sync.Map

func encoderOf(t reflect.Type) encoder {
	if e, ok := encoders.Load(t); ok {
		return e.(encoder)
	}
	c := encodeCompiler{begun: make(map[reflect.Type]encoder)}
	e, _ := encoders.LoadOrStore(t, c.compile(t))
	return e.(encoder)
}

// An encodeCompiler builds the tree of encoders for one type. begun holds its
// containers, so that recursive types end in themselves.
type encodeCompiler struct{ begun map[reflect.Type]encoder }

func (c encodeCompiler) compile(t reflect.Type) encoder {
	switch t {
	case rawMessageType:
		return rawEncoder{}
	case numberType:
		return numberEncoder{}
	}
	k := t.Kind()
	if k == reflect.Interface {
		return interfaceEncoder{}
	}
	if t.Implements(marshalerType) || t.Implements(textOutType) {
		return stdLeaf{}
	}
	if p := reflect.PointerTo(t); k != reflect.Pointer && (p.Implements(marshalerType) || p.Implements(textOutType)) {
		// As in encoding/json, methods of the pointer count where there is one.
		return addressable{yes: stdLeaf{}, no: c.compileKind(t)}
	}
	return c.compileKind(t)
}

// compileKind compiles t without heed to its methods.
func (c encodeCompiler) compileKind(t reflect.Type) encoder {
	if e, ok := c.begun[t]; ok {
		return e
	}
	if isBytes(t) {
		return bytesEncoder{}
	}
	switch t.Kind() {
	case reflect.String:
		return stringEncoder{}
	case reflect.Bool:
		return boolEncoder{}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intEncoder{}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return uintEncoder{}
	case reflect.Float32, reflect.Float64:
		return floatEncoder{bits: t.Bits()}
	case reflect.Pointer:
		e := &pointerEncoder{}
		c.begun[t] = e
		e.elem = c.compile(t.Elem())
		return e
	case reflect.Slice, reflect.Array:
		e := &listEncoder{}
		c.begun[t] = e
		e.elem = c.compile(t.Elem())
		return e
	case reflect.Map:
		if !isKey(t.Key()) {
			return unsupported{}
		}
		e := &mapEncoder{}
		c.begun[t] = e
		e.elem = c.compile(t.Elem())
		return e
	case reflect.Struct:
		e := &structEncoder{}
		c.begun[t] = e
		for _, f := range fieldsOf(t) {
			e.fields = append(e.fields, c.member(f))
		}
		return e
	}
	return unsupported{}
}

func (c encodeCompiler) member(f field) memberEncoder {
	m := memberEncoder{
		name:  f.name,
		label: append(appendString(nil, f.name), ':'),
		index: f.index,
		elem:  c.compile(f.typ),
	}
	if f.omitEmpty {
		m.omit = append(m.omit, isEmpty)
	}
	if f.omitZero {
		m.omit = append(m.omit, zeroTest(f.typ))
	}
	if f.quoted {
		m.elem = quote(m.elem)
	}
	return m
}

// quote applies the option ",string", which types with methods of their own ignore.
func quote(e encoder) encoder {
	switch e := e.(type) {
	case stdLeaf:
		return e
	case addressable:
		return addressable{yes: e.yes, no: quote(e.no)}
	}
	return quotedEncoder{elem: e}
}

// stdLeaf is a type that encodes itself, through encoding/json, which checks it.
type stdLeaf struct{}

func (stdLeaf) append(w *writer, v reflect.Value) error { return w.std(v) }

type addressable struct{ yes, no encoder }

func (e addressable) append(w *writer, v reflect.Value) error {
	if v.CanAddr() && v.CanInterface() {
		return e.yes.append(w, v)
	}
	return e.no.append(w, v)
}

type unsupported struct{}

func (unsupported) append(_ *writer, v reflect.Value) error {
	return fmt.Errorf("%v cannot be encoded as JSON", v.Type())
}

type (
	rawEncoder    struct{}
	numberEncoder struct{}
	bytesEncoder  struct{}
	stringEncoder struct{}
	boolEncoder   struct{}
	intEncoder    struct{}
	uintEncoder   struct{}
	floatEncoder  struct{ bits int }
)

func (rawEncoder) append(w *writer, v reflect.Value) error {
	return w.keep(appendRaw(w.out, v.Bytes()))
}

func (numberEncoder) append(w *writer, v reflect.Value) error {
	return w.keep(appendNumber(w.out, json.Number(v.String())))
}

func (bytesEncoder) append(w *writer, v reflect.Value) error {
	w.bytes(v.Bytes())
	return nil
}

func (stringEncoder) append(w *writer, v reflect.Value) error {
	w.out = appendString(w.out, v.String())
	return nil
}

func (boolEncoder) append(w *writer, v reflect.Value) error {
	w.out = strconv.AppendBool(w.out, v.Bool())
	return nil
}

func (intEncoder) append(w *writer, v reflect.Value) error {
	w.out = strconv.AppendInt(w.out, v.Int(), 10)
	return nil
}

func (uintEncoder) append(w *writer, v reflect.Value) error {
	w.out = strconv.AppendUint(w.out, v.Uint(), 10)
	return nil
}

func (e floatEncoder) append(w *writer, v reflect.Value) error {
	w.out = appendFloat(w.out, v.Float(), e.bits)
	return nil
}

// quotedEncoder writes a field with the option ",string": the literal in a string.
type quotedEncoder struct{ elem encoder }

func (e quotedEncoder) append(w *writer, v reflect.Value) error {
	start := len(w.out)
	if err := e.elem.append(w, v); err != nil {
		return err
	}
	if literal := string(w.out[start:]); literal != "null" { // a nil pointer, NaN
		w.out = appendString(w.out[:start], literal)
	}
	return nil
}

type interfaceEncoder struct{}

func (interfaceEncoder) append(w *writer, v reflect.Value) error {
	switch {
	case v.IsNil():
		w.null()
		return nil
	case v.CanInterface():
		return w.value(v.Interface())
	}
	return w.reflect(v.Elem())
}

type pointerEncoder struct{ elem encoder }

func (e *pointerEncoder) append(w *writer, v reflect.Value) error {
	if v.IsNil() {
		w.null()
		return nil
	}
	if err := w.enter(); err != nil {
		return err
	}
	if err := e.elem.append(w, v.Elem()); err != nil {
		return err
	}
	w.leave()
	return nil
}

// listEncoder writes slices and arrays.
type listEncoder struct{ elem encoder }

func (e *listEncoder) append(w *writer, v reflect.Value) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		w.null()
		return nil
	}
	if err := w.enter(); err != nil {
		return err
	}
	w.out = append(w.out, '[')
	for i := range v.Len() {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if err := e.elem.append(w, v.Index(i)); err != nil {
			return atIndex(i, err)
		}
	}
	w.out = append(w.out, ']')
	w.leave()
	return nil
}

type mapEncoder struct{ elem encoder }

type mapEntry struct {
	key   string
	value reflect.Value
}

func (e *mapEncoder) append(w *writer, v reflect.Value) error {
	if v.IsNil() {
		w.null()
		return nil
	}
	if err := w.enter(); err != nil {
		return err
	}
	entries := make([]mapEntry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		key, err := keyText(it.Key())
		if err != nil {
			return fmt.Errorf("key of %v: %w", v.Type(), err)
		}
		entries = append(entries, mapEntry{key, it.Value()})
	}
	slices.SortFunc(entries, func(a, b mapEntry) int { return strings.Compare(a.key, b.key) })
	w.out = append(w.out, '{')
	for i, entry := range entries {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = appendString(w.out, entry.key)
		w.out = append(w.out, ':')
		if err := e.elem.append(w, entry.value); err != nil {
			return atField(entry.key, err)
		}
	}
	w.out = append(w.out, '}')
	w.leave()
	return nil
}

func isKey(t reflect.Type) bool {
	k := t.Kind()
	return k == reflect.String || reflect.Int <= k && k <= reflect.Uintptr || t.Implements(textOutType)
}

// keyText is a map's key as an object's: strings first, then types with their own text.
func keyText(k reflect.Value) (string, error) {
	if k.Kind() == reflect.String {
		return k.String(), nil
	}
	if k.Type().Implements(textOutType) && k.CanInterface() {
		if k.Kind() == reflect.Pointer && k.IsNil() {
			return "", nil
		}
		text, err := k.Interface().(encoding.TextMarshaler).MarshalText()
		return string(text), err
	}
	if k.CanInt() {
		return strconv.FormatInt(k.Int(), 10), nil
	}
	return strconv.FormatUint(k.Uint(), 10), nil
}

type structEncoder struct{ fields []memberEncoder }

type memberEncoder struct {
	name  string
	label []byte // "name":
	index []int
	omit  []func(reflect.Value) bool // left out if any says so
	elem  encoder
}

func (e *structEncoder) append(w *writer, v reflect.Value) error {
	w.out = append(w.out, '{')
	start := len(w.out)
	for i := range e.fields {
		m := &e.fields[i]
		fv, ok := m.of(v)
		if !ok {
			continue
		}
		if len(w.out) > start {
			w.out = append(w.out, ',')
		}
		w.out = append(w.out, m.label...)
		if err := m.elem.append(w, fv); err != nil {
			return atField(m.name, err)
		}
	}
	w.out = append(w.out, '}')
	return nil
}

// of returns the member's value in v, false if it is to be left out.
func (m *memberEncoder) of(v reflect.Value) (reflect.Value, bool) {
	for _, i := range m.index {
		if v.Kind() == reflect.Pointer { // an embedded one
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	for _, omit := range m.omit {
		if omit(v) {
			return v, false
		}
	}
	return v, true
}
