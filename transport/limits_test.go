package transport

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// wantLimit checks that err names the bound that was gone beyond.
func wantLimit(t *testing.T, err error, option string) {
	t.Helper()
	limit, ok := errors.AsType[*LimitError](err)
	if !ok || limit.Option != option || !strings.HasPrefix(limit.Error(), option+": ") {
		t.Errorf("got error %v, want a *LimitError of %s", err, option)
	}
}

func TestALimitThatIsExceededOftenIsLoggedOnceAMinuteAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBacklog: 100}, withAccept(holding))
		attack := func() {
			t.Helper()
			c, p := h.openWS()
			p.session.AwaitAck(1)
			c.send("4" + strings.Repeat("x", 50))
			c.send("4" + strings.Repeat("x", 50))
			wantLimit(t, p.wantClosed(t, ReasonTransportError), "MaxBacklog")
		}
		warnings := func() int { return strings.Count(h.logs.String(), `"level":"warn"`) }
		for range 3 {
			attack()
		}
		if got := warnings(); got != 1 {
			t.Errorf("got %d warnings for three clients at once, want 1: %s", got, h.logs.String())
		}
		time.Sleep(limitLogEvery)
		attack()
		if got := warnings(); got != 2 || !strings.Contains(h.logs.String(), `"times":4`) {
			t.Errorf("got %d warnings a minute later, want 2, the last of them with the count: %s", got, h.logs.String())
		}
		if got := h.engine.Exceeded(); len(got) != 1 || got["MaxBacklog"] != 4 {
			t.Errorf("got %v, want MaxBacklog 4 times", got)
		}
	})
}

// badLog panics at each line from a level on.
type badLog struct{ lowest zerolog.Level }

func (badLog) Write(p []byte) (int, error) { return len(p), nil }
func (l badLog) WriteLevel(level zerolog.Level, p []byte) (int, error) {
	if level >= l.lowest {
		panic("the disk is full")
	}
	return len(p), nil
}

// The wheel is what tells that an upgrade takes too long; it has the deadlines of all.
func TestALogThatPanicsDoesNotEndTheWheel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{UpgradeTimeout: time.Second})
		h.engine.log = zerolog.New(badLog{lowest: zerolog.WarnLevel})
		_, p := h.openPoll()
		c := h.probe(p)
		time.Sleep(2 * time.Second)
		c.wantEnd()
		if got := h.engine.Exceeded()["UpgradeTimeout"]; got != 1 {
			t.Errorf("got %d upgrades that took too long, want 1", got)
		}
	})
}

func TestALogThatPanicsEndsNoMoreThanItsStream(t *testing.T) {
	tests := []struct {
		name  string
		opts  Options
		start func(h *harness) *streamClient
	}{
		{"accept", Options{}, func(h *harness) *streamClient { return h.dialStream("0") }},
		{"refusal", Options{MaxSessions: 1}, func(h *harness) *streamClient {
			h.engine.lobby.most = 0
			return h.dialStream("")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.opts.Transports = bothAndStreams
				h := newHarness(t, tt.opts, withAccept(func(*peer) { panic("accept") }))
				h.engine.log = zerolog.New(badLog{lowest: zerolog.DebugLevel})
				c := tt.start(h)
				<-c.gone
				if _, err := c.conn.Read(make([]byte, 1)); err == nil {
					t.Error("the stream is open, want it closed")
				}
			})
		})
	}
}
