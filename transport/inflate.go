package transport

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// inflater stands between a WebSocket with permessage-deflate and gws, which gets to
// see frames that are not compressed. gws could decompress by itself, but keeps a
// megabyte for each of a few that are made beforehand and all connections share,
// accepts the bits of extensions that nobody agreed on, and tells a message that is
// too large from a broken one by neither reason nor code.
//
// It keeps no buffer but that of a message that it is in the middle of.
type inflater struct {
	conn  *conn
	src   *bufio.Reader
	limit int // bytes of a message, compressed or not

	head [maxHead]byte // of a frame
	out  []byte        // what gws gets next
	pass uint64        // how much it gets from src behind that

	opcode byte          // of a compressed message that has begun, else 0
	in     *bytes.Buffer // what is there of it; nil unless one has begun
	text   *buffer       // where out is, if it was inflated
}

// maxHead is how long the head of a masked frame is at most, in bytes.
const maxHead = 14

// Close codes, RFC 6455 section 7.4.1.
const (
	closeProtocol = 1002
	closeInvalid  = 1007
	closeTooLarge = 1009
)

var (
	errReservedBits = errors.New("transport: reserved bits of a WebSocket frame are set")
	errBadDeflate   = errors.New("transport: a compressed message cannot be read")
	errTooLarge     = errors.New("transport: a compressed message is larger than Options.MaxPayload")
)

// Read implements io.Reader for gws.
func (f *inflater) Read(p []byte) (int, error) {
	for {
		switch {
		case len(f.out) > 0:
			n := copy(p, f.out)
			if f.out = f.out[n:]; len(f.out) == 0 {
				f.freeText()
			}
			return n, nil
		case f.pass > 0:
			n, err := f.src.Read(p[:min(uint64(len(p)), f.pass)])
			f.pass -= uint64(n)
			if err != nil {
				f.freeIn()
			}
			return n, err
		}
		if err := f.next(); err != nil {
			f.freeIn()
			f.freeText()
			return 0, err
		}
	}
}

// next reads the head of a frame and decides what becomes of it: gws gets it, or it is
// a part of a compressed message and gws gets that once it is all there.
func (f *inflater) next() error {
	n, err := f.readHead()
	if err != nil {
		return err
	}
	bits, opcode := f.head[0]&0x70, f.head[0]&0x0f
	switch {
	case bits&^frameDeflated != 0:
		return f.fail(closeProtocol, errReservedBits)
	case bits == 0 && (opcode != 0 || f.opcode == 0):
		if f.opcode != 0 && opcode < 8 {
			return f.fail(closeProtocol, errors.New("transport: a message begins inside of a compressed one"))
		}
		f.out, f.pass = f.head[:n], f.size()
		return nil
	case bits != 0 && (opcode != frameText&0x0f && opcode != frameBinary&0x0f || f.opcode != 0):
		return f.fail(closeProtocol, errReservedBits) // they stand on the first frame of a message, RFC 7692 section 6.1
	case f.head[1]&0x80 == 0:
		return f.fail(closeProtocol, errors.New("transport: a client's frame is not masked"))
	}
	if bits != 0 {
		f.opcode, f.in = opcode, bodies.Get().(*bytes.Buffer)
	}
	if err := f.collect(n); err != nil {
		return err
	}
	if f.head[0]&0x80 == 0 {
		return nil
	}
	return f.inflate()
}

// readHead reads the head of a frame and returns its length.
func (f *inflater) readHead() (n int, err error) {
	if _, err := io.ReadFull(f.src, f.head[:2]); err != nil {
		return 0, err
	}
	n = 2
	switch f.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.head[1]&0x80 != 0 {
		n += 4
	}
	if _, err := io.ReadFull(f.src, f.head[2:n]); err != nil {
		return 0, err
	}
	if f.size() > 1<<62 {
		return 0, f.fail(closeProtocol, errors.New("transport: the length of a WebSocket frame is negative"))
	}
	return n, nil
}

// size returns the payload's length by the head.
func (f *inflater) size() uint64 {
	switch size := f.head[1] & 0x7f; size {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.head[2:])
	default:
		return uint64(size)
	}
}

// collect adds the payload of a frame to the message. What is random gets longer by
// being compressed, if only a little.
func (f *inflater) collect(n int) error {
	size, key := f.size(), [4]byte(f.head[n-4:n])
	if size > uint64(f.limit+f.limit>>8+64-f.in.Len()) {
		return f.fail(closeTooLarge, errTooLarge)
	}
	start := f.in.Len()
	if _, err := io.CopyN(f.in, f.src, int64(size)); err != nil {
		return err
	}
	for i, data := 0, f.in.Bytes()[start:]; i < len(data); i++ {
		data[i] ^= key[i&3]
	}
	return nil
}

// inflate makes a frame of the message that has been collected. Its mask is 0.
func (f *inflater) inflate() error {
	const end = flushEnd + "\x01" + flushEnd // a last block, for package flate
	f.in.WriteString(end)
	src := bytes.NewReader(f.in.Bytes())
	z := flates.Get().(*flateReader)
	defer flates.Put(z)
	z.reset(src)

	f.text = buffers.Get().(*buffer)
	text, err := appendAll(append(f.text.b, make([]byte, maxHead)...), z, maxHead+f.limit)
	f.text.b = text
	switch {
	case errors.Is(err, errTooLarge):
		return f.fail(closeTooLarge, err)
	case err != nil:
		return f.fail(closeInvalid, fmt.Errorf("%w: %w", errBadDeflate, err))
	case src.Len() > len(end)+1: // a stream that ends by itself may have one byte behind it, section 7.2.3.4
		return f.fail(closeInvalid, fmt.Errorf("%w: there is something behind the end of its stream", errBadDeflate))
	}

	var head [maxHead]byte
	h := appendHeader(head[:0], 0x80|f.opcode, len(text)-maxHead)
	h[1] |= 0x80
	h = append(h, 0, 0, 0, 0)
	f.out = text[maxHead-len(h):]
	copy(f.out, h)
	f.freeIn()
	return nil
}

// appendAll appends what r has, up to a length of limit.
func appendAll(dst []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return dst, errTooLarge
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}

// fail closes the WebSocket with a code. gws would choose another.
func (f *inflater) fail(code uint16, err error) error {
	c := f.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state < connEnding {
		c.put([]byte{frameClose, 2, byte(code >> 8), byte(code)})
		c.state = connEnding
	}
	return err
}

// freeIn gives back what has been collected.
func (f *inflater) freeIn() {
	if f.in != nil {
		freeBody(f.in)
	}
	f.opcode, f.in = 0, nil
}

// freeText gives back what was inflated.
func (f *inflater) freeText() {
	f.out = nil
	if f.text != nil {
		f.text.free()
		f.text = nil
	}
}

// flateReader is a decompressor that can be used again. Each is 44 KiB.
type flateReader struct{ io.Reader }

var flates = sync.Pool{New: func() any { return &flateReader{flate.NewReader(nil)} }}

func (z *flateReader) reset(src io.Reader) {
	_ = z.Reader.(flate.Resetter).Reset(src, nil) // it has no error to return
}
