package transport

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
