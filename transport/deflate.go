package transport

import (
	"bytes"
	"compress/flate"
	"fmt"
	"sync"
)

// PerMessageDeflate are the settings of Options.PerMessageDeflate. The zero value
// works.
type PerMessageDeflate struct {
	// Threshold is the size in bytes from which messages and their attachments are
	// compressed. 0 means 1024.
	Threshold int

	// Level is that of package compress/flate: 1, the fastest, to 9, or
	// flate.HuffmanOnly. 0 means 1.
	Level int
}

// deflate compresses what goes out on WebSockets with permessage-deflate.
type deflate struct {
	threshold int
	writers   sync.Pool // of *deflater
}

// deflater is the great expense, up to a megabyte: none is made before it is used.
type deflater struct {
	z   *flate.Writer
	out bytes.Buffer
}

// newDeflate panics if the options make no sense. It returns nil for none.
func newDeflate(o *PerMessageDeflate) *deflate {
	if o == nil {
		return nil
	}
	d := &deflate{threshold: o.Threshold}
	setDefault(&d.threshold, 1024, "PerMessageDeflate.Threshold")
	level := o.Level
	if level == 0 {
		level = flate.BestSpeed
	}
	if level < flate.HuffmanOnly || level > flate.BestCompression {
		panic(fmt.Sprintf("transport: Options.PerMessageDeflate.Level is %d: want 1 to 9, %d for Huffman coding only, "+
			"or 0 for 1", level, flate.HuffmanOnly))
	}
	d.writers.New = func() any {
		z, _ := flate.NewWriter(nil, level) // fails for wrong levels only
		return &deflater{z: z}
	}
	return d
}

// frameDeflated marks a frame as compressed: RSV1, RFC 7692 section 6.
const frameDeflated = 0x40

// frames returns m as it goes out. It is compressed once, however many ask; the first
// of several engines that send the same message does it in its way.
func (d *deflate) frames(m *Message) []byte {
	if m.plain() || len(m.frames) < d.threshold {
		return m.frames
	}
	deflated := m.look(formDeflate)
	if b := deflated.Load(); b != nil {
		return *b
	}
	b := d.encode(m.frames)
	deflated.Store(&b)
	return b
}

// encode compresses those of a message's frames that are large enough and get smaller
// by it.
func (d *deflate) encode(frames []byte) []byte {
	w := d.writers.Get().(*deflater)
	defer d.writers.Put(w)
	var out []byte // nil as long as nothing has been compressed
	for rest := frames; len(rest) > 0; {
		opcode, data, next := nextFrame(rest)
		frame := rest[:len(rest)-len(next)]
		before := frames[:len(frames)-len(rest)]
		rest = next

		var deflated []byte
		if len(data) >= d.threshold {
			deflated = w.deflate(data)
		}
		if deflated == nil {
			if out != nil {
				out = append(out, frame...)
			}
			continue
		}
		if out == nil {
			out = append(make([]byte, 0, len(before)+frameSize(len(deflated))+len(next)), before...)
		}
		out = append(appendHeader(out, opcode|frameDeflated, len(deflated)), deflated...)
	}
	if cap(w.out.Bytes()) > keepSize {
		w.out = bytes.Buffer{}
	}
	if out == nil {
		return frames
	}
	return out
}

// deflate compresses data, RFC 7692 section 7.2.1: the end of a flush is left out,
// since the other side knows it. It returns nil if that makes it no smaller; what it
// returns is valid until the next call.
func (w *deflater) deflate(data []byte) []byte {
	w.out.Reset()
	w.z.Reset(&w.out)
	_, _ = w.z.Write(data) // a Buffer does not fail
	_ = w.z.Flush()
	b := w.out.Bytes()
	if b = b[:len(b)-len(flushEnd)]; len(b) >= len(data) {
		return nil
	}
	return b
}

// flushEnd is what a flush ends with, an empty block that is stored.
const flushEnd = "\x00\x00\xff\xff"
