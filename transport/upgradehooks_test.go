package transport

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// upgradeHooks are Options whose hooks tell what they are told.
func upgradeHooks() (opts Options, upgraded chan *Session, failed chan error) {
	upgraded, failed = make(chan *Session, 1), make(chan error, 1)
	opts.OnUpgrade = func(s *Session) { upgraded <- s }
	opts.OnUpgradeFailed = func(_ *Session, err error) { failed <- err }
	return opts, upgraded, failed
}

func TestOnUpgradeIsToldOfAnUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, upgraded, failed := upgradeHooks()
		h := newHarness(t, opts)
		_, p := h.openPoll()
		c := h.dialWS(wsQuery + "&sid=" + p.session.ID())
		c.send("2probe")
		c.want("3probe")
		c.send("5")
		if s := receive(t, upgraded); s != p.session || s.Transport() != WebSocket {
			t.Errorf("got %p on %s, want %p on websocket", s, s.Transport(), p.session)
		}
		if err := receive(t, p.moves); err != nil {
			t.Errorf("handler: got %v, want an upgrade", err)
		}
		c.write(opClose, "")
		c.wantEnd()
		synctest.Wait()
		select {
		case err := <-failed:
			t.Errorf("got a failure %v behind it", err)
		default:
		}
	})
}

func TestOnUpgradeFailedIsToldWhy(t *testing.T) {
	tests := []struct {
		name string
		do   func(c *wsClient)
		want string
		is   error
	}{
		{"wrong packet", func(c *wsClient) { c.send("4hello") }, "does not belong", errProbePacket},
		{"upgrade before the probe", func(c *wsClient) { c.send("5") }, "does not belong", errProbePacket},
		{"timeout", func(*wsClient) {}, "UpgradeTimeout", nil},
		{"closed by the client", func(c *wsClient) { c.write(opClose, "\x03\xe8") }, "the probe was closed", nil},
		{"broken off", func(c *wsClient) { _ = c.conn.Close() }, "the probe was closed", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts, _, failed := upgradeHooks()
				opts.PingInterval = time.Hour
				h := newHarness(t, opts)
				q, p := h.openPoll()
				c := h.dialWS(wsQuery + "&sid=" + p.session.ID())
				tt.do(c)
				if tt.name != "broken off" {
					c.wantEnd()
				}
				err := receive(t, failed)
				if !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("got %v, want %q in it", err, tt.want)
				}
				if tt.name == "timeout" {
					wantLimit(t, err, "UpgradeTimeout")
					if got := h.engine.Exceeded()["UpgradeTimeout"]; got != 1 {
						t.Errorf("got UpgradeTimeout exceeded %d times, want once", got)
					}
				}
				if got := receive(t, p.moves); got == nil || got.Error() != err.Error() {
					t.Errorf("handler: got %v, want %v", got, err)
				}
				h.post(q, "4still here").want(t, 200, "ok")
				h.get(q).want(t, 200, "4still here")
			})
		})
	}
}

func TestTheEndOfASessionIsNoFailedUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, _, failed := upgradeHooks()
		h := newHarness(t, opts)
		_, p := h.openPoll()
		c := h.dialWS(wsQuery + "&sid=" + p.session.ID())
		p.session.Abort(ReasonForcedClose, nil)
		c.wantEnd()
		synctest.Wait()
		select {
		case err := <-failed:
			t.Errorf("got %v, want nothing: the handler is told of the end", err)
		case err := <-p.moves:
			t.Errorf("handler: got %v, want nothing", err)
		default:
		}
	})
}

func TestAPanicInAHandlerOfUpgradesIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		close(p.moves) // sending there panics
		c := h.dialWS(wsQuery + "&sid=" + p.session.ID())
		c.send("5")
		c.wantEnd()
		synctest.Wait()
		if logs := h.logs.String(); !strings.Contains(logs, "Handler.UpgradeFailed") {
			t.Errorf("got log %s, want the panic", logs)
		}
		h.post(q, "4still here").want(t, 200, "ok")
		h.get(q).want(t, 200, "4still here")

		c = h.probe(p)
		c.send("5")
		c.send("4still here")
		c.want("4still here")
		if logs := h.logs.String(); !strings.Contains(logs, "Handler.Upgraded") {
			t.Errorf("got log %s, want the panic", logs)
		}
	})
}

func TestAPanicInAnUpgradeHookIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{OnUpgrade: func(*Session) { panic("oops") }})
		_, p := h.openPoll()
		c := h.dialWS(wsQuery + "&sid=" + p.session.ID())
		c.send("2probe")
		c.want("3probe")
		c.send("5")
		synctest.Wait()
		c.send("4a")
		c.want("4a")
		if logs := h.logs.String(); !strings.Contains(logs, "Options.OnUpgrade") || !strings.Contains(logs, "oops") {
			t.Errorf("got log %s, want the panic", logs)
		}
	})
}
