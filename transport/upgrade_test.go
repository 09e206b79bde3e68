package transport

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// probe opens a WebSocket for a session that polls and sends the probe.
func (h *harness) probe(p *peer) *wsClient {
	h.t.Helper()
	c := h.dialWS(wsQuery + "&sid=" + p.session.ID())
	if c.res.StatusCode != 101 {
		h.t.Fatalf("got %s, want 101", c.res.Status)
	}
	c.send("2probe")
	c.want("3probe")
	return c
}

// onWebSocket waits until the session has been upgraded.
func (p *peer) onWebSocket(t *testing.T) {
	t.Helper()
	eventually(t, "upgrade", func() bool { return p.session.Transport() == WebSocket })
}

func TestUpgrade(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		poll := h.goGet(q)
		p.pending(t)
		c := h.probe(p)
		receive(t, poll).want(t, 200, "6")
		if got := p.session.Transport(); got != Polling {
			t.Errorf("got transport %q before the upgrade, want %q", got, Polling)
		}
		c.send("5")
		c.send("4hello")
		c.want("4hello")
		if got := p.session.Transport(); got != WebSocket {
			t.Errorf("got transport %q, want %q", got, WebSocket)
		}

		// Nothing else may be used now.
		h.get(q).want(t, 400, `{"code":3,"message":"Bad request"}`)
		h.post(q, "4x").want(t, 400, `{"code":3,"message":"Bad request"}`)
		h.wantDismissed(t, p)
		c.send("4still")
		c.want("4still")
		c.send("5") // means nothing any more
		c.send("4and still")
		c.want("4and still")
	})
}

func TestPollsReturnDuringTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		c := h.probe(p)
		start := time.Now()
		h.get(q).want(t, 200, "6")
		if got := time.Since(start); got != probeNudge {
			t.Errorf("the poll took %v, want %v", got, probeNudge)
		}
		_ = p.session.Send(NewMessage([]byte("a")))
		h.get(q).want(t, 200, "4a")
		h.post(q, "4b").want(t, 200, "ok")
		c.send("5")
		c.want("4b")
	})
}

func TestAPollThatIsStillPendingAtTheUpgradeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		c := h.probe(p)
		poll := h.goGet(q)
		p.pending(t)
		c.send("5")
		receive(t, poll).want(t, 400, `{"code":3,"message":"Bad request"}`)
		p.onWebSocket(t)
	})
}

func TestWhatWaitsForAPollLeavesOnTheWebSocket(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		c := h.probe(p)
		for i := range 20 {
			_ = p.session.Send(NewMessage(fmt.Append(nil, i), []byte{byte(i)}))
		}
		// One answer takes 16 packets; the rest must follow where it stopped.
		packets := strings.Split(h.get(q).body, "\x1e")
		for i := 0; i < 8; i++ {
			if want := fmt.Sprintf("4%d", i); packets[2*i] != want {
				t.Fatalf("got %q, want %q", packets[2*i], want)
			}
		}
		_ = p.session.Append([]byte("late"))
		c.send("5")
		for i := 8; i < 20; i++ {
			c.want(fmt.Sprintf("4%d", i))
			if got, want := c.read(), (frame{opBinary, string(rune(i))}); got != want {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
		c.want("4late")
	})
}

func TestASecondProbeIsClosedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		_, p := h.openPoll()
		c := h.dialWS(wsQuery + "&sid=" + p.session.ID())
		h.wantDismissed(t, p)
		c.send("2probe")
		c.want("3probe")
		h.wantDismissed(t, p)
		c.send("5")
		p.onWebSocket(t)
		h.wantDismissed(t, p)
	})
}

// wantDismissed opens one WebSocket too many: it is closed behind the 101, as in
// the reference server.
func (h *harness) wantDismissed(t *testing.T, p *peer) {
	t.Helper()
	second := h.dialWS(wsQuery + "&sid=" + p.session.ID())
	if end := second.wantEnd(); second.res.StatusCode != 101 || end == nil {
		t.Errorf("second websocket: got %s and close frame %v, want it closed after the 101", second.res.Status, end)
	}
}

func TestAFailedProbeLeavesTheSessionPolling(t *testing.T) {
	tests := []struct {
		name string
		act  func(c *wsClient)
	}{
		{"message", func(c *wsClient) { c.send("4a") }},
		{"close packet", func(c *wsClient) { c.send("1") }},
		{"upgrade without a probe", func(c *wsClient) { c.send("5") }},
		{"second probe", func(c *wsClient) { c.send("2probe"); c.want("3probe"); c.send("2probe") }},
		{"ping", func(c *wsClient) { c.send("2") }},
		{"binary", func(c *wsClient) { c.write(opBinary, "2probe") }},
		{"empty", func(c *wsClient) { c.send("") }},
		{"close frame", func(c *wsClient) { c.write(opClose, "") }},
		{"lost", func(c *wsClient) { _ = c.conn.Close() }},
		{"too large", func(c *wsClient) { _ = c.tryWrite(opText, make([]byte, 2000)) }},
		{"negative length", func(c *wsClient) {
			c.raw(0x82, 0xff, "\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00")
		}},
		{"timeout", func(*wsClient) {}},
		{"timeout after the probe", func(c *wsClient) { c.send("2probe"); c.want("3probe") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{MaxPayload: 1000})
				q, p := h.openPoll()
				c := h.dialWS(wsQuery + "&sid=" + p.session.ID())
				wrote := make(chan struct{})
				go func() {
					defer close(wrote)
					tt.act(c)
				}()
				<-wrote
				c.wantEnd()
				_ = c.conn.Close()
				h.post(q, "4hello").want(t, 200, "ok")
				h.get(q).want(t, 200, "4hello")
				// A poll may be pending again, and another probe be made.
				poll := h.goGet(q)
				p.pending(t)
				c = h.probe(p)
				receive(t, poll).want(t, 200, "6")
				c.send("5")
				c.send("4upgraded")
				c.want("4upgraded")
				if len(p.closed) > 0 {
					t.Errorf("the session was closed: %v", <-p.closed)
				}
			})
		})
	}
}

func TestAnUpgradeAtTheLastMomentKeepsItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{UpgradeTimeout: time.Second})
		_, p := h.openPoll()
		c := h.probe(p)
		c.send("5")
		p.onWebSocket(t)
		time.Sleep(5 * time.Second) // on the bubble's clock
		c.send("4still here")
		c.want("4still here")
	})
}

func TestTheProbeIsClosedWithTheSession(t *testing.T) {
	tests := []struct {
		name string
		end  func(*Session)
	}{
		{"close", func(s *Session) { s.Close(ReasonForcedClose) }},
		{"abort", func(s *Session) { s.Abort(ReasonForcedClose, nil) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
				h := start(Options{})
				_, p := h.openPoll()
				c := h.probe(p)
				tt.end(p.session)
				p.wantClosed(t, ReasonForcedClose)
				c.wantEnd()
			})
		})
	}
}

func TestDisabledUpgradesAreOnlyNotOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{DisableUpgrades: true})
		_, p := h.openPoll()
		h.probe(p).send("5")
		p.onWebSocket(t)
	})
}

// Promise 8: what is sent before, during and after an upgrade arrives once and in
// order, both ways.
func TestOrderSurvivesAnUpgrade(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		const n = 50
		h := start(Options{}, withAccept(func(p *peer) { p.quiet = true }))
		q, p := h.openPoll()

		var wg sync.WaitGroup
		defer wg.Wait()
		step := make(chan struct{}) // paces the sender along the dance
		wg.Go(func() {
			for i := range n {
				if i%10 == 0 {
					<-step
				}
				if err := p.session.Send(NewMessage(fmt.Append(nil, i), []byte{byte(i)})); err != nil {
					t.Errorf("send: %v", err)
				}
			}
		})
		var got []string // packets as polls have them
		poll := func() {
			if body := h.get(q).body; body != "6" {
				got = append(got, strings.Split(body, "\x1e")...)
			}
		}

		step <- struct{}{}
		poll()
		h.post(q, numbered(0, 10)).want(t, 200, "ok")
		c := h.probe(p)
		step <- struct{}{}
		poll()
		h.post(q, numbered(10, 20)).want(t, 200, "ok")
		step <- struct{}{}
		c.send("5")
		for i := 20; i < n; i++ {
			c.send(fmt.Sprintf("4%d", i))
		}
		wg.Go(func() {
			step <- struct{}{}
			step <- struct{}{}
		})
		for len(got) < 2*n {
			switch f := c.read(); f.opcode {
			case opText:
				got = append(got, f.data)
			case opBinary:
				got = append(got, "binary "+f.data)
			}
		}
		for i := range n {
			if want := fmt.Sprintf("4%d", i); got[2*i] != want {
				t.Fatalf("packet %d from the server: got %q, want %q", 2*i, got[2*i], want)
			}
			if got[2*i+1][0] != 'b' {
				t.Fatalf("packet %d from the server: got %q, want an attachment", 2*i+1, got[2*i+1])
			}
			if want := fmt.Sprint(i); receive(t, p.messages) != want {
				t.Fatalf("message %d from the client is not %q", i, want)
			}
		}
	})
}

func TestMessageNeverOverlapsAcrossAnUpgrade(t *testing.T) {
	var inside atomic.Int32
	inMessage, proceed := make(chan struct{}), make(chan struct{})
	h := newHarness(t, Options{}, withAccept(func(p *peer) {
		p.on = func(data []byte, _ bool) {
			if inside.Add(1) > 1 {
				t.Errorf("Message(%q) while another one runs", data)
			}
			if string(data) == "late" {
				close(inMessage)
				<-proceed
			}
			p.messages <- string(data)
			inside.Add(-1)
		}
	}))
	q, p := h.openPoll()
	c := h.probe(p)
	late := make(chan response, 1)
	req := h.request("POST", q, "4late")
	go func() { late <- h.do(req) }()
	<-inMessage
	c.send("5")
	c.send("4next") // on a pipe this returns when the server has read it
	close(proceed)
	for _, want := range []string{"late", "next"} {
		if got := receive(t, p.messages); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	receive(t, late).want(t, 200, "ok")
}
