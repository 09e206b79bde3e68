package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const refusedAtShutdown = `{"code":3,"message":"Server is shutting down"}`

// shutdown begins one in a synctest bubble, and returns where its result will be.
func (h *harness) shutdown(ctx context.Context) <-chan error {
	h.t.Helper()
	done := make(chan error, 1)
	go func() { done <- h.engine.Shutdown(ctx) }()
	synctest.Wait()
	return done
}

// slowly reads up to n bytes each second.
type slowly struct {
	net.Conn
	n int
}

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(time.Second) // on the bubble's clock
	return s.Conn.Read(p[:min(len(p), s.n)])
}

func TestShutdownDeliversToASlowClientUntilTheDeadline(t *testing.T) {
	tests := []struct {
		name      string
		deadline  time.Duration
		delivered bool
	}{
		{"in time", time.Minute, true},
		{"not in time", 10 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{})
				c, p := h.openWS()
				c.br = bufio.NewReaderSize(slowly{c.conn, 32 << 10}, 32<<10)
				large := "4" + strings.Repeat("x", 256<<10)
				_ = p.session.Append([]byte(large[1:]))
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				done := h.shutdown(ctx)
				f, err := c.next()
				if got := err == nil && f.data == large; got != tt.delivered {
					t.Errorf("delivered: got %v (%v), want %v", got, err, tt.delivered)
				}
				if tt.delivered {
					if got, want := c.read(), (frame{opClose, ""}); got != want {
						t.Errorf("got %v, want %v", got, want)
					}
					_ = c.tryWrite(opClose, nil) // it may have been given up by now
				}
				if err := receive(t, done); (err == nil) != tt.delivered {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestShutdownDoesNotWaitForAStalledClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		_, ws := h.openWS()
		_, polling := h.openPoll()
		for _, p := range []*peer{ws, polling} {
			_ = p.session.Append(bytes.Repeat([]byte("x"), 1<<20))
		}
		start := time.Now()
		if err := receive(t, h.shutdown(t.Context())); err != nil {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > 2*closeGrace {
			t.Errorf("it took %v, want less than %v", took, 2*closeGrace)
		}
	})
}

// The client has sent its "5" and polls no more: what is queued can only go over the
// WebSocket.
func TestShutdownAmidAnUpgradeFlushesWhereTheClientGoes(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		poll := h.goGet(q)
		p.pending(t)
		c := h.probe(p)
		receive(t, poll).want(t, 200, "6")
		_ = p.session.Append([]byte("last"))
		done := make(chan error, 1)
		go func() { done <- h.engine.Shutdown(t.Context()) }()
		p.wantClosed(t, ReasonServerShuttingDown)
		c.send("5")
		c.want("4last")
		if got, want := c.read(), (frame{opClose, ""}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		c.write(opClose, "")
		c.wantEnd()
		if err := receive(t, done); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestShutdownAmidAnUpgradeThatDoesNotGoOn(t *testing.T) {
	tests := []struct {
		name string
		act  func(h *harness, c *wsClient, q string)
	}{
		{"silent", func(*harness, *wsClient, string) {}},
		{"lost", func(_ *harness, c *wsClient, _ string) { _ = c.conn.Close() }},
		{"nonsense", func(_ *harness, c *wsClient, _ string) { c.send("4early") }},
		{"twice", func(_ *harness, c *wsClient, _ string) { c.send("5"); c.want("4last"); c.send("5") }},
		{"back to polling", func(h *harness, _ *wsClient, q string) {
			h.get(q).want(h.t, 200, "4last")
			h.get(q).want(h.t, 503, refusedAtShutdown)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{})
				q, p := h.openPoll()
				c := h.probe(p)
				_ = p.session.Append([]byte("last"))
				done := h.shutdown(t.Context())
				tt.act(h, c, q)
				if err := receive(t, done); err != nil {
					t.Errorf("got %v", err)
				}
				c.wantEnd()
				if h.engine.Len() != 0 || h.busy() {
					t.Errorf("got %d sessions, workers %v, want nothing left", h.engine.Len(), h.busy())
				}
			})
		})
	}
}

// A client whose POST fails gives its polls up, and with them what they were to bring.
func TestShutdownLetsPollsFetchTheRestBeforeItCutsAPOST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		post := h.rawRequest("POST", q, "Content-Length: 9\r\n\r\n4ha")
		synctest.Wait() // the body is being read
		_ = p.session.Append([]byte("last"))
		done := h.shutdown(t.Context())
		select {
		case res := <-post:
			t.Errorf("the POST was answered with %d before the polls had all", res.status)
		default:
		}
		h.get(q).want(t, 200, "4last")
		h.get(q).want(t, 503, refusedAtShutdown)
		receive(t, post).want(t, 400, "")
		if err := receive(t, done); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

// rawRequest sends a request as it stands, whole or not.
func (h *harness) rawRequest(method, target, rest string) <-chan response {
	h.t.Helper()
	conn, err := h.dial()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: parlor.test\r\n%s", method, target, rest); err != nil {
		h.t.Fatal(err)
	}
	ch := make(chan response, 1)
	go func() {
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			ch <- response{err: err}
			return
		}
		body, err := io.ReadAll(res.Body)
		ch <- response{status: res.StatusCode, header: res.Header, body: string(body), err: err}
	}()
	return ch
}

// Python's clients come back after a 503, and not after a "1" or an unknown session.
func TestShutdownRefusesTheNextPollOfAClientThatIsBeingAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: parlor.test\r\n\r\n", q)
		synctest.Wait()
		last := strings.Repeat("x", 64<<10) // more than the HTTP server buffers
		_ = p.session.Send(NewMessage([]byte(last)))
		synctest.Wait() // the answer is being written, and nobody reads yet
		done := h.shutdown(t.Context())
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(res.Body); string(body) != "4"+last {
			t.Errorf("got %d bytes, want %d", len(body), 1+len(last))
		}
		h.get(q).want(t, 503, refusedAtShutdown)
		if err := receive(t, done); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestSettleWaitsForMessagesThatAreBeingHandled(t *testing.T) {
	started, gate, handled := make(chan struct{}), make(chan struct{}), false
	h := newHarness(t, Options{}, onTCP, withAccept(func(p *peer) {
		p.on = func([]byte, bool) {
			close(started)
			<-gate
			handled = true
		}
	}))
	c, _ := h.openWS()
	c.send("4message")
	<-started
	go close(gate)
	h.engine.Settle()
	if !handled {
		t.Error("Settle returned while a message was being handled")
	}
}

func TestShutdownWhereLeavesTheOthers(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		gone, p := h.openWS()
		stays, _ := h.openWS()
		_ = p.session.Append([]byte("last"))
		h.engine.ShutdownWhere(func(h Handler) bool { return h == p })
		gone.want("4last")
		gone.wantEnd()
		if err := p.wantClosed(t, ReasonServerShuttingDown); err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
		stays.send("4still here")
		stays.want("4still here")
	})
}

// Over TLS a goroutine writes, which must not be cut off.
func TestShutdownFlushesOverTLS(t *testing.T) {
	h := &harness{t: t, logs: &syncBuffer{}, sessions: make(chan *peer, 1)}
	h.engine = New(Options{}, func(s *Session, r *http.Request) Handler {
		p := &peer{session: s, closed: make(chan closing, 1)}
		h.sessions <- p
		return p
	})
	server := httptest.NewTLSServer(h.engine)
	defer server.Close()
	config := server.Client().Transport.(*http.Transport).TLSClientConfig
	h.dial = func() (net.Conn, error) { return dialTLS(server.Listener.Addr().String(), config) }

	c, p := h.openWS()
	large := strings.Repeat("x", 3<<20)
	_ = p.session.Append([]byte(large))
	for i := range 100 {
		_ = p.session.Append(fmt.Appendf(nil, "ack %d", i))
	}
	done := make(chan error, 1)
	go func() { done <- h.engine.Shutdown(t.Context()) }()
	c.want("4" + large)
	for i := range 100 {
		c.want(fmt.Sprintf("4ack %d", i))
	}
	if c.wantEnd() == nil {
		t.Error("got no close frame")
	}
	if err := receive(t, done); err != nil {
		t.Errorf("got %v", err)
	}
}
