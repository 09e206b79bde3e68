//go:build unix

package transport

import (
	"net"
	"sync"
	"syscall"
)

// rawConn returns what tryWrite needs, or nil for connections that cannot be
// written to without blocking, or whose Write does more than to pass bytes on: the
// type is compared, not the method, since a wrapper may only have inherited it.
func rawConn(c net.Conn) syscall.RawConn {
	var raw syscall.RawConn
	var err error
	switch c := c.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	}
	if err != nil {
		return nil
	}
	return raw
}

// rawWrite is one call of tryWrite. They are pooled, for the closure that
// RawConn.Write takes would be an allocation for each write.
type rawWrite struct {
	p    []byte
	n    int
	err  error
	call func(fd uintptr) bool
}

var rawWrites = sync.Pool{New: func() any {
	w := new(rawWrite)
	w.call = w.write
	return w
}}

// tryWrite writes as much of p as the kernel takes at once, which may be nothing.
func tryWrite(raw syscall.RawConn, p []byte) (int, error) {
	w := rawWrites.Get().(*rawWrite)
	w.p, w.n, w.err = p, 0, nil
	err := raw.Write(w.call)
	if err == nil {
		err = w.err
	}
	n := w.n
	w.p = nil
	rawWrites.Put(w)
	return n, err
}

// rawPiece is how much is handed to the kernel at a time, in bytes: what is copied in
// one system call holds up the scheduler.
const rawPiece = 64 << 10

// write reports true for "done", always: false would wait until fd is writable.
func (w *rawWrite) write(fd uintptr) bool {
	for w.n < len(w.p) {
		piece := w.p[w.n:min(w.n+rawPiece, len(w.p))]
		n, err := sockWrite(fd, piece)
		switch err {
		case nil:
			if w.n += n; n < len(piece) {
				return true
			}
		case syscall.EINTR:
		case syscall.EAGAIN:
			return true
		default:
			w.err = err
			return true
		}
	}
	return true
}
