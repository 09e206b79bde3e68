package transport

import (
	"testing"
	"testing/synctest"
	"time"
)

// suite are the timeouts of the official protocol suite.
var suite = Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}

// between checks how long something took.
func between(t *testing.T, what string, got, low, high time.Duration) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s took %v, want %v to %v", what, got, low, high)
	}
}

func TestHeartbeatOnWebSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newHarness(t, suite).openWS()
		start := time.Now()
		c.want("2")
		between(t, "the first ping", time.Since(start), 245*time.Millisecond, 300*time.Millisecond)
		for range 5 {
			c.send("3")
			start = time.Now()
			c.want("2")
			between(t, "the next ping", time.Since(start), 275*time.Millisecond, 300*time.Millisecond)
		}
		start = time.Now()
		p.wantClosed(t, ReasonPingTimeout)
		between(t, "the timeout", time.Since(start), 200*time.Millisecond, 225*time.Millisecond)
		c.wantEnd()
	})
}

func TestHeartbeatOnPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, suite)
		q, p := h.openPoll()
		for range 3 {
			h.get(q).want(t, 200, "2")
			h.post(q, "3").want(t, 200, "ok")
		}
		h.get(q).want(t, 200, "2")
		h.get(q).want(t, 200, "1")
		p.wantClosed(t, ReasonPingTimeout)
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestPingTimeoutWithoutAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		start := time.Now()
		p.wantClosed(t, ReasonPingTimeout)
		between(t, "the timeout", time.Since(start), 42*time.Second, 45*time.Second)
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestOtherTrafficIsNoPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newHarness(t, suite, withAccept(func(p *peer) { p.quiet = true })).openWS()
		c.want("2")
		for range 9 {
			c.send("4hello")
			time.Sleep(20 * time.Millisecond) // on the bubble's clock
		}
		p.wantClosed(t, ReasonPingTimeout)
	})
}

func TestAPongNobodyAskedForChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newHarness(t, suite).openWS()
		start := time.Now()
		for range 10 {
			time.Sleep(20 * time.Millisecond) // on the bubble's clock
			c.send("3")
		}
		c.want("2")
		between(t, "the ping", time.Since(start), 245*time.Millisecond, 300*time.Millisecond)
	})
}

func TestAnUpgradeRenewsTheWaitForAPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, suite)
		q, p := h.openPoll()
		h.get(q).want(t, 200, "2")
		time.Sleep(150 * time.Millisecond) // on the bubble's clock
		c := h.probe(p)
		c.send("5")
		p.onWebSocket(t)
		time.Sleep(150 * time.Millisecond)
		c.send("3")
		c.want("2")
		if len(p.closed) > 0 {
			t.Errorf("the session was closed: %v", <-p.closed)
		}
	})
}

func TestCloseAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		_, p := h.openWS()
		start := time.Now()
		p.session.CloseAfter(time.Second, ReasonForcedClose, nil)
		late := &LimitError{Option: "ConnectTimeout"}
		p.session.CloseAfter(3*time.Second, ReasonTransportError, late)
		if err := p.wantClosed(t, ReasonTransportError); err != late {
			t.Errorf("Closed was given %v, want %v", err, late)
		}
		between(t, "closing", time.Since(start), 3*time.Second, 3500*time.Millisecond)

		_, p = h.openWS()
		p.session.CloseAfter(time.Second, ReasonForcedClose, nil)
		p.session.CloseAfter(0, "", nil)
		time.Sleep(5 * time.Second) // on the bubble's clock
		if len(p.closed) > 0 {
			t.Errorf("closed %v, want the deadline gone", <-p.closed)
		}
	})
}
