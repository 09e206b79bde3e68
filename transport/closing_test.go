package transport

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAllThatWasSentArrivesBeforeTheClose(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		send := func(p *peer) {
			for _, text := range []string{"a", "b", "c"} {
				_ = p.session.Send(NewMessage([]byte(text)))
			}
			p.session.Close(ReasonForcedClose)
		}
		c, p := h.openWS()
		send(p)
		for _, text := range []string{"4a", "4b", "4c"} {
			c.want(text)
		}
		if end := c.wantEnd(); end == nil {
			t.Error("got no close frame")
		}
		p.wantClosed(t, ReasonForcedClose)

		q, p := h.openPoll()
		send(p)
		h.get(q).want(t, 200, "4a\x1e4b\x1e4c")
		h.get(q).want(t, 200, "6\x1e1")
		p.wantClosed(t, ReasonForcedClose)
	})
}

func TestClosingBreaksOffARunningPOST(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		r, w := io.Pipe()
		defer w.Close()
		req := h.request("POST", q, "")
		req.Body = r
		done := make(chan response, 1)
		go func() { done <- h.do(req) }()
		_, _ = io.WriteString(w, "4test")
		eventually(t, "pending POST", func() bool {
			p.session.mu.Lock()
			defer p.session.mu.Unlock()
			return p.session.poll.post != nil
		})
		p.session.Close(ReasonForcedClose)
		p.wantClosed(t, ReasonForcedClose)
		if got := receive(t, done); got.err == nil && got.status != 400 {
			t.Errorf("got %d, want 400 or a broken connection", got.status)
		}
		if len(p.messages) > 0 {
			t.Errorf("got message %q, want none", <-p.messages)
		}
		h.get(q).want(t, 200, "6\x1e1")
	})
}

func TestACloseBehindAHeartbeatReachesTheClientAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, suite)
		q, p := h.openPoll()
		h.get(q).want(t, 200, "2")
		h.post(q, "3").want(t, 200, "ok")
		poll := h.goGet(q)
		time.Sleep(20 * time.Millisecond) // on the bubble's clock
		start := time.Now()
		p.session.Close(ReasonForcedClose)
		receive(t, poll).want(t, 200, "1")
		between(t, "telling the client", time.Since(start), 0, 0)

		c, p := h.openWS()
		c.want("2")
		c.send("3")
		time.Sleep(20 * time.Millisecond)
		start = time.Now()
		p.session.Close(ReasonForcedClose)
		if c.wantEnd() == nil {
			t.Error("got no close frame")
		}
		between(t, "telling the client", time.Since(start), 0, 0)
	})
}

func TestAClientMayCloseWhileItProbes(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		c := h.probe(p)
		h.post(q, "1").want(t, 200, "ok")
		p.wantClosed(t, ReasonTransportClose)
		c.wantEnd()
		h.get(q).want(t, 200, "6")
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestShutdownDoesNotWaitForWhatAClosedSessionHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		_ = p.session.Send(NewMessage([]byte("hello")))
		p.session.Close(ReasonForcedClose)
		start := time.Now()
		if err := h.engine.Shutdown(t.Context()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		between(t, "the shutdown", time.Since(start), 0, 0)
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestALargePOSTArrives(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{}, withAccept(func(p *peer) { p.quiet = true }))
		q, p := h.openPoll()
		text := strings.Repeat("a", 999_999)
		h.post(q, "4"+text).want(t, 200, "ok") // in many pieces, on either network
		if got := receive(t, p.messages); got != text {
			t.Errorf("got %d bytes, want %d of the same", len(got), len(text))
		}
	})
}

// A client that reads through much that was queued finds the ping in time.
func TestPingsGetThroughAmongManyMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		opts := suite
		opts.MaxSendBuffer = 8 << 20
		h := newHarness(t, opts)
		c, p := h.openWS()
		time.Sleep(240 * time.Millisecond) // on the bubble's clock: short of the ping
		payload := strings.Repeat("a", 64<<10)
		for i := range n {
			if err := p.session.Send(NewMessage(fmt.Appendf(nil, "%s|%d", payload, i))); err != nil {
				t.Fatal(err)
			}
		}
		pings := 0
		for next := 0; next < n || pings < 3; {
			f := c.read()
			if f.data == "2" {
				pings++
				c.send("3")
				continue
			}
			if want := fmt.Sprintf("4%s|%d", payload, next); f.data != want {
				t.Fatalf("got %v, want message %d", f, next)
			}
			next++
			time.Sleep(2 * time.Millisecond)
		}
		if len(p.closed) > 0 {
			t.Errorf("closed: %v", <-p.closed)
		}
	})
}

// Between the end of a WebSocket and that of its session, which the reader sees to.
func TestASessionIsClosedOnceItTakesNothing(t *testing.T) {
	h := newHarness(t, Options{})
	c, p := h.openWS()
	if p.session.Closed() {
		t.Error("the session is closed, want it open")
	}
	_ = p.session.ws.Load().breakOff(closeProtocol, errReserved)
	if err := p.session.Send(NewMessage([]byte("too late"))); !errors.Is(err, ErrClosed) || !p.session.Closed() {
		t.Errorf("Send returned %v and Closed %v, want %v and true", err, p.session.Closed(), ErrClosed)
	}
	_ = c.conn.Close()
	p.wantClosed(t, ReasonTransportClose)
}
