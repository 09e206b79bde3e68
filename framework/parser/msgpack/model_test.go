package msgpack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/framework/parser"
)

// modeler reads a packet by the MessagePack specification into a tree of Go values,
// where the package writes JSON and makes no tree: what FuzzDecode compares it with. A
// fault panics with a modelFault.
type modeler struct {
	in          []byte
	attachments [][]byte
}

type modelFault string

// undefined and date are values of the tree that JSON has not.
type (
	undefined struct{}
	date      struct{ time.Time }
	place     int // of an attachment
)

// model returns the packet without its data, and that as a tree, nil for none at all.
func model(message []byte) (p parser.Packet, data *any, err error) {
	defer func() {
		if fault, ok := recover().(modelFault); ok {
			err = errors.New(string(fault))
		}
	}()
	m := &modeler{in: message}
	named := false
	kind := uint64(math.MaxUint64)
	for range m.mapLength() {
		switch m.str() {
		case "type":
			kind = m.natural(m.value(0))
		case "nsp":
			p.Namespace, named = m.str(), true
		case "id":
			id := m.value(0)
			if p.HasID = id != nil && id != (undefined{}); p.HasID {
				p.ID = m.natural(id)
			}
		case "data":
			data, m.attachments = nil, nil
			if v := m.value(0); v != nil && v != any(undefined{}) {
				data = &v
			}
		default:
			kept := m.attachments
			m.value(0)
			m.attachments = kept
		}
	}
	p.Type, p.Attachments = parser.Type(kind), m.attachments
	if len(m.in) > 0 || kind > 4 || !named {
		return p, nil, errors.New("not a packet")
	}
	var ok bool
	switch p.Type {
	case parser.Connect:
		ok = data == nil || is[map[string]any](*data)
	case parser.Disconnect:
		ok = data == nil
	case parser.ConnectError:
		ok = data != nil && (is[map[string]any](*data) || is[string](*data) || is[date](*data))
	default:
		ok = data != nil && is[[]any](*data)
	}
	if !ok {
		return p, nil, errors.New("data of another type")
	}
	return p, data, nil
}

func is[T any](v any) bool { _, ok := v.(T); return ok }

func (m *modeler) take(n uint64) []byte {
	if n > uint64(len(m.in)) {
		panic(modelFault("too short"))
	}
	b := m.in[:n]
	m.in = m.in[n:]
	return b
}

// length reads a length, or another number, of size bytes.
func (m *modeler) length(size int) uint64 {
	var b [8]byte
	copy(b[8-size:], m.take(uint64(size)))
	return binary.BigEndian.Uint64(b[:])
}

func (m *modeler) mapLength() int {
	switch c := m.take(1)[0]; {
	case c>>4 == 0x8:
		return int(c & 0xf)
	case c == 0xde:
		return int(m.length(2))
	case c == 0xdf:
		return int(m.length(4))
	}
	panic(modelFault("no map"))
}

func (m *modeler) str() string {
	s, ok := m.value(0).(string)
	if !ok {
		panic(modelFault("no string"))
	}
	return s
}

func (m *modeler) natural(v any) uint64 {
	switch v := v.(type) {
	case uint64:
		return v
	case int64:
		if v >= 0 {
			return uint64(v)
		}
	}
	panic(modelFault("no natural number"))
}

func (m *modeler) value(depth int) any {
	c := m.take(1)[0]
	switch {
	case c < 0x80:
		return uint64(c)
	case c < 0x90:
		return m.object(int(c&0xf), depth)
	case c < 0xa0:
		return m.array(int(c&0xf), depth)
	case c < 0xc0:
		return m.text(uint64(c & 0x1f))
	case c >= 0xe0:
		return int64(int8(c))
	}
	switch c {
	case 0xc0:
		return nil
	case 0xc2, 0xc3:
		return c == 0xc3
	case 0xc4, 0xc5, 0xc6: // bin
		return m.attach(m.take(m.length(1 << (c - 0xc4))))
	case 0xc7, 0xc8, 0xc9: // ext
		n := m.length(1 << (c - 0xc7))
		return m.extension(true, n)
	case 0xca:
		return m.float(float64(math.Float32frombits(uint32(m.length(4)))))
	case 0xcb:
		return m.float(math.Float64frombits(m.length(8)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		return m.length(1 << (c - 0xcc))
	case 0xd0:
		return int64(int8(m.length(1)))
	case 0xd1:
		return int64(int16(m.length(2)))
	case 0xd2:
		return int64(int32(m.length(4)))
	case 0xd3:
		return int64(m.length(8))
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // fixext
		return m.extension(false, 1<<(c-0xd4))
	case 0xd9, 0xda, 0xdb:
		return m.text(m.length(1 << (c - 0xd9)))
	case 0xdc, 0xdd:
		return m.array(int(m.length(2<<(c-0xdc))), depth)
	case 0xde, 0xdf:
		return m.object(int(m.length(2<<(c-0xde))), depth)
	}
	panic(modelFault("no type"))
}

func (m *modeler) float(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}

func (m *modeler) text(n uint64) string {
	b := m.take(n)
	if !utf8.Valid(b) {
		panic(modelFault("not UTF-8"))
	}
	return string(b)
}

func (m *modeler) attach(b []byte) any {
	if len(m.attachments) == 10 {
		panic(modelFault("too many attachments"))
	}
	m.attachments = append(m.attachments[:len(m.attachments):len(m.attachments)], b)
	return place(len(m.attachments) - 1)
}

func (m *modeler) deeper(depth int) {
	if depth == packet.MostDepth {
		panic(modelFault("too deep"))
	}
}

func (m *modeler) array(n, depth int) any {
	m.deeper(depth)
	list := []any{}
	for range n {
		v := m.value(depth + 1)
		if v == (any)(undefined{}) {
			v = nil
		}
		list = append(list, v)
	}
	return list
}

func (m *modeler) object(n, depth int) any {
	m.deeper(depth)
	object := map[string]any{}
	for range n {
		var key string
		switch k := m.value(packet.MostDepth).(type) {
		case string:
			key = k
		case int64:
			key = strconv.FormatInt(k, 10)
		case uint64:
			key = strconv.FormatUint(k, 10)
		default:
			panic(modelFault(fmt.Sprintf("key %v", k)))
		}
		v := m.value(depth + 1)
		if key == "_placeholder" && v == true {
			panic(modelFault("placeholder"))
		}
		if v != (any)(undefined{}) {
			object[key] = v
		}
	}
	return object
}

// extension reads one behind its length; free says that it might have had any.
func (m *modeler) extension(free bool, n uint64) any {
	kind := int8(m.take(1)[0])
	b := m.take(n)
	switch {
	case kind == 0 && free:
		return m.attach(b)
	case kind == 0 && n == 1:
		return undefined{}
	case kind == 0 && n == 8:
		return m.date(time.UnixMilli(int64(binary.BigEndian.Uint64(b))))
	case kind == -1 && n == 4:
		return m.date(time.Unix(int64(binary.BigEndian.Uint32(b)), 0))
	case kind == -1 && n == 8:
		both := binary.BigEndian.Uint64(b)
		return m.timestamp(int64(both&(1<<34-1)), both>>34)
	case kind == -1 && n == 12:
		return m.timestamp(int64(binary.BigEndian.Uint64(b[4:])), uint64(binary.BigEndian.Uint32(b)))
	}
	panic(modelFault("extension"))
}

// mostSeconds is how far a Date of JavaScript may be from 1970.
const mostSeconds = 8_640_000_000_000

func (m *modeler) timestamp(sec int64, nsec uint64) any {
	if nsec > 999_999_999 || sec > mostSeconds || sec < -mostSeconds {
		panic(modelFault("time out of range"))
	}
	return m.date(time.Unix(sec, int64(nsec)))
}

func (m *modeler) date(t time.Time) any {
	if sec := t.Unix(); sec > mostSeconds || sec < -mostSeconds {
		panic(modelFault("time out of range"))
	}
	return date{t.UTC()}
}
