package transport

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// goDrained calls Drained and returns where its result will be.
func (p *peer) goDrained(ctx context.Context) <-chan error {
	ch := make(chan error, 1)
	go func() { ch <- p.session.Drained(ctx) }()
	return ch
}

// wantWaiting checks that Drained has not returned. It is for bubbles.
func wantWaiting(t *testing.T, drained <-chan error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-drained:
		t.Fatalf("Drained returned %v, want it to wait", err)
	default:
	}
}

func wantDrained(t *testing.T, drained <-chan error, want error) {
	t.Helper()
	if err := receive(t, drained); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// On a pipe a write waits until it is read, and the next one comes after that.
func TestDrainedWaitsForTheWebSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		c, p := h.openWS()
		synctest.Wait()
		if err := p.session.Drained(t.Context()); err != nil {
			t.Fatalf("got %v with nothing queued, want nil", err)
		}
		_ = p.session.Append([]byte("one")) // Drained flushes
		first, again := p.goDrained(t.Context()), p.goDrained(t.Context())
		wantWaiting(t, first)
		_ = p.session.Send(NewMessage([]byte("two")))
		second := p.goDrained(t.Context())
		wantWaiting(t, second)

		c.want("4one")
		wantDrained(t, first, nil)
		wantDrained(t, again, nil)
		wantWaiting(t, second)
		c.want("4two")
		wantDrained(t, second, nil)
	})
}

func TestDrainedWaitsForTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Transports: bothAndStreams})
		c := h.dialStream("0")
		c.read()
		p := h.peer()
		synctest.Wait()
		for range 4 {
			_ = p.session.Send(NewMessage([]byte("hello")))
		}
		drained := p.goDrained(t.Context())
		wantWaiting(t, drained)
		for range 4 {
			c.want("4hello")
		}
		wantDrained(t, drained, nil)
	})
}

func TestDrainedOnTCP(t *testing.T) {
	h := newHarness(t, Options{}, onTCP)
	c, p := h.openWS()
	for range 100 {
		_ = p.session.Send(NewMessage([]byte(strings.Repeat("x", 5000))))
		if err := p.session.Drained(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.read()
	}
	if n := p.session.Buffered(); n != 0 {
		t.Errorf("got %d bytes buffered, want 0", n)
	}
}

func TestDrainedWaitsForThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		synctest.Wait()
		if err := p.session.Drained(t.Context()); err != nil {
			t.Fatalf("got %v with nothing queued, want nil", err)
		}
		for range maxPackets {
			_ = p.session.Send(NewMessage([]byte("a")))
		}
		first, again := p.goDrained(t.Context()), p.goDrained(t.Context())
		wantWaiting(t, first)
		_ = p.session.Send(NewMessage([]byte("b")))
		second := p.goDrained(t.Context())
		wantWaiting(t, second)

		h.get(q)
		wantDrained(t, first, nil)
		wantDrained(t, again, nil)
		wantWaiting(t, second)
		h.get(q).want(t, 200, "4b")
		wantDrained(t, second, nil)
		p.session.mu.Lock()
		defer p.session.mu.Unlock()
		if p.session.poll.marks != nil {
			t.Error("marks are kept")
		}
	})
}

func TestDrainedWaitsAcrossAnUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		_, p := h.openPoll()
		_ = p.session.Send(NewMessage([]byte("a")))
		drained := p.goDrained(t.Context())
		wantWaiting(t, drained)
		c := h.dialWS(wsQuery + "&sid=" + p.session.ID())
		c.send("2probe")
		c.want("3probe")
		c.send("5")
		wantWaiting(t, drained)
		c.want("4a")
		wantDrained(t, drained, nil)
	})
}

func TestDrainedEndsWithTheSession(t *testing.T) {
	for _, transport := range []string{Polling, WebSocket} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{})
				var p *peer
				if transport == Polling {
					_, p = h.openPoll()
				} else {
					_, p = h.openWS()
				}
				_ = p.session.Send(NewMessage([]byte("a")))
				drained := p.goDrained(t.Context())
				wantWaiting(t, drained)
				p.session.Abort(ReasonForcedClose, nil)
				wantDrained(t, drained, ErrClosed)
				wantDrained(t, p.goDrained(t.Context()), ErrClosed)
			})
		})
	}
}

func TestDrainedEndsWithAClientThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{WriteTimeout: time.Second})
		_, p := h.openWS()
		_ = p.session.Send(NewMessage([]byte("a")))
		wantDrained(t, p.goDrained(t.Context()), ErrClosed)
		p.wantClosed(t, ReasonTransportError)
	})
}

func TestDrainedEndsWithItsContext(t *testing.T) {
	for _, transport := range []string{Polling, WebSocket} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{})
				var p *peer
				if transport == Polling {
					_, p = h.openPoll()
				} else {
					_, p = h.openWS()
				}
				_ = p.session.Send(NewMessage([]byte("a")))
				for range 100 { // which share what they wait on
					ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
					wantDrained(t, p.goDrained(ctx), context.DeadlineExceeded)
					cancel()
				}
				s := p.session
				s.mu.Lock()
				if s.poll != nil && len(s.poll.marks) != 1 {
					t.Errorf("got %d marks, want 1", len(s.poll.marks))
				}
				s.mu.Unlock()
				s.Abort(ReasonForcedClose, nil)
			})
		})
	}
}

func TestRemoteAddr(t *testing.T) {
	h := newHarness(t, Options{}, onTCP)
	q, p := h.openPoll()
	if got, want := p.session.RemoteAddr(), p.request.RemoteAddr; got != want {
		t.Errorf("got %q while polling, want %q", got, want)
	}
	c := h.dialWS(wsQuery + q[len(pollQuery):])
	c.send("2probe")
	c.want("3probe")
	c.send("5")
	eventually(t, "upgrade", func() bool { return p.session.Transport() == WebSocket })
	if got, want := p.session.RemoteAddr(), c.conn.LocalAddr().String(); got != want {
		t.Errorf("got %q on a WebSocket, want %q", got, want)
	}
}
