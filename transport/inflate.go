package transport

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"
)

// inflater stands between a WebSocket with permessage-deflate and gws, which gets to
// see frames that are not compressed. gws could decompress by itself, but keeps a
// megabyte for each of a few that are made beforehand and all connections share, and
// tells a message that is too large from a broken one by neither reason nor code.
//
// It keeps no buffer but that of a message that it is in the middle of.
type inflater struct {
	conn *conn

	head [maxHead]byte // of a frame
	out  []byte        // what gws gets next

	opcode byte          // of a compressed message that has begun, else 0
	in     *bytes.Buffer // what is there of it; nil unless one has begun
	text   *buffer       // where out is, if it was inflated
}

var (
	errBadDeflate = errors.New("transport: a compressed message cannot be read")
	errTooLarge   = errors.New("transport: there is more to decompress than there may be")
)

// Read implements io.Reader for gws.
func (f *inflater) Read(p []byte) (int, error) {
	c := f.conn
	for len(f.out) == 0 && c.piece == 0 {
		begun := 0
		if !c.hasPiece() {
			var err error
			if begun, err = c.receiveBytes(f.head[:minHead]); err != nil {
				return 0, f.failed(err)
			}
		}
		if err := f.next(begun); err != nil {
			return 0, f.failed(err)
		}
	}
	if len(f.out) == 0 {
		n, err := c.Read(p)
		return n, f.failed(err)
	}
	n := copy(p, f.out)
	if f.out = f.out[n:]; len(f.out) == 0 {
		f.freeText()
	}
	return n, nil
}

// failed gives up what is kept if err is not nil.
func (f *inflater) failed(err error) error {
	if err != nil {
		f.freeIn()
		f.freeText()
	}
	return err
}

// next reads the head of a frame and decides what becomes of it: gws gets it, or it is
// a part of a compressed message and gws gets that once it is all there.
func (f *inflater) next(begun int) error {
	h, err := f.conn.nextFrame(f.head[:], begun)
	if err != nil || h.control() {
		return err
	}
	if f.opcode == 0 && h.first&frameDeflated == 0 {
		f.out = h.append(f.head[:0])
		return nil
	}
	if f.opcode == 0 {
		f.opcode, f.in = h.first&bitsOpcode, bodies.Get().(*bytes.Buffer)
	}
	if err := f.collect(h); err != nil {
		return err
	}
	if h.first&bitFinal == 0 {
		return nil
	}
	return f.inflate()
}

// collect adds the payload of a frame to the message.
func (f *inflater) collect(h head) error {
	start := f.in.Len()
	if _, err := io.CopyN(f.in, f.conn, int64(h.size)); err != nil {
		return err
	}
	unmask(f.in.Bytes()[start:], h.key)
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

	limit := f.conn.session.engine.opts.MaxPayload
	f.text = buffers.Get().(*buffer)
	text, err := appendAll(append(f.text.b, make([]byte, maxHead)...), z, maxHead+limit)
	f.text.b = text
	switch {
	case errors.Is(err, errTooLarge):
		return f.conn.breakOff(closeTooLarge, tooLong(limit))
	case err != nil:
		return f.conn.breakOff(closeInvalid, fmt.Errorf("%w: %w", errBadDeflate, err))
	case src.Len() > len(end)+1: // a stream that ends by itself may have one byte behind it, section 7.2.3.4
		return f.conn.breakOff(closeInvalid, fmt.Errorf("%w: there is something behind the end of its stream", errBadDeflate))
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
