package load

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func newDriver(threads int, secure bool, fail func(error)) (driver, error) {
	if secure {
		return &goroutines{fail: fail}, nil
	}
	p := &pollers{}
	for range threads {
		l, err := newLoop(fail)
		if err != nil {
			p.close()
			return nil, err
		}
		p.loops = append(p.loops, l)
		p.group.Go(l.run)
	}
	return p, nil
}

// pollers spreads connections over loops, each of which is a thread.
type pollers struct {
	loops []*loop
	next  atomic.Int64
	group sync.WaitGroup
}

func (p *pollers) add(conn net.Conn, to peer, set func(wire)) error {
	return p.loops[int(p.next.Add(1))%len(p.loops)].add(conn.(*net.TCPConn), to, set)
}

func (p *pollers) close() {
	for _, l := range p.loops {
		l.stop()
	}
	p.group.Wait()
	for _, l := range p.loops {
		l.release()
	}
}

// loop waits for all of its connections at once and reads each with one system
// call: what a load generator needs to cost less than what it measures.
type loop struct {
	epoll int
	wake  [2]int // a pipe; it is readable once the loop has to end
	fail  func(error)

	mu    sync.Mutex
	conns []*descriptor // the index is what epoll gives back
}

// wakeIndex stands for the pipe among the indexes.
const wakeIndex = -1

func newLoop(fail func(error)) (*loop, error) {
	l := &loop{fail: fail}
	var err error
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.Pipe2(l.wake[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		syscall.Close(l.epoll)
		return nil, os.NewSyscallError("pipe2", err)
	}
	if err := l.control(syscall.EPOLL_CTL_ADD, l.wake[0], wakeIndex, syscall.EPOLLIN); err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

func (l *loop) control(op, fd, index int, events uint32) error {
	// The kernel gives Fd back as it is; it need not be a descriptor.
	ev := syscall.EpollEvent{Events: events, Fd: int32(index)}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(l.epoll, op, fd, &ev))
}

func (l *loop) add(conn *net.TCPConn, to peer, set func(wire)) error {
	file, err := conn.File() // a duplicate that Go's own poller does not know
	conn.Close()
	if err != nil {
		return fmt.Errorf("hand a connection to epoll: %w", err)
	}
	d := &descriptor{loop: l, file: file, fd: int(file.Fd()), peer: to}
	if err := syscall.SetNonblock(d.fd, true); err != nil {
		file.Close()
		return os.NewSyscallError("fcntl", err)
	}
	set(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	d.index = len(l.conns)
	l.conns = append(l.conns, d)
	return l.control(syscall.EPOLL_CTL_ADD, d.fd, d.index, syscall.EPOLLIN)
}

func (l *loop) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	events := make([]syscall.EpollEvent, 512)
	buf := make([]byte, 64<<10)
	for {
		n, err := syscall.EpollWait(l.epoll, events, -1)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			l.fail(os.NewSyscallError("epoll_wait", err))
			return
		}
		for _, ev := range events[:n] {
			if ev.Fd == wakeIndex {
				return
			}
			l.mu.Lock()
			d := l.conns[ev.Fd]
			l.mu.Unlock()
			if err := d.ready(ev.Events, buf); err != nil {
				d.close() // or it would stay ready
				l.fail(err)
			}
		}
	}
}

func (l *loop) stop() { syscall.Write(l.wake[1], []byte{0}) }

func (l *loop) release() {
	for _, d := range l.conns {
		d.close()
	}
	syscall.Close(l.epoll)
	syscall.Close(l.wake[0])
	syscall.Close(l.wake[1])
}

// descriptor is one non-blocking connection of a loop.
type descriptor struct {
	loop  *loop
	file  *os.File
	fd    int
	index int
	peer  peer

	mu     sync.Mutex
	unsent []byte // what the kernel did not take yet
	closed bool
}

func (d *descriptor) ready(events uint32, buf []byte) error {
	if events&syscall.EPOLLOUT != 0 {
		if err := d.writeUnsent(); err != nil {
			return err
		}
	}
	for events&^syscall.EPOLLOUT != 0 {
		n, err := syscall.Read(d.fd, buf)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN || d.isClosed():
			return nil
		case err != nil:
			return os.NewSyscallError("read", err)
		case n == 0:
			return errServerClosed
		}
		if err := d.peer.receive(buf[:n], time.Now()); err != nil {
			return err
		}
		if n < len(buf) {
			return nil // whatever came since makes it ready again
		}
	}
	return nil
}

func (d *descriptor) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

func (d *descriptor) write(p []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.unsent) > 0 || d.closed {
		d.unsent = append(d.unsent, p...)
		return nil
	}
	n, err := d.try(p)
	if err != nil || n == len(p) {
		return err
	}
	d.unsent = append(d.unsent, p[n:]...)
	return d.loop.control(syscall.EPOLL_CTL_MOD, d.fd, d.index, syscall.EPOLLIN|syscall.EPOLLOUT)
}

// try writes what the kernel takes at once.
func (d *descriptor) try(p []byte) (int, error) {
	for {
		n, err := syscall.Write(d.fd, p)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, os.NewSyscallError("write", err)
		}
	}
}

func (d *descriptor) writeUnsent() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	n, err := d.try(d.unsent)
	if err != nil {
		return err
	}
	d.unsent = d.unsent[:copy(d.unsent, d.unsent[n:])]
	if len(d.unsent) > 0 {
		return nil
	}
	return d.loop.control(syscall.EPOLL_CTL_MOD, d.fd, d.index, syscall.EPOLLIN)
}

func (d *descriptor) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.closed = true
		d.file.Close()
	}
}
