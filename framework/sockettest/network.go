package sockettest

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
)

var errNetworkDown = errors.New("the connections were cut by the test")

// host serves one handler on a network of its own. Nothing listens on a port:
// a connection is a net.Pipe, whose waits count as blocked in a synctest bubble.
type host struct {
	server *http.Server
	log    *testLog
	served chan struct{} // closed when Serve has returned
	calls  chan net.Conn
	down   chan struct{}

	mu     sync.Mutex
	isDown bool
	dialed []net.Conn // client ends
}

func serve(tb testing.TB, handler http.Handler) *host {
	h := &host{
		log:    &testLog{tb: tb},
		served: make(chan struct{}),
		calls:  make(chan net.Conn),
		down:   make(chan struct{}),
	}
	h.server = &http.Server{Handler: handler, ErrorLog: log.New(h.log, "", 0)}
	go func() {
		defer close(h.served)
		h.server.Serve(listener{h})
	}()
	tb.Cleanup(h.stop)
	return h
}

// dial returns the client's end of a new connection to the handler.
func (h *host) dial() (net.Conn, error) {
	client, server := net.Pipe()
	h.mu.Lock()
	if h.isDown {
		h.mu.Unlock()
		return nil, errNetworkDown
	}
	h.dialed = append(h.dialed, client)
	h.mu.Unlock()
	select {
	case h.calls <- pipeEnd{server}:
		return client, nil
	case <-h.down:
		return nil, errNetworkDown
	}
}

// cut ends all connections without a word, and refuses new ones.
func (h *host) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.isDown {
		return
	}
	h.isDown = true
	close(h.down)
	for _, c := range h.dialed {
		c.Close()
	}
}

// stop cuts what is left and ends the server. It may be called more than once.
func (h *host) stop() {
	h.cut()
	h.server.Close()
	<-h.served
	h.log.silence()
}

type listener struct{ h *host }

func (l listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.h.calls:
		return c, nil
	case <-l.h.down:
		return nil, net.ErrClosed
	}
}

func (l listener) Close() error   { return nil }
func (l listener) Addr() net.Addr { return serverAddr }

// Addresses, so that middleware which parses Request.RemoteAddr finds one: of a private
// network, for which the default bounds of one client address do not hold.
var (
	serverAddr = &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80}
	clientAddr = &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 50000}
)

type pipeEnd struct{ net.Conn }

func (pipeEnd) LocalAddr() net.Addr  { return serverAddr }
func (pipeEnd) RemoteAddr() net.Addr { return clientAddr }

// testLog hands the HTTP server's complaints, such as a panic in a handler, to
// the test's log for as long as the test takes them.
type testLog struct {
	mu sync.Mutex
	tb testing.TB // nil when the test is over
}

var _ io.Writer = (*testLog)(nil)

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tb != nil {
		l.tb.Logf("sockettest: server: %s", p)
	}
	return len(p), nil
}

func (l *testLog) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tb = nil
}
