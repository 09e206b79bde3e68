//go:build unix

package transport

import (
	"os"
	"runtime"
	"syscall"
	"time"
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

	skip, skips int // how often it is to be Gosched yet, and was last time
}

const (
	// slowBarrier is from when on a wait was too long: the processors have other work,
	// and the scheduler asks the network only now and then.
	slowBarrier = time.Millisecond

	// mostSkips is for how many waits that is taken to go on, at most.
	mostSkips = 1024
)

func (b *barrier) wait() {
	if b.raw == nil && b.err == nil {
		b.err = b.open()
	}
	switch {
	case b.err != nil:
	case b.skip > 0:
		b.skip--
	default:
		start := time.Now()
		b.sent = false
		b.err = b.raw.Read(b.call)
		if time.Since(start) < slowBarrier {
			b.skips = 0
		} else {
			b.skips = min(max(16, 2*b.skips), mostSkips)
		}
		b.skip = b.skips
	}
	// Who was found with the byte stands behind it in the queue. Twice, for one in 61
	// looks of the scheduler is for those who have let others go first.
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
	_, err := syscall.Read(int(fd), one[:])
	return err != syscall.EAGAIN
}

func (b *barrier) close() {
	if b.r != nil {
		_ = b.r.Close()
		_ = b.w.Close()
	}
}
