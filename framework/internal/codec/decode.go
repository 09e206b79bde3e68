package codec

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// A node decodes the value at c into v, which is addressable, and replaces what v
// held. Nodes are shared between goroutines and never change after Compile.
type node interface {
	decode(c *cursor, v reflect.Value) error
}

type stringNode struct{}

func (stringNode) decode(c *cursor, v reflect.Value) error {
	switch {
	case c.peek() == '"':
		s, err := c.string()
		v.SetString(s)
		return err
	case c.null():
		v.SetZero()
		return nil
	}
	return c.mismatch(v.Type())
}

type boolNode struct{}

func (boolNode) decode(c *cursor, v reflect.Value) error {
	switch b := c.peek(); {
	case b == 't' && c.word("true"):
		v.SetBool(true)
	case b == 'f' && c.word("false"), b == 'n' && c.word("null"):
		v.SetBool(false)
	default:
		return c.mismatch(v.Type())
	}
	return nil
}

type intNode struct{}

func (intNode) decode(c *cursor, v reflect.Value) error {
	literal, err := c.numberFor(v)
	if literal == nil {
		return err
	}
	n, err := strconv.ParseInt(string(literal), 10, 64)
	if err != nil || v.OverflowInt(n) {
		return misfit(v)
	}
	v.SetInt(n)
	return nil
}

type uintNode struct{}

func (uintNode) decode(c *cursor, v reflect.Value) error {
	literal, err := c.numberFor(v)
	if literal == nil {
		return err
	}
	n, err := strconv.ParseUint(string(literal), 10, 64)
	if err != nil || v.OverflowUint(n) {
		return misfit(v)
	}
	v.SetUint(n)
	return nil
}

type floatNode struct{ bits int }

func (n floatNode) decode(c *cursor, v reflect.Value) error {
	literal, err := c.numberFor(v)
	if literal == nil {
		return err
	}
	f, err := strconv.ParseFloat(string(literal), n.bits)
	if err != nil {
		return misfit(v)
	}
	v.SetFloat(f)
	return nil
}

// numberFor reads the number that is to be stored in v. For a null it has zeroed v
// and returns a nil literal.
func (c *cursor) numberFor(v reflect.Value) (literal []byte, err error) {
	switch b := c.peek(); {
	case b == '-' || isDigit(b):
		literal, _, err = c.number()
		return literal, err
	case b == 'n' && c.word("null"):
		v.SetZero()
		return nil, nil
	}
	return nil, c.mismatch(v.Type())
}

// misfit is the error for a number out of v's range, or with a fraction or an
// exponent where v takes integers.
func misfit(v reflect.Value) error {
	return fmt.Errorf("want %v, got a number that does not fit", v.Type())
}

// numberNode decodes json.Number: a number, or a string that holds one.
type numberNode struct{}

func (numberNode) decode(c *cursor, v reflect.Value) error {
	if c.peek() != '"' {
		literal, err := c.numberFor(v)
		if literal != nil {
			v.SetString(string(literal))
		}
		return err
	}
	s, err := c.string()
	if err != nil {
		return err
	}
	if !isNumber(s) {
		return errors.New("want a number, got a string that holds none")
	}
	v.SetString(s)
	return nil
}

func isNumber(s string) bool {
	c := cursor{data: []byte(s)}
	_, _, err := c.number()
	return err == nil && c.pos == len(s)
}

// bytesNode decodes a []byte: an attachment or null. A string is refused, since
// taking it for base64 would hide that the client has sent text.
type bytesNode struct{}

func (bytesNode) decode(c *cursor, v reflect.Value) error {
	const want = "a binary attachment"
	switch c.peek() {
	case '"':
		return errors.New("want a binary attachment, got string (base64 is not decoded)")
	case '{':
		if c.attachments == nil {
			if c.atPlaceholder() {
				return fmt.Errorf("%w: the packet has none", errAttachment)
			}
			return c.mismatch(want)
		}
		b, ok, err := c.attachment()
		if err != nil {
			return err
		}
		if !ok {
			return c.mismatch(want)
		}
		v.SetBytes(b)
		return nil
	}
	if c.null() {
		v.SetZero()
		return nil
	}
	return c.mismatch(want)
}

// opaque reads the value for a type that decodes it by itself. An attachment inside
// would be lost on such a type without a word, so it is an error.
func (c *cursor) opaque(v reflect.Value) ([]byte, error) {
	text, err := c.value()
	if err == nil && c.attachments != nil && c.holdsPlaceholder(text) {
		err = fmt.Errorf("binary attachment where %v is expected, which would hide it", v.Type())
	}
	return text, err
}

// rawNode decodes json.RawMessage: the text as it came, "null" too.
type rawNode struct{}

func (rawNode) decode(c *cursor, v reflect.Value) error {
	text, err := c.opaque(v)
	if err != nil {
		return err
	}
	v.SetBytes(text)
	return nil
}

// unmarshalerNode decodes types with an UnmarshalJSON of their own.
type unmarshalerNode struct{}

func (unmarshalerNode) decode(c *cursor, v reflect.Value) error {
	text, err := c.opaque(v)
	if err != nil {
		return err
	}
	if !v.CanInterface() {
		return errUnexported(v)
	}
	v.SetZero()
	return v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(text)
}

// textNode decodes types with an UnmarshalText of their own.
type textNode struct{}

func (textNode) decode(c *cursor, v reflect.Value) error {
	if !v.CanInterface() {
		return errUnexported(v)
	}
	if c.null() {
		v.SetZero()
		return nil
	}
	if c.peek() != '"' {
		return c.mismatch(v.Type())
	}
	body, plain, err := c.quoted()
	if err != nil {
		return err
	}
	if !plain {
		body = unquote(body)
	}
	v.SetZero()
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(clip(body))
}

func errUnexported(v reflect.Value) error {
	return fmt.Errorf("%v is unexported and embedded: its methods cannot be called", v.Type())
}

// quotedNode decodes a field with the option ",string": a literal inside a string.
type quotedNode struct{ elem node }

func (n quotedNode) decode(c *cursor, v reflect.Value) error {
	if c.null() {
		v.SetZero()
		return nil
	}
	if c.peek() != '"' {
		return c.mismatch(fmt.Sprintf("%v in a string", v.Type()))
	}
	s, err := c.string()
	if err != nil {
		return err
	}
	if s == "null" {
		v.SetZero()
		return nil
	}
	if err := n.literal([]byte(s), c.depth, v); err != nil {
		return fmt.Errorf("in a string: %w", err)
	}
	return nil
}

// literal decodes text, which must be one literal with no space around it.
func (n quotedNode) literal(text []byte, depth int, v reflect.Value) error {
	c := newCursor(text, nil)
	defer c.release()
	c.depth = depth
	if c.peek(); c.pos > 0 {
		return c.invalid()
	}
	if err := n.elem.decode(c, v); err != nil {
		return err
	}
	if c.pos < len(text) {
		return c.invalid()
	}
	return nil
}
