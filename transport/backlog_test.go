package transport

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// holding makes peers that hold what they get until it is released.
func holding(p *peer) {
	p.on = func(data []byte, _ bool) {
		p.session.Hold(len(data))
		p.messages <- string(data)
	}
}

func TestReadingPausesAtHalfTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newHarness(t, Options{MaxBacklog: 100}, withAccept(holding)).openWS()
		half := "4" + strings.Repeat("x", 50)
		c.send(half)
		<-p.messages
		go c.tryWrite(opText, []byte("4next"))
		synctest.Wait()
		if len(p.messages) > 0 {
			t.Fatalf("got %q, want reading to pause", <-p.messages)
		}
		p.session.Release(1)
		if got := receive(t, p.messages); got != "next" {
			t.Fatalf("got %q, want next", got)
		}
	})
}

func TestAPostIsAnsweredOnceThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBacklog: 100}, withAccept(holding))
		q, p := h.openPoll()
		done := make(chan response, 1)
		req := h.request("POST", q, "4"+strings.Repeat("x", 60))
		go func() { done <- h.do(req) }()
		synctest.Wait()
		if len(done) > 0 {
			t.Fatalf("got %v, want no answer yet", <-done)
		}
		time.Sleep(10 * time.Second) // on the bubble's clock
		p.session.Release(60)
		receive(t, done).want(t, 200, "ok")
	})
}

func TestReadingIsNotPausedWhileAnAckIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newHarness(t, Options{MaxBacklog: 100}, withAccept(holding)).openWS()
		c.send("4" + strings.Repeat("x", 50))
		<-p.messages
		go c.tryWrite(opText, []byte("4ack"))
		synctest.Wait()
		p.session.AwaitAck(1) // wakes who waits already
		if got := receive(t, p.messages); got != "ack" {
			t.Fatalf("got %q, want ack", got)
		}
		c.send("4more")
		if got := receive(t, p.messages); got != "more" {
			t.Fatalf("got %q, want more", got)
		}
		synctest.Wait() // for the reader to be past its look at the backlog
		p.session.AwaitAck(-1)
		c.send("4even more") // is being read when the pause comes
		receive(t, p.messages)
		go c.tryWrite(opText, []byte("4last"))
		synctest.Wait()
		if len(p.messages) > 0 {
			t.Fatalf("got %q, want reading to pause", <-p.messages)
		}
	})
}

func TestAtTheWholeBacklogTheClientIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBacklog: 100}, withAccept(holding))
		c, p := h.openWS()
		p.session.AwaitAck(1)
		c.send("4" + strings.Repeat("x", 50))
		c.send("4" + strings.Repeat("x", 49))
		c.send("4x")
		err := p.wantClosed(t, ReasonTransportError)
		wantLimit(t, err, "MaxBacklog")
		if logs := h.logs.String(); !strings.Contains(logs, `"level":"warn"`) {
			t.Errorf("got no warning: %s", logs)
		}
		c.wantEnd()
	})
}

func TestAPausedClientIsNotTimedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := suite
		opts.MaxBacklog = 100
		c, p := newHarness(t, opts, withAccept(holding)).openWS()
		c.send("4" + strings.Repeat("x", 50))
		c.want("2")
		go c.tryWrite(opText, []byte("3")) // is not read
		time.Sleep(5 * time.Second)        // on the bubble's clock
		if len(p.closed) > 0 {
			t.Fatalf("closed: %v", <-p.closed)
		}
		p.session.Release(50)
		c.want("2")
		p.wantClosed(t, ReasonPingTimeout) // now it counts
	})
}

func TestAPausedSessionCanBeClosed(t *testing.T) {
	for _, name := range []string{"close", "abort"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{MaxBacklog: 100}, withAccept(holding))
				c, p := h.openWS()
				c.send("4" + strings.Repeat("x", 50))
				q, polling := h.openPoll()
				done := make(chan response, 1)
				req := h.request("POST", q, "4"+strings.Repeat("x", 60))
				go func() { done <- h.do(req) }()
				synctest.Wait()
				for _, s := range []*Session{p.session, polling.session} {
					if name == "close" {
						s.Close(ReasonForcedClose)
					} else {
						s.Abort(ReasonForcedClose, nil)
					}
				}
				c.wantEnd()
				p.wantClosed(t, ReasonForcedClose)
				polling.wantClosed(t, ReasonForcedClose)
				receive(t, done).want(t, 200, "ok")
			})
		})
	}
}

func TestOneBodyCannotHoldMoreThanTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBacklog: 100}, withAccept(holding))
		q, p := h.openPoll()
		packet := "4" + strings.Repeat("x", 40)
		done := make(chan response, 1)
		req := h.request("POST", q, strings.Join([]string{packet, packet, packet, packet, packet}, "\x1e"))
		go func() { done <- h.do(req) }()
		for _, want := range []int{2, 1, 1, 1} {
			synctest.Wait()
			if got := len(p.messages); got != want {
				t.Fatalf("got %d messages before the pause, want %d", got, want)
			}
			for range want {
				<-p.messages
			}
			p.session.Release(40)
		}
		receive(t, done).want(t, 200, "ok")
	})
}
