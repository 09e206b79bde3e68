package framework_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// The network of TestHostile.

// listen opens the door: loopback TCP, or pipes.
func (a *arena) listen(pipes bool) net.Listener {
	if pipes {
		l := &arenaPipes{conns: make(chan net.Conn), done: make(chan struct{})}
		a.dial = func(t *testing.T) net.Conn {
			client, server := net.Pipe()
			t.Cleanup(func() { _ = client.Close() })
			l.conns <- &seenFrom{server, a.from}
			a.opens(client)
			return client
		}
		return l
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		a.t.Fatal(err)
	}
	a.dial = func(t *testing.T) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(30 * time.Second)) // a test that waits in vain is to say so
		a.opens(c)
		return c
	}
	if a.from == nil {
		return l
	}
	return &seenFromAll{l, a}
}

func (a *arena) opens(c net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.opened = append(a.opened, c)
}

// seenFrom is a connection whose client is somewhere else.
type seenFrom struct {
	net.Conn
	from net.Addr
}

func (c *seenFrom) RemoteAddr() net.Addr {
	if c.from == nil {
		return c.Conn.RemoteAddr()
	}
	return c.from
}

type seenFromAll struct {
	net.Listener
	a *arena
}

func (l *seenFromAll) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &seenFrom{c, l.a.from}, err
}

// arenaPipes listens in memory.
type arenaPipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *arenaPipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *arenaPipes) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *arenaPipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
