package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// harness is an engine behind an HTTP server, on pipes or on loopback TCP.
type harness struct {
	t        *testing.T
	engine   *Engine
	server   *http.Server
	dial     func() (net.Conn, error)
	http     *http.Client
	logs     *syncBuffer
	sessions chan *peer // as they are opened
}

// peer is the handler of a session: it notes what it gets and, unless quiet, sends
// messages back.
type peer struct {
	session  *Session
	request  *http.Request
	messages chan string // text, or "binary:" and the bytes; never full in these tests
	closed   chan closing
	moves    chan error // of UpgradeHandler
	quiet    bool
	on       func(data []byte, binary bool) // in place of all that
}

type closing struct {
	reason Reason
	err    error
}

func (p *peer) Message(data []byte, binary bool) {
	if p.on != nil {
		p.on(data, binary)
		return
	}
	if binary {
		p.messages <- "binary:" + string(data)
	} else {
		p.messages <- string(data)
	}
	if p.quiet {
		return
	}
	if binary {
		_ = p.session.Send(NewMessage(nil, data))
	} else {
		_ = p.session.Send(NewMessage(data))
	}
}

func (p *peer) Closed(reason Reason, err error) { p.closed <- closing{reason, err} }
func (p *peer) Upgraded()                       { p.moves <- nil }
func (p *peer) UpgradeFailed(err error)         { p.moves <- err }

// wantClosed waits for Closed and checks the reason.
func (p *peer) wantClosed(t *testing.T, want Reason) error {
	t.Helper()
	got := receive(t, p.closed)
	if got.reason != want {
		t.Fatalf("closed with reason %q (%v), want %q", got.reason, got.err, want)
	}
	return got.err
}

// receive takes a value from ch, which must come.
func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-ch:
		if !ok {
			t.Fatal("channel is closed")
		}
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came within a minute")
	}
	panic("unreachable")
}

type harnessOption func(*harness, *harnessSetup)

type harnessSetup struct {
	tcp    bool
	accept func(*peer)                     // runs in accept
	wrap   func(http.Handler) http.Handler // around the engine
	server func(*http.Server)              // settings
	listen func(net.Listener) net.Listener // around the listener
}

func onTCP(_ *harness, s *harnessSetup) { s.tcp = true }

func withAccept(f func(*peer)) harnessOption {
	return func(_ *harness, s *harnessSetup) { s.accept = f }
}

func withWrap(f func(http.Handler) http.Handler) harnessOption {
	return func(_ *harness, s *harnessSetup) { s.wrap = f }
}

func withServer(f func(*http.Server)) harnessOption {
	return func(_ *harness, s *harnessSetup) { s.server = f }
}

// newHarness starts an engine that echoes. In a synctest bubble it must be on pipes.
func newHarness(t *testing.T, opts Options, options ...harnessOption) *harness {
	t.Helper()
	h := &harness{t: t, logs: &syncBuffer{}, sessions: make(chan *peer, 10_000)}
	var setup harnessSetup
	for _, o := range options {
		o(h, &setup)
	}
	if opts.MaxDelay == 0 {
		opts.MaxDelay = -1 // however slow the machine is
	}
	opts.Logger = zerolog.New(h.logs).Level(zerolog.DebugLevel)
	h.engine = New(opts, func(s *Session, r *http.Request) Handler {
		p := &peer{session: s, request: r, messages: make(chan string, 1000), closed: make(chan closing, 10), moves: make(chan error, 10)}
		if setup.accept != nil {
			setup.accept(p)
		}
		h.sessions <- p
		return p
	})
	var handler http.Handler = h.engine
	if setup.wrap != nil {
		handler = setup.wrap(handler)
	}
	h.server = &http.Server{Handler: handler, ErrorLog: log.New(h.logs, "", 0)}
	if setup.server != nil {
		setup.server(h.server)
	}

	var listener net.Listener
	if setup.tcp {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		h.dial = func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }
		listener = l
	} else {
		l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
		h.dial = l.dial
		listener = l
	}
	if setup.listen != nil {
		listener = setup.listen(listener)
	}
	transport := &http.Transport{
		DialContext:         func(context.Context, string, string) (net.Conn, error) { return h.dial() },
		DisableCompression:  true,
		MaxIdleConnsPerHost: 100,
	}
	h.http = &http.Client{Transport: transport}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = h.server.Serve(listener)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.engine.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v\n%s", err, h.logs)
		}
		transport.CloseIdleConnections()
		// A connection that was broken off lives on for half a second of net/http's.
		if err := h.server.Shutdown(ctx); err != nil {
			t.Errorf("http shutdown: %v", err)
		}
		<-served
		if got := h.engine.Buffered(); got != 0 {
			t.Errorf("got %d bytes counted as kept when all is over, want 0", got)
		}
	})
	return h
}

// peer returns the handler of the next session.
func (h *harness) peer() *peer {
	h.t.Helper()
	return receive(h.t, h.sessions)
}

// syncBuffer is a buffer for logs.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// pipeListener is a listener in memory, whose connections work in a synctest bubble.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, errors.New("listener is closed")
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// response is what a polling request got.
type response struct {
	status int
	header http.Header
	body   string
	err    error
}

const (
	pollQuery = "/engine.io/?EIO=4&transport=polling"
	wsQuery   = "/engine.io/?EIO=4&transport=websocket"
)

// do sends a request and reads the whole response.
func (h *harness) do(req *http.Request) response {
	res, err := h.http.Do(req)
	if err != nil {
		return response{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return response{status: res.StatusCode, header: res.Header, body: string(body), err: err}
}

// request makes a request; headers are names and values in turn.
func (h *harness) request(method, target, body string, headers ...string) *http.Request {
	h.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, "http://parlor.test"+target, r)
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	return req
}

func (h *harness) get(target string, headers ...string) response {
	h.t.Helper()
	return h.do(h.request("GET", target, "", headers...))
}

func (h *harness) post(target, body string, headers ...string) response {
	h.t.Helper()
	return h.do(h.request("POST", target, body, headers...))
}

// want checks status and body.
func (r response) want(t *testing.T, status int, body string) {
	t.Helper()
	if r.err != nil {
		t.Fatalf("request failed: %v", r.err)
	}
	if r.status != status || r.body != body {
		t.Fatalf("got %d %q, want %d %q", r.status, r.body, status, body)
	}
}

// openPoll opens a session by polling and returns its query and handler.
func (h *harness) openPoll() (query string, p *peer) {
	h.t.Helper()
	res := h.get(pollQuery)
	if res.err != nil || res.status != 200 || !strings.HasPrefix(res.body, "0{") {
		h.t.Fatalf("handshake: got %d %q %v", res.status, res.body, res.err)
	}
	p = h.peer()
	return pollQuery + "&sid=" + p.session.ID(), p
}

// goGet sends a poll and returns where its response will be.
func (h *harness) goGet(target string) <-chan response {
	h.t.Helper()
	ch := make(chan response, 1)
	req := h.request("GET", target, "")
	go func() { ch <- h.do(req) }()
	return ch
}

// pending waits until a poll of s is pending.
func (p *peer) pending(t *testing.T) {
	t.Helper()
	eventually(t, "a pending poll", func() bool {
		s := p.session
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.poll != nil && s.poll.get != nil
	})
}

// eventually waits for a state that no channel tells of.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no %s within a minute", what)
		}
	}
}
