package transport

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Promise 15, as far as it concerns the engine.
func TestShutdown(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		c, ws := h.openWS()
		q, polling := h.openPoll()
		poll := h.goGet(q)
		polling.pending(t)
		idleQ, idle := h.openPoll()
		silentQ, silent := h.openPoll() // nothing queued, no poll: not waited for
		for _, p := range []*peer{ws, idle} {
			_ = p.session.Append([]byte("last"))
		}
		done := make(chan error, 1)
		go func() { done <- h.engine.Shutdown(t.Context()) }()

		c.want("4last")
		if got, want := c.read(), (frame{opClose, ""}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		c.write(opClose, "")
		// For python-engineio a "1" is no reason to come back.
		receive(t, poll).want(t, 503, `{"code":3,"message":"Server is shutting down"}`)
		eventually(t, "end of the idle session", idle.session.ended.Load)
		h.get(idleQ).want(t, 200, "4last") // it came in time, without a poll before
		h.get(idleQ).want(t, 503, `{"code":3,"message":"Server is shutting down"}`)
		if err := receive(t, done); err != nil {
			t.Fatalf("got %v", err)
		}
		for _, p := range []*peer{ws, polling, idle, silent} {
			p.wantClosed(t, ReasonServerShuttingDown)
		}
		for _, q := range []string{q, idleQ, silentQ} {
			h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
		}
		if h.engine.Len() != 0 || h.busy() {
			t.Errorf("got %d sessions, workers %v, want nothing left", h.engine.Len(), h.busy())
		}

		res := h.get(pollQuery)
		res.want(t, 503, `{"code":3,"message":"Server is shutting down"}`)
		if got := res.header.Get("Retry-After"); got != "1" {
			t.Errorf("got Retry-After %q, want 1", got)
		}
		h.dialWS(wsQuery).refusal().want(t, 503, `{"code":3,"message":"Server is shutting down"}`)
		if err := h.engine.Shutdown(t.Context()); err != nil {
			t.Errorf("second shutdown: got %v", err)
		}
	})
}

func TestShutdownFlushesToAPendingPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		poll := h.goGet(q)
		synctest.Wait() // the poll has looked for messages, and waits
		_ = p.session.Append([]byte("last"))
		done := make(chan error, 1)
		go func() { done <- h.engine.Shutdown(t.Context()) }()
		receive(t, poll).want(t, 200, "4last")
		h.get(q).want(t, 503, `{"code":3,"message":"Server is shutting down"}`)
		p.wantClosed(t, ReasonServerShuttingDown)
		if err := receive(t, done); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		c, p := h.openWS() // does not answer the close frame
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.engine.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a deadline exceeded", err)
		}
		p.wantClosed(t, ReasonServerShuttingDown)
		synctest.Wait()
		if h.busy() {
			t.Error("the workers still run")
		}
		c.wantEnd()
	})
}

func TestDrainKeepsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		c, _ := h.openWS()
		h.engine.Drain()
		h.get(pollQuery).want(t, 503, `{"code":3,"message":"Server is shutting down"}`)
		c.send("4a")
		c.want("4a")
		h.post(q, "4b").want(t, 200, "ok")
		h.get(q).want(t, 200, "4b")
		h.probe(p).send("5")
		p.onWebSocket(t)
	})
}

func TestSessionsOpenedDuringShutdownAreClosed(t *testing.T) {
	inAccept, proceed := make(chan struct{}), make(chan struct{})
	h := newHarness(t, Options{}, onTCP, withAccept(func(*peer) {
		close(inAccept)
		<-proceed
	}))
	answered := make(chan *wsClient, 1)
	go func() { answered <- h.dialWS(wsQuery) }()
	<-inAccept
	done := make(chan error, 1)
	go func() { done <- h.engine.Shutdown(t.Context()) }()
	eventually(t, "draining", func() bool {
		h.engine.mu.RLock()
		defer h.engine.mu.RUnlock()
		return h.engine.draining
	})
	close(proceed)
	(<-answered).wantEnd()
	h.peer().wantClosed(t, ReasonServerShuttingDown)
	if err := receive(t, done); err != nil {
		t.Errorf("got %v", err)
	}
}

// Promise 13: an engine without sessions has no goroutines.
func TestNoGoroutineIsLeft(t *testing.T) {
	endings := []struct {
		name string
		end  func(h *harness)
	}{
		{"websocket closed", func(h *harness) { c, _ := h.openWS(); c.write(opClose, ""); c.wantEnd() }},
		{"websocket lost", func(h *harness) { c, _ := h.openWS(); _ = c.conn.Close() }},
		{"closed by the server", func(h *harness) {
			c, p := h.openWS()
			p.session.Close(ReasonForcedClose)
			c.wantEnd()
		}},
		{"aborted", func(h *harness) { _, p := h.openWS(); p.session.Abort(ReasonForcedClose, nil) }},
		{"polling closed", func(h *harness) { q, _ := h.openPoll(); h.post(q, "1"); h.get(q) }},
		{"polling aborted", func(h *harness) { _, p := h.openPoll(); p.session.Abort(ReasonForcedClose, nil) }},
		{"probing", func(h *harness) {
			_, p := h.openPoll()
			h.probe(p)
			p.session.Abort(ReasonForcedClose, nil)
		}},
		{"upgraded and lost", func(h *harness) {
			_, p := h.openPoll()
			c := h.probe(p)
			c.send("5")
			_ = c.conn.Close()
		}},
		{"lost in the handshake", func(h *harness) {
			conn, err := h.dial()
			if err == nil {
				_ = conn.Close()
			}
		}},
	}
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		for _, tt := range endings {
			for range 3 {
				tt.end(h)
			}
			eventually(t, "end of the workers after: "+tt.name, func() bool { return !h.busy() && h.engine.Len() == 0 })
		}
		for len(h.sessions) > 0 {
			p := <-h.sessions
			receive(t, p.closed)
		}
	})
}

func TestClosedIsCalledOnceWhateverHappens(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		for range 20 {
			c, p := h.openWS()
			var wg sync.WaitGroup
			wg.Go(func() { p.session.Close(ReasonForcedClose) })
			wg.Go(func() { p.session.Abort(ReasonForcedClose, nil) })
			wg.Go(func() { _ = c.conn.Close() })
			wg.Go(func() { _ = p.session.Send(NewMessage([]byte("x"))) })
			wg.Go(p.session.Flush)
			wg.Wait()
			receive(t, p.closed)
			eventually(t, "end of the workers", func() bool { return !h.busy() })
			if len(p.closed) > 0 {
				t.Fatal("Closed was called twice")
			}
		}
	})
}

func TestHandlerMayCloseInMessage(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{}, withAccept(func(p *peer) {
			p.on = func([]byte, bool) {
				_ = p.session.Send(NewMessage([]byte("bye")))
				p.session.Close(ReasonForcedClose)
				if len(p.closed) > 0 {
					t.Error("Closed was called before Message returned")
				}
			}
		}))
		c, p := h.openWS()
		c.send("4a")
		c.want("4bye")
		c.wantEnd()
		p.wantClosed(t, ReasonForcedClose)
		q, p := h.openPoll()
		h.post(q, "4a\x1e4b").want(t, 200, "ok")
		p.wantClosed(t, ReasonForcedClose)
		h.get(q).want(t, 200, "4bye")
		h.get(q).want(t, 200, "6\x1e1")
	})
}

func TestSessionIDsAreNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		h.post(q, "x")
		p.wantClosed(t, ReasonParseError)
		if strings.Contains(h.logs.String(), p.session.ID()) {
			t.Errorf("the log has the client's secret: %s", h.logs)
		}
	})
}

func TestReasonIsTheCauseOfAContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ReasonPingTimeout)
	if got := context.Cause(ctx); got != ReasonPingTimeout || got.Error() != "ping timeout" {
		t.Errorf("got %v, want %v", got, ReasonPingTimeout)
	}
}
