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
	b    []byte
	of   *Message // whose frames these are, which are not to be changed; nil for most
	mark *mark    // told when it is this buffer's turn, which is empty then
	next *buffer
}

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 1024)} }}

func (b *buffer) free() {
	if b.mark != nil {
		b.mark.pass(nil)
	}
	if b.of != nil || cap(b.b) == 0 || cap(b.b) > keepSize {
		return
	}
	b.b = b.b[:0]
	buffers.Put(b)
}
