package codec

import (
	"bytes"
	"errors"
	"strconv"
)

const placeholderKey = "_placeholder"

var errAttachment = errors.New("illegal attachment")

// appendPlaceholder appends the mark of attachment i.
func appendPlaceholder(dst []byte, i int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	dst = strconv.AppendInt(dst, int64(i), 10)
	return append(dst, '}')
}

// placeholder looks, without moving, whether the object at c stands for an
// attachment, and returns the text of its num.
//
// It gives up at the first member that is itself an object or an array, where the
// reference decoder looks on: no encoder writes such a placeholder, and looking on
// would make nested objects quadratic.
func (c *cursor) placeholder() (num []byte, ok bool) {
	look := *c
	if look.open() != nil {
		return nil, false
	}
	for first := true; ; first = false {
		key, more, err := look.member(first)
		if err != nil || !more {
			return num, ok && err == nil
		}
		if b := look.peek(); b == '{' || b == '[' {
			return num, ok
		}
		text, err := look.value()
		if err != nil {
			return nil, false
		}
		switch string(key) {
		case placeholderKey:
			ok = string(text) == "true"
		case "num":
			num = text
		}
	}
}

func (c *cursor) atPlaceholder() bool {
	_, ok := c.placeholder()
	return ok
}

// attachment reads the placeholder at c and returns its attachment; ok is false,
// and c has not moved, if another kind of object is there.
func (c *cursor) attachment() (b []byte, ok bool, err error) {
	num, ok := c.placeholder()
	if !ok {
		return nil, false, nil
	}
	i, err := strconv.ParseUint(string(num), 10, 31)
	if err != nil || i >= uint64(len(c.attachments)) {
		return nil, true, errAttachment
	}
	if err := c.skip(); err != nil {
		return nil, true, err
	}
	if b = c.attachments[i]; b == nil {
		b = []byte{} // nil would read as null
	}
	return clip(b), true, nil
}

// holdsPlaceholder reports whether a placeholder is anywhere in the value text.
func (c *cursor) holdsPlaceholder(text []byte) bool {
	if !bytes.Contains(text, []byte(placeholderKey)) && bytes.IndexByte(text, '\\') < 0 {
		return false
	}
	look := cursor{data: text, depth: c.depth}
	return look.findPlaceholder()
}

// findPlaceholder reads the value at c, which is valid, up to its first placeholder.
func (c *cursor) findPlaceholder() bool {
	switch c.peek() {
	case '{':
		if c.atPlaceholder() {
			return true
		}
		if c.open() != nil {
			return false
		}
		for first := true; ; first = false {
			_, more, err := c.member(first)
			if err != nil || !more {
				return false
			}
			if c.findPlaceholder() {
				return true
			}
		}
	case '[':
		if c.open() != nil {
			return false
		}
		for first := true; ; first = false {
			more, err := c.element(first)
			if err != nil || !more {
				return false
			}
			if c.findPlaceholder() {
				return true
			}
		}
	}
	// A value that cannot be skipped ends the walk at the next member or element.
	_ = c.skip()
	return false
}
