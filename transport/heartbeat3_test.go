package transport

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAClientOfProtocol3Pings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newHarness(t, v3).openWSV3("")
		for range 5 {
			time.Sleep(450 * time.Millisecond) // on the bubble's clock
			c.send("2")
			c.want("3")
		}
		c.send("2with data")
		c.want("3")
		start := time.Now()
		p.wantClosed(t, ReasonPingTimeout)
		between(t, "the timeout", time.Since(start), 450*time.Millisecond, 500*time.Millisecond)
		c.wantEnd()
	})
}

func TestAPollingClientOfProtocol3Pings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3)
		q, p := h.openPollV3("")
		for range 3 {
			time.Sleep(300 * time.Millisecond) // on the bubble's clock
			h.post(q, "1:2").want(t, 200, "ok")
			h.get(q).want(t, 200, "1:3")
		}
		h.get(q).want(t, 200, "1:1")
		p.wantClosed(t, ReasonPingTimeout)
	})
}

func TestAClientOfProtocol3ThatNeverPingsIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3)
		c, ws := h.openWSV3("")
		_, poll := h.openPollV3("")
		start := time.Now()
		for range 8 { // other traffic is no ping
			c.send("4hello")
			c.want("4hello")
			time.Sleep(50 * time.Millisecond) // on the bubble's clock
		}
		for _, p := range []*peer{ws, poll} {
			p.wantClosed(t, ReasonPingTimeout)
			between(t, "the timeout", time.Since(start), 450*time.Millisecond, 500*time.Millisecond)
		}
	})
}

func TestHeartbeatInTheWrongDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3)
		c, p := h.openWSV3("")
		c.send("3")
		p.wantClosed(t, ReasonTransportError)
		c4, p4 := h.openWS()
		c4.send("2")
		p4.wantClosed(t, ReasonTransportError)
	})
}

func TestAPauseDoesNotCountAgainstAClientThatPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := v3
		opts.MaxBacklog = 100
		h := newHarness(t, opts, withAccept(func(p *peer) {
			p.on = func(data []byte, _ bool) { p.session.Hold(len(data)) }
		}))
		c, p := h.openWSV3("")
		c.send("4" + strings.Repeat("x", 60)) // nothing more is read
		time.Sleep(2 * time.Second)           // on the bubble's clock
		p.session.Release(60)
		time.Sleep(400 * time.Millisecond) // more than PingTimeout, less than a client has
		c.send("2")
		c.want("3")
	})
}
