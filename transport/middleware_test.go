package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/cors"
	"github.com/rs/zerolog"
)

// exercise goes through a session's life behind whatever the harness has in front.
func (h *harness) exercise() {
	t := h.t
	t.Helper()
	q, p := h.openPoll()
	poll := h.goGet(q)
	p.pending(t)
	h.post(q, "4hello").want(t, 200, "ok")
	receive(t, poll).want(t, 200, "4hello")
	poll = h.goGet(q)
	p.pending(t)
	c := h.probe(p)
	receive(t, poll).want(t, 200, "6")
	c.send("5")
	c.send("4upgraded")
	c.want("4upgraded")
	c, _ = h.openWS()
	c.send("4direct")
	c.want("4direct")
}

// unwrapOnly is a ResponseWriter that has nothing but Unwrap.
type unwrapOnly struct{ w http.ResponseWriter }

func (u unwrapOnly) Header() http.Header         { return u.w.Header() }
func (u unwrapOnly) WriteHeader(status int)      { u.w.WriteHeader(status) }
func (u unwrapOnly) Write(p []byte) (int, error) { return u.w.Write(p) }
func (u unwrapOnly) Unwrap() http.ResponseWriter { return u.w }

func onlyUnwrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(unwrapOnly{w}, r)
	})
}

func mounted(mw ...func(http.Handler) http.Handler) harnessOption {
	return withWrap(func(engine http.Handler) http.Handler {
		r := chi.NewRouter()
		r.Use(mw...)
		r.Mount("/engine.io", engine)
		return r
	})
}

func TestBehindMiddleware(t *testing.T) {
	quiet := middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: quietLogger{}})
	tests := []struct {
		name string
		mw   []func(http.Handler) http.Handler
	}{
		{"chi alone", nil},
		{"the usual", []func(http.Handler) http.Handler{middleware.RequestID, quiet, middleware.Recoverer}},
		{"Compress", []func(http.Handler) http.Handler{middleware.Compress(5)}},
		{"Throttle", []func(http.Handler) http.Handler{middleware.Throttle(10)}},
		{"Unwrap only", []func(http.Handler) http.Handler{onlyUnwrap, onlyUnwrap}},
		{"cors", []func(http.Handler) http.Handler{cors.AllowAll().Handler}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
				start(Options{}, mounted(tt.mw...)).exercise()
			})
		})
	}
}

type quietLogger struct{}

func (quietLogger) Print(...any) {}

func TestWebSocketsDoNotCountForThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{}, mounted(middleware.Throttle(1)))
		for range 5 {
			c, _ := h.openWS()
			c.send("4a")
			c.want("4a")
			synctest.Wait() // for the handshake's handler to return
		}
	})
}

func TestCORSMiddlewareInFrontIsNotContradicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Origins: []string{"*"}},
			mounted(cors.Handler(cors.Options{AllowedOrigins: []string{"https://b.example"}, AllowCredentials: true})))
		res := h.get(pollQuery, "Origin", "https://b.example")
		if got := res.header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != "https://b.example" {
			t.Errorf("got allowed origins %q, want one", got)
		}
		if got := strings.Join(res.header.Values("Vary"), " "); strings.Count(got, "Origin") != 1 {
			t.Errorf("got Vary %q, want Origin once", got)
		}
		pre := h.do(h.request("OPTIONS", pollQuery, "", "Origin", "https://b.example", "Access-Control-Request-Method", "POST"))
		if got := pre.header.Values("Access-Control-Allow-Origin"); pre.status != 200 || len(got) != 1 {
			t.Errorf("got %d with allowed origins %q, want the middleware's answer", pre.status, got)
		}
	})
}

func TestAWriterThatCannotBeHijackedIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{}, withWrap(func(next http.Handler) http.Handler {
			return http.TimeoutHandler(next, time.Minute, "")
		}))
		h.dialWS(wsQuery).refusal().want(t, 500, `{"code":3,"message":"Bad request"}`)
		if logs := h.logs.String(); !strings.Contains(logs, "*http.timeoutWriter") {
			t.Errorf("the log does not name the writer: %s", logs)
		}
		if got := h.engine.Len(); got != 0 {
			t.Errorf("got %d sessions, want 0", got)
		}
	})
}

func TestServerTimeoutsDoNotEndPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{PingInterval: time.Hour}, withServer(func(s *http.Server) {
			s.ReadTimeout, s.WriteTimeout = 5*time.Second, 5*time.Second
		}))
		q, p := h.openPoll()
		for range 2 {
			poll := h.goGet(q)
			time.Sleep(15 * time.Second) // on the bubble's clock
			_ = p.session.Send(NewMessage([]byte("a")))
			receive(t, poll).want(t, 200, "4a")
			h.post(q, "3").want(t, 200, "ok")
		}
		c, _ := h.openWS()
		time.Sleep(15 * time.Second)
		c.send("4a")
		c.want("4a")
	})
}

// In a bubble, as the server's timeouts are for handshakes, too.
func TestOverHTTP2(t *testing.T) { synctest.Test(t, overHTTP2) }

func overHTTP2(t *testing.T) {
	h := &harness{t: t, logs: &syncBuffer{}, sessions: make(chan *peer, 10)}
	h.engine = New(Options{Logger: zerolog.New(h.logs)}, func(s *Session, r *http.Request) Handler {
		p := &peer{session: s, request: r, messages: make(chan string, 100), closed: make(chan closing, 1)}
		h.sessions <- p
		return p
	})
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := httptest.NewUnstartedServer(h.engine)
	_ = server.Listener.Close()
	server.Listener = l
	server.EnableHTTP2 = true
	server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return l.dial() }
	h.http = client
	do := func(method, target, body string) response {
		t.Helper()
		req := h.request(method, target, body)
		req.URL.Scheme, req.URL.Host = "https", "example.com"
		return h.do(req)
	}
	defer func() { _ = h.engine.Shutdown(t.Context()) }()

	res := do("GET", pollQuery, "")
	if res.err != nil || res.status != 200 {
		t.Fatalf("got %d %v", res.status, res.err)
	}
	p := h.peer()
	if p.request.ProtoMajor != 2 {
		t.Fatalf("got %s, want HTTP/2", p.request.Proto)
	}
	q := pollQuery + "&sid=" + p.session.ID()
	poll := make(chan response, 1)
	go func() { poll <- do("GET", q, "") }()
	p.pending(t)
	time.Sleep(300 * time.Millisecond) // the server's timeouts pass, on the bubble's clock
	do("POST", q, "4hello").want(t, 200, "ok")
	receive(t, poll).want(t, 200, "4hello")

	// A POST whose body never ends is broken off with the session.
	r, w := io.Pipe()
	defer w.Close()
	req := h.request("POST", q, "")
	req.URL.Scheme, req.URL.Host = "https", "example.com"
	req.Body = r
	go func() { poll <- h.do(req) }()
	_, _ = io.WriteString(w, "4")
	eventually(t, "pending POST", func() bool {
		p.session.mu.Lock()
		defer p.session.mu.Unlock()
		return p.session.poll.post != nil
	})
	p.session.Abort(ReasonForcedClose, nil)
	if got := receive(t, poll); got.err == nil && got.status != 400 {
		t.Errorf("got %d, want 400", got.status)
	}
}

func TestOverTLS(t *testing.T) {
	h := &harness{t: t, logs: &syncBuffer{}, sessions: make(chan *peer, 10)}
	h.engine = New(Options{MaxDelay: -1, Logger: zerolog.New(h.logs)}, func(s *Session, r *http.Request) Handler {
		p := &peer{session: s, request: r, messages: make(chan string, 100), closed: make(chan closing, 1)}
		h.sessions <- p
		return p
	})
	server := httptest.NewTLSServer(h.engine)
	defer server.Close()
	defer func() { _ = h.engine.Shutdown(t.Context()) }()
	client := server.Client().Transport.(*http.Transport)
	h.dial = func() (net.Conn, error) { return dialTLS(server.Listener.Addr().String(), client.TLSClientConfig) }

	c, p := h.openWS()
	for range 10 {
		c.send("4hello")
		c.want("4hello")
	}
	big := bytes.Repeat([]byte("x"), 3<<20)
	_ = p.session.Send(NewMessage(big))
	c.want("4" + string(big))
	p.session.Close(ReasonForcedClose)
	if c.wantEnd() == nil {
		t.Error("got no close frame")
	}
	p.wantClosed(t, ReasonForcedClose)

	// Aborting does not wait for a client that does not read.
	_, p = h.openWS()
	_ = p.session.Send(NewMessage(make([]byte, 16<<20)))
	aborted := make(chan struct{}, 1)
	go func() {
		p.session.Abort(ReasonForcedClose, nil)
		aborted <- struct{}{}
	}()
	receive(t, aborted)
	p.wantClosed(t, ReasonForcedClose)
}

func dialTLS(addr string, config *tls.Config) (net.Conn, error) {
	config = config.Clone()
	config.ServerName, config.NextProtos = "example.com", nil
	return tls.Dial("tcp", addr, config)
}
