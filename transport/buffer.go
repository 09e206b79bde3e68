package transport

import "sync"

const (
	// shareSize is the length of frames from which they are not copied, in bytes.
	shareSize = 16 << 10

	// keepSize is the capacity up to which buffers are kept for others, in bytes.
	keepSize = 64 << 10
)

// buffer is a pooled byte slice, or one that belongs to a Message. An idle
// connection owns none.
type buffer struct {
	b      []byte
	shared bool  // of a Message, and not to be changed
	mark   *mark // told when it is this buffer's turn, which is empty then
	next   *buffer
}

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 1024)} }}

func (b *buffer) free() {
	if b.mark != nil {
		b.mark.pass(nil)
	}
	if b.shared || cap(b.b) > keepSize {
		return
	}
	b.b = b.b[:0]
	buffers.Put(b)
}
