package msgpack

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/tinylib/msgp/msgp"

	"github.com/parlor-go/parlor/framework/internal/codec"
	"github.com/parlor-go/parlor/framework/internal/packet"
)

// reader turns MessagePack into JSON, byte by byte and without a tree between. What a
// length claims is never allocated ahead: only bytes that are there count.
type reader struct {
	in             []byte // what is left
	out            []byte
	attachments    [][]byte
	maxAttachments int
}

var (
	errUTF8        = errors.New("string is not UTF-8")
	errPlaceholder = errors.New(`"_placeholder" is true: binary data is sent as such`)
)

// value reads one value, which stands in depth arrays and maps.
func (r *reader) value(depth int) (err error) {
	switch msgp.NextType(r.in) {
	case msgp.NilType:
		r.in, err = msgp.ReadNilBytes(r.in)
		r.out = append(r.out, "null"...)
	case msgp.BoolType:
		var v bool
		v, r.in, err = msgp.ReadBoolBytes(r.in)
		r.out = strconv.AppendBool(r.out, v)
	case msgp.IntType:
		var v int64
		v, r.in, err = msgp.ReadInt64Bytes(r.in)
		r.out = strconv.AppendInt(r.out, v, 10)
	case msgp.UintType:
		var v uint64
		v, err = r.uint()
		r.out = strconv.AppendUint(r.out, v, 10)
	case msgp.Float32Type:
		var v float32
		v, r.in, err = msgp.ReadFloat32Bytes(r.in)
		r.out = codec.AppendFloat(r.out, float64(v)) // what JavaScript would have read
	case msgp.Float64Type:
		var v float64
		v, r.in, err = msgp.ReadFloat64Bytes(r.in)
		r.out = codec.AppendFloat(r.out, v)
	case msgp.StrType:
		var v []byte
		v, err = r.text()
		r.out = appendQuoted(r.out, v)
	case msgp.BinType:
		var v []byte
		if v, r.in, err = msgp.ReadBytesZC(r.in); err == nil {
			err = r.attach(v)
		}
	case msgp.ArrayType:
		return r.array(depth)
	case msgp.MapType:
		return r.object(depth)
	case msgp.InvalidType:
		if len(r.in) == 0 {
			return msgp.ErrShortBytes
		}
		return msgp.InvalidPrefixError(r.in[0])
	default: // the extensions that msgp knows have types of their own
		return r.extension()
	}
	return err
}

func (r *reader) array(depth int) error {
	if depth == packet.MostDepth {
		return errDepth
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(r.in)
	if err != nil {
		return err
	}
	r.in = rest
	r.out = append(r.out, '[')
	for i := range n {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		if err := r.value(depth + 1); err != nil {
			return err
		}
	}
	r.out = append(r.out, ']')
	return nil
}

var errDepth = fmt.Errorf("nested deeper than %d", packet.MostDepth)

func (r *reader) object(depth int) error {
	if depth == packet.MostDepth {
		return errDepth
	}
	n, err := r.mapHeader()
	if err != nil {
		return err
	}
	r.out = append(r.out, '{')
	first := true
	for range n {
		mark := len(r.out)
		if !first {
			r.out = append(r.out, ',')
		}
		if err := r.key(); err != nil {
			return err
		}
		if r.undefined() {
			r.out = r.out[:mark] // as JSON.stringify does
			continue
		}
		first = false
		if err := r.value(depth + 1); err != nil {
			return err
		}
	}
	r.out = append(r.out, '}')
	return nil
}

// key reads a key and appends it with its colon. Integers become strings, as they do
// in JavaScript and in Python's JSON.
func (r *reader) key() error {
	switch msgp.NextType(r.in) {
	case msgp.IntType, msgp.UintType:
		r.out = append(r.out, '"')
		if err := r.value(0); err != nil {
			return err
		}
		r.out = append(r.out, '"', ':')
		return nil
	}
	key, err := r.text()
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if string(key) == "_placeholder" && len(r.in) > 0 && msgp.NextType(r.in) == msgp.BoolType {
		if v, _, _ := msgp.ReadBoolBytes(r.in); v {
			return errPlaceholder
		}
	}
	r.out = append(appendQuoted(r.out, key), ':')
	return nil
}

// attach makes an attachment of b and leaves its placeholder.
func (r *reader) attach(b []byte) error {
	n := len(r.attachments)
	if n == r.maxAttachments {
		return packet.TooMany(uint64(n)+1, r.maxAttachments)
	}
	r.attachments = append(r.attachments, append([]byte{}, b...))
	r.out = append(r.out, placeholder...)
	r.out = strconv.AppendInt(r.out, int64(n), 10)
	r.out = append(r.out, '}')
	return nil
}

// skip reads a value that nobody wants.
func (r *reader) skip() error {
	out, attachments := len(r.out), len(r.attachments)
	err := r.value(0)
	r.out, r.attachments = r.out[:out], r.attachments[:attachments]
	return err
}

func (r *reader) mapHeader() (n uint32, err error) {
	n, rest, err := msgp.ReadMapHeaderBytes(r.in)
	if err == nil {
		r.in = rest
	}
	return n, err
}

func (r *reader) uint() (n uint64, err error) {
	n, r.in, err = msgp.ReadUint64Bytes(r.in)
	return n, err
}

// text reads a string. It is part of in.
func (r *reader) text() (s []byte, err error) {
	s, r.in, err = msgp.ReadStringZC(r.in)
	if err == nil && !utf8.Valid(s) {
		err = errUTF8
	}
	return s, err
}

// appendQuoted appends s as JSON. The string that is made of it for that lives no
// longer than the call.
func appendQuoted(dst, s []byte) []byte {
	return codec.AppendString(dst, unsafe.String(unsafe.SliceData(s), len(s)))
}
