package codec

import (
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"
)

// maxDepth bounds nesting, as encoding/json does, so that no input can exhaust the
// stack. What clients may send is bounded tighter, before it gets here.
const maxDepth = 10000

var errDepth = fmt.Errorf("nested deeper than %d", maxDepth)

// A cursor reads one JSON text from front to back and never past its end. It is
// strict: what encoding/json refuses, it refuses.
type cursor struct {
	data        []byte
	pos         int
	depth       int
	attachments [][]byte // nil: the packet has none, placeholders are plain data
}

// cursors are pooled: they escape through the node interface.
var cursors = sync.Pool{New: func() any { return new(cursor) }}

func newCursor(data []byte, attachments [][]byte) *cursor {
	c := cursors.Get().(*cursor)
	*c = cursor{data: data, attachments: attachments}
	return c
}

func (c *cursor) release() {
	*c = cursor{}
	cursors.Put(c)
}

// peek skips white space and returns the byte that follows, 0 at the end.
func (c *cursor) peek() byte {
	for c.pos < len(c.data) {
		switch b := c.data[c.pos]; b {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return b
		}
	}
	return 0
}

func (c *cursor) invalid() error {
	if c.pos >= len(c.data) {
		return errors.New("invalid JSON: unexpected end")
	}
	return fmt.Errorf("invalid JSON at byte %d", c.pos)
}

// end checks that nothing follows the value.
func (c *cursor) end() error {
	if c.peek(); c.pos < len(c.data) {
		return c.invalid()
	}
	return nil
}

func (c *cursor) word(w string) bool {
	if len(c.data)-c.pos < len(w) || string(c.data[c.pos:c.pos+len(w)]) != w {
		return false
	}
	c.pos += len(w)
	return true
}

// null consumes a null if that comes next.
func (c *cursor) null() bool { return c.peek() == 'n' && c.word("null") }

// open enters the array or object whose first byte peek has just returned.
func (c *cursor) open() error {
	if c.depth++; c.depth > maxDepth {
		return errDepth
	}
	c.pos++
	return nil
}

func (c *cursor) close() {
	c.depth--
	c.pos++
}

// element moves to the next element of the array being read. It reports false,
// and leaves the array, when there is none.
func (c *cursor) element(first bool) (bool, error) {
	switch b := c.peek(); {
	case b == ']':
		c.close()
		return false, nil
	case first:
		return true, nil
	case b == ',':
		c.pos++
		return true, nil
	}
	return false, c.invalid()
}

// member moves to the value of the object's next member and returns its key, which
// may be a part of the text. It reports false, and leaves the object, at the end.
func (c *cursor) member(first bool) (key []byte, ok bool, err error) {
	b := c.peek()
	if b == '}' {
		c.close()
		return nil, false, nil
	}
	if !first {
		if b != ',' {
			return nil, false, c.invalid()
		}
		c.pos++
		b = c.peek()
	}
	if b != '"' {
		return nil, false, c.invalid()
	}
	key, plain, err := c.quoted()
	if err != nil {
		return nil, false, err
	}
	if c.peek() != ':' {
		return nil, false, c.invalid()
	}
	c.pos++
	if !plain {
		key = unquote(key)
	}
	return key, true, nil
}

// quoted reads the string whose opening quote peek has just returned. plain says
// that body is the string as it is; otherwise unquote(body) is.
func (c *cursor) quoted() (body []byte, plain bool, err error) {
	start := c.pos + 1
	i := start
	plain, ascii := true, true
	for i < len(c.data) {
		b := c.data[i]
		if stringClass[b] == 0 {
			i++
			continue
		}
		switch {
		case b == '"':
			body = c.data[start:i]
			c.pos = i + 1
			if !ascii && plain {
				plain = utf8.Valid(body)
			}
			return body, plain, nil
		case b == '\\':
			n := escapeLen(c.data[i:])
			if n == 0 {
				c.pos = i
				return nil, false, c.invalid()
			}
			plain = false
			i += n
		case b < ' ':
			c.pos = i
			return nil, false, c.invalid()
		default:
			ascii = false
			i++
		}
	}
	c.pos = i
	return nil, false, c.invalid()
}

func (c *cursor) string() (string, error) {
	body, plain, err := c.quoted()
	if err != nil {
		return "", err
	}
	if !plain {
		body = unquote(body)
	}
	return string(body), nil
}

// number reads a number and reports whether it is written as an integer.
func (c *cursor) number() (literal []byte, integer bool, err error) {
	start := c.pos
	if c.at('-') {
		c.pos++
	}
	switch {
	case c.at('0'):
		c.pos++
	case !c.digits():
		return nil, false, c.invalid()
	}
	integer = true
	if c.at('.') {
		integer = false
		c.pos++
		if !c.digits() {
			return nil, false, c.invalid()
		}
	}
	if c.at('e') || c.at('E') {
		integer = false
		c.pos++
		if c.at('+') || c.at('-') {
			c.pos++
		}
		if !c.digits() {
			return nil, false, c.invalid()
		}
	}
	return c.data[start:c.pos], integer, nil
}

func (c *cursor) at(b byte) bool { return c.pos < len(c.data) && c.data[c.pos] == b }

// digits consumes the digits that follow and reports whether there were any.
func (c *cursor) digits() bool {
	start := c.pos
	for c.pos < len(c.data) && isDigit(c.data[c.pos]) {
		c.pos++
	}
	return c.pos > start
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// value reads any value and returns its text, clipped so that appending to it
// leaves what follows alone.
func (c *cursor) value() ([]byte, error) {
	c.peek()
	start := c.pos
	if err := c.skip(); err != nil {
		return nil, err
	}
	return clip(c.data[start:c.pos]), nil
}

// skip reads any value and drops it.
func (c *cursor) skip() error {
	var err error
	switch b := c.peek(); {
	case b == '{':
		if err := c.open(); err != nil {
			return err
		}
		for first := true; ; first = false {
			_, more, err := c.member(first)
			if err != nil || !more {
				return err
			}
			if err := c.skip(); err != nil {
				return err
			}
		}
	case b == '[':
		if err := c.open(); err != nil {
			return err
		}
		for first := true; ; first = false {
			more, err := c.element(first)
			if err != nil || !more {
				return err
			}
			if err := c.skip(); err != nil {
				return err
			}
		}
	case b == '"':
		_, _, err = c.quoted()
	case b == '-' || isDigit(b):
		_, _, err = c.number()
	case b == 't' && c.word("true"), b == 'f' && c.word("false"), b == 'n' && c.word("null"):
	default:
		err = c.invalid()
	}
	return err
}

// mismatch is the error for a value that does not fit: want is a type or a phrase.
func (c *cursor) mismatch(want any) error {
	got := ""
	switch b := c.peek(); {
	case b == '{':
		if got = "object"; c.attachments != nil && c.atPlaceholder() {
			got = "a binary attachment"
		}
	case b == '[':
		got = "array"
	case b == '"':
		got = "string"
	case b == '-' || isDigit(b):
		got = "number"
	case b == 't' && c.word("true"), b == 'f' && c.word("false"):
		got = "bool"
	case b == 'n' && c.word("null"):
		got = "null"
	default:
		return c.invalid()
	}
	return fmt.Errorf("want %v, got %s", want, got)
}

func clip(b []byte) []byte { return b[:len(b):len(b)] }
