//go:build unix

package transport

import (
	"os"
	"runtime"
	"syscall"
)

// barrier lets everybody go first who could. runtime.Gosched does so for goroutines
// that are ready, but while there are any the scheduler asks the network only every
// ten milliseconds who else might be. It asks when there are none: so this waits for
// the network itself, for a byte in a pipe that is on its way already.
type barrier struct {
	r, w *os.File
	raw  syscall.RawConn
	call func(fd uintptr) bool // pass, as a value that need not be allocated each time
	sent bool
	err  error // without a pipe it is runtime.Gosched
}

func (b *barrier) wait() {
	if b.raw == nil && b.err == nil {
		b.err = b.open()
	}
	if b.err == nil {
		b.sent = false
		b.err = b.raw.Read(b.call)
	}
	// Who was found with the byte stands behind it in the queue. Twice, for of every
	// 61 times that the scheduler looks one is for those who have let others go first.
	runtime.Gosched()
	runtime.Gosched()
}

func (b *barrier) open() (err error) {
	if b.r, b.w, err = os.Pipe(); err != nil {
		return err
	}
	b.call = b.pass
	b.raw, err = b.r.SyscallConn()
	return err
}

// pass reports false for "wait until there is something to read".
func (b *barrier) pass(fd uintptr) bool {
	var one [1]byte
	if !b.sent {
		b.sent = true
		_, err := b.w.Write(one[:])
		return err != nil
	}
	_, err := sysRead(fd, one[:])
	return err != syscall.EAGAIN
}

func (b *barrier) close() {
	if b.r != nil {
		_ = b.r.Close()
		_ = b.w.Close()
	}
}
