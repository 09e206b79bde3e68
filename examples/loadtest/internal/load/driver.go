package load

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// driver reads connections and gives what comes to their peers. fail is called
// for a peer's error and for a connection that ends.
type driver interface {
	// add takes conn over. The peer must be ready to receive once its wire is set.
	add(conn net.Conn, p peer, set func(wire)) error
	// close closes all connections and returns when no peer is called any more.
	close()
}

var errServerClosed = errors.New("the server closed the connection")

// goroutines reads each connection with a goroutine: for TLS, and where there is
// no epoll.
type goroutines struct {
	fail  func(error)
	group sync.WaitGroup
	mu    sync.Mutex
	conns []*stream
}

func (g *goroutines) add(conn net.Conn, p peer, set func(wire)) error {
	s := &stream{conn: conn, ended: make(chan struct{})}
	set(s)
	g.mu.Lock()
	g.conns = append(g.conns, s)
	g.mu.Unlock()
	g.group.Go(func() {
		if err := s.read(p); err != nil {
			g.fail(err)
		}
	})
	return nil
}

func (g *goroutines) close() {
	g.mu.Lock()
	for _, s := range g.conns {
		s.close()
	}
	g.mu.Unlock()
	g.group.Wait()
}

type stream struct {
	mu    sync.Mutex // a write of TLS may be several of TCP's
	conn  net.Conn
	once  sync.Once
	ended chan struct{}
}

func (s *stream) read(p peer) error {
	buf := make([]byte, 16<<10)
	for {
		n, err := s.conn.Read(buf)
		if n > 0 {
			if err := p.receive(buf[:n], time.Now()); err != nil {
				return s.unlessClosed(err)
			}
		}
		if errors.Is(err, io.EOF) {
			err = errServerClosed
		}
		if err != nil {
			return s.unlessClosed(err)
		}
	}
}

// unlessClosed drops the errors that closing from this side brings.
func (s *stream) unlessClosed(err error) error {
	select {
	case <-s.ended:
		return nil
	default:
		return err
	}
}

func (s *stream) write(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.conn.Write(p)
	return err
}

func (s *stream) close() {
	s.once.Do(func() {
		close(s.ended)
		s.conn.Close()
	})
}
