package msgpack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// The extensions that clients send. notepack.io 2.2, which socket.io-msgpack-parser
// stands on, gives all of its own the type 0 and tells them apart by their form: of 1
// byte undefined, of 8 a Date, with a length a typed array's buffer. Others use the
// timestamp of the MessagePack specification.
const (
	notepack  = 0
	timestamp = -1

	fixext1  = 0xd4
	fixext8  = 0xd7
	fixext16 = 0xd8
	ext8     = 0xc7
	ext16    = 0xc8
	ext32    = 0xc9
)

var errTime = errors.New("time out of range")

// extension reads one, in[0] being its form.
func (r *reader) extension() error {
	form, kind, data, err := r.nextExtension()
	if err != nil {
		return err
	}
	switch {
	case kind == notepack && form == fixext1:
		r.out = append(r.out, "null"...)
		return nil
	case kind == notepack && form == fixext8:
		return r.time(time.UnixMilli(int64(binary.BigEndian.Uint64(data))))
	case kind == notepack && form <= ext32:
		return r.attach(data)
	case kind == timestamp:
		return r.timestamp(data)
	}
	return fmt.Errorf("extension %d of %d bytes", kind, len(data))
}

// nextExtension takes an extension off in.
func (r *reader) nextExtension() (form byte, kind int8, data []byte, err error) {
	b := r.in
	head, n := 2, uint64(0)
	switch form = b[0]; {
	case fixext1 <= form && form <= fixext16:
		n = 1 << (form - fixext1)
	case form == ext8 && len(b) >= 3:
		head, n = 3, uint64(b[1])
	case form == ext16 && len(b) >= 4:
		head, n = 4, uint64(binary.BigEndian.Uint16(b[1:]))
	case form == ext32 && len(b) >= 6:
		head, n = 6, uint64(binary.BigEndian.Uint32(b[1:]))
	default:
		return 0, 0, nil, msgp.ErrShortBytes
	}
	if len(b) < head || uint64(len(b)-head) < n {
		return 0, 0, nil, msgp.ErrShortBytes
	}
	end := head + int(n)
	r.in = b[end:]
	return form, int8(b[head-1]), b[head:end], nil
}

// undefined takes JavaScript's undefined off in, if that is there.
func (r *reader) undefined() bool {
	if len(r.in) < 3 || r.in[0] != fixext1 || r.in[1] != notepack {
		return false
	}
	r.in = r.in[3:]
	return true
}

// absent is undefined for members of a packet, where None of Python's client, nil, is
// the same.
func (r *reader) absent() bool {
	if msgp.IsNil(r.in) {
		r.in = r.in[1:]
		return true
	}
	return r.undefined()
}

// timestamp appends a time in one of the three forms of the MessagePack specification,
// "Timestamp extension type".
func (r *reader) timestamp(b []byte) error {
	var sec int64
	var nsec uint32
	switch len(b) {
	case 4:
		sec = int64(binary.BigEndian.Uint32(b))
	case 8:
		both := binary.BigEndian.Uint64(b)
		nsec, sec = uint32(both>>34), int64(both&(1<<34-1))
	case 12:
		nsec, sec = binary.BigEndian.Uint32(b), int64(binary.BigEndian.Uint64(b[4:]))
	default:
		return fmt.Errorf("timestamp of %d bytes", len(b))
	}
	if nsec >= uint32(time.Second) || sec > maxSeconds || sec < -maxSeconds {
		return errTime
	}
	return r.time(time.Unix(sec, int64(nsec)))
}

// maxSeconds is how far from 1970 a Date can be.
const maxSeconds = 8_640_000_000_000

// time appends t as Date.prototype.toISOString writes it, and, where there are, the
// nanoseconds that a Date does not have.
func (r *reader) time(t time.Time) error {
	if sec := t.Unix(); sec > maxSeconds || sec < -maxSeconds {
		return errTime
	}
	t = t.UTC()
	r.out = append(r.out, '"')
	if year := t.Year(); 0 <= year && year <= 9999 {
		r.out = fmt.Appendf(r.out, "%04d", year)
	} else {
		r.out = fmt.Appendf(r.out, "%+07d", year)
	}
	layout := "-01-02T15:04:05.000Z"
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		layout = "-01-02T15:04:05.000000000Z"
	}
	r.out = append(t.AppendFormat(r.out, layout), '"')
	return nil
}
