//go:build unix

package transport

import (
	"io"
	"sync"
	"syscall"
)

// rawRead reads from a connection through a buffer that it has only while there is
// something in it: a pooled one, taken when the kernel says that there is something
// to read. So a connection that is idle owns none, and one that is busy takes in many
// messages with one system call.
type rawRead struct {
	raw  syscall.RawConn
	buf  *[readAhead]byte // nil if nothing is read ahead
	left []byte           // of buf
	n    int
	err  error
	call func(fd uintptr) bool // read, as a value that need not be allocated each time
}

var readBuffers = sync.Pool{New: func() any { return new([readAhead]byte) }}

func newRawRead(raw syscall.RawConn) *rawRead {
	r := &rawRead{raw: raw}
	r.call = r.read
	return r
}

// Read implements io.Reader.
func (r *rawRead) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if err := r.raw.Read(r.call); err != nil {
			return 0, err
		}
		if r.err != nil {
			return 0, r.err
		}
		r.left = r.buf[:r.n]
	}
	n := copy(p, r.left)
	if r.left = r.left[n:]; len(r.left) == 0 {
		r.free()
	}
	return n, nil
}

// ahead tells whether something has been read that nobody has taken.
func (r *rawRead) ahead() bool { return len(r.left) > 0 }

// free gives the buffer back, and what is in it up.
func (r *rawRead) free() {
	if r.buf != nil {
		readBuffers.Put(r.buf)
	}
	r.buf, r.left = nil, nil
}

// read reports false for "wait until there is something, then call again".
func (r *rawRead) read(fd uintptr) bool {
	buf := readBuffers.Get().(*[readAhead]byte)
	for {
		n, err := sockRead(fd, buf[:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == nil && n > 0:
			r.buf, r.n, r.err = buf, n, nil
			return true
		}
		readBuffers.Put(buf)
		if err == syscall.EAGAIN {
			return false
		}
		if err == nil {
			err = io.EOF
		}
		r.err = err
		return true
	}
}
