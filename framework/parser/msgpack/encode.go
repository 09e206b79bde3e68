package msgpack

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/parlor-go/parlor/framework/internal/codec"
)

// writer turns JSON into MessagePack, byte by byte and without a tree between.
type writer struct {
	in          []byte // valid, of bounded depth
	i           int    // what of it has been read
	out         []byte
	attachments [][]byte
}

// value appends the value that begins at in[i], or behind the space there.
func (w *writer) value() error {
	w.space()
	switch w.in[w.i] {
	case '{':
		return w.object()
	case '[':
		return w.array()
	case '"':
		w.out = msgp.AppendStringFromBytes(w.out, w.text())
	case 't':
		w.i += len("true")
		w.out = msgp.AppendBool(w.out, true)
	case 'f':
		w.i += len("false")
		w.out = msgp.AppendBool(w.out, false)
	case 'n':
		w.i += len("null")
		w.out = msgp.AppendNil(w.out)
	default:
		w.number()
	}
	return nil
}

// next tells whether another element or member begins, and goes there; else it goes
// behind the closing bracket.
func (w *writer) next(closing byte) bool {
	w.space()
	switch w.in[w.i] {
	case closing:
		w.i++
		return false
	case ',':
		w.i++
		w.space()
	}
	return true
}

func (w *writer) array() error {
	w.i++
	head, n := w.reserve(), uint32(0)
	for ; w.next(']'); n++ {
		if err := w.value(); err != nil {
			return err
		}
	}
	var b [5]byte
	w.setHead(head, msgp.AppendArrayHeader(b[:0], n))
	return nil
}

func (w *writer) object() error {
	if done, err := w.attachment(); done || err != nil {
		return err
	}
	w.i++
	head, n := w.reserve(), uint32(0)
	for ; w.next('}'); n++ {
		w.out = msgp.AppendStringFromBytes(w.out, w.text())
		w.space()
		w.i++ // the colon
		if err := w.value(); err != nil {
			return err
		}
	}
	var b [5]byte
	w.setHead(head, msgp.AppendMapHeader(b[:0], n))
	return nil
}

// reserve leaves room for the head of a short array or map, of which nobody knows yet
// how long it is.
func (w *writer) reserve() (at int) {
	w.out = append(w.out, 0)
	return len(w.out) - 1
}

func (w *writer) setHead(at int, head []byte) {
	if len(head) == 1 {
		w.out[at] = head[0]
		return
	}
	w.out = slices.Replace(w.out, at, at+1, head...)
}

var placeholder = []byte(`{"_placeholder":true,"num":`)

// attachment appends the binary data whose place the object at in[i] keeps, if it
// does. Without attachments such an object is what the application chose to send.
func (w *writer) attachment() (done bool, err error) {
	if len(w.attachments) == 0 || !bytes.HasPrefix(w.in[w.i:], placeholder) {
		return false, nil
	}
	digits, _, found := bytes.Cut(w.in[w.i+len(placeholder):], []byte("}"))
	n, err := strconv.ParseUint(string(digits), 10, 31)
	if !found || err != nil || n >= uint64(len(w.attachments)) {
		return false, fmt.Errorf("illegal attachment %.20q, of %d", digits, len(w.attachments))
	}
	w.out = msgp.AppendBytes(w.out, w.attachments[n])
	w.i += len(placeholder) + len(digits) + 1
	return true, nil
}

// text reads a string, b[i] being its quote.
func (w *writer) text() []byte {
	w.i++
	start, escaped := w.i, false
	for w.in[w.i] != '"' {
		if w.in[w.i] == '\\' {
			escaped = true
			w.i++
		}
		w.i++
	}
	body := w.in[start:w.i]
	w.i++
	if escaped || !utf8.Valid(body) {
		return codec.Unquote(body)
	}
	return body
}

// number appends what has no point and no exponent as an integer, if 64 bits hold it.
func (w *writer) number() {
	start, whole := w.i, true
loop:
	for ; w.i < len(w.in); w.i++ {
		switch c := w.in[w.i]; {
		case '0' <= c && c <= '9' || c == '-' && w.i == start:
		case c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-':
			whole = false
		default:
			break loop
		}
	}
	digits := w.in[start:w.i]
	if whole && digits[0] != '-' {
		if n, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
			w.out = msgp.AppendUint64(w.out, n) // as notepack, which has no signed form of them
			return
		}
	} else if whole {
		if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil && n != 0 {
			w.out = msgp.AppendInt64(w.out, n)
			return
		}
	}
	f, _ := strconv.ParseFloat(string(digits), 64) // beyond its range an infinity, as in JavaScript
	w.out = msgp.AppendFloat64(w.out, f)
}

func (w *writer) space() {
	for w.i < len(w.in) {
		switch w.in[w.i] {
		case ' ', '\n', '\r', '\t':
			w.i++
		default:
			return
		}
	}
}
