package codec

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// anyNode decodes an any, anySliceNode and anyMapNode the two containers that it
// consists of, without reflection below.
type (
	anyNode      struct{}
	anySliceNode struct{}
	anyMapNode   struct{}
)

func (anyNode) decode(c *cursor, v reflect.Value) error {
	x, err := c.any()
	if err != nil {
		return err
	}
	if x == nil {
		v.SetZero()
		return nil
	}
	v.Set(reflect.ValueOf(x))
	return nil
}

func (anySliceNode) decode(c *cursor, v reflect.Value) error {
	v.SetZero()
	if c.null() {
		return nil
	}
	if c.peek() != '[' {
		return c.mismatch(anySliceType)
	}
	s, err := c.anySlice()
	if err == nil {
		v.Set(reflect.ValueOf(s))
	}
	return err
}

func (anyMapNode) decode(c *cursor, v reflect.Value) error {
	v.SetZero()
	if c.null() {
		return nil
	}
	if c.peek() != '{' || c.attachments != nil && c.atPlaceholder() {
		return c.mismatch(anyMapType)
	}
	m, err := c.anyMap()
	if err == nil {
		v.Set(reflect.ValueOf(m))
	}
	return err
}

func (c *cursor) any() (any, error) {
	switch b := c.peek(); {
	case b == '"':
		return c.string()
	case b == '{':
		if c.attachments != nil {
			if b, ok, err := c.attachment(); ok {
				return b, err
			}
		}
		return c.anyMap()
	case b == '[':
		return c.anySlice()
	case b == '-' || isDigit(b):
		literal, integer, err := c.number()
		if err != nil {
			return nil, err
		}
		return anyNumber(literal, integer), nil
	case b == 't' && c.word("true"):
		return true, nil
	case b == 'f' && c.word("false"):
		return false, nil
	case b == 'n' && c.word("null"):
		return nil, nil
	}
	return nil, c.invalid()
}

func (c *cursor) anyMap() (map[string]any, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	m := make(map[string]any)
	for first := true; ; first = false {
		key, more, err := c.member(first)
		if err != nil {
			return nil, err
		}
		if !more {
			return m, nil
		}
		v, err := c.any()
		if err != nil {
			return nil, atField(string(key), err)
		}
		m[string(key)] = v
	}
}

func (c *cursor) anySlice() ([]any, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	s := []any{}
	for i := 0; ; i++ {
		more, err := c.element(i == 0)
		if err != nil {
			return nil, err
		}
		if !more {
			return s, nil
		}
		v, err := c.any()
		if err != nil {
			return nil, atIndex(i, err)
		}
		s = append(s, v)
	}
}

// maxFloatDigits is the number of digits in the largest float64: 1.8e308.
const maxFloatDigits = 309

// anyNumber keeps a number exact: int64, else the float64 that it is, else its text.
// A number written with a fraction or an exponent asks for no more than a float64
// and gets one, if in range.
func anyNumber(literal []byte, integer bool) any {
	if !integer {
		if f, err := strconv.ParseFloat(string(literal), 64); err == nil {
			return f
		}
		return json.Number(literal)
	}
	if n, err := strconv.ParseInt(string(literal), 10, 64); err == nil {
		return n
	}
	if len(literal) <= maxFloatDigits+1 { // one for the sign
		f, err := strconv.ParseFloat(string(literal), 64)
		if err == nil && strconv.FormatFloat(f, 'f', 0, 64) == string(literal) {
			return f
		}
	}
	return json.Number(literal)
}
