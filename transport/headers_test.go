package transport

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// counted has Options count their calls in the headers X-Initial and X-Each.
func counted() Options {
	initial, each := 0, 0
	return Options{
		InitialHeaders: func(h http.Header, r *http.Request) {
			initial++
			h.Set("X-Initial", fmt.Sprint(initial, " ", r.URL.Query().Get("transport")))
			h.Add("Set-Cookie", "seen=1")
		},
		Headers: func(h http.Header, _ *http.Request) {
			each++
			h.Set("X-Each", fmt.Sprint(each))
			h.Set("Content-Type", "text/html")
			h.Set("Content-Length", "1")
			h.Set("Sec-WebSocket-Accept", "mine")
		},
	}
}

func (r response) wantHeader(t *testing.T, name, want string) {
	t.Helper()
	if got := r.header.Get(name); got != want {
		t.Errorf("got %s %q, want %q", name, got, want)
	}
}

func TestHeadersOfPollingAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, counted())
		res := h.get(pollQuery)
		q := pollQuery + "&sid=" + h.peer().session.ID()
		res.wantHeader(t, "X-Initial", "1 polling")
		res.wantHeader(t, "X-Each", "1")
		res.wantHeader(t, "Set-Cookie", "seen=1")
		res.wantHeader(t, "Content-Type", "text/plain; charset=UTF-8")
		res.wantHeader(t, "Content-Length", fmt.Sprint(len(res.body)))

		res = h.post(q, "4a")
		res.want(t, 200, "ok")
		res.wantHeader(t, "X-Initial", "")
		res.wantHeader(t, "X-Each", "2")
		res = h.get(q)
		res.want(t, 200, "4a")
		res.wantHeader(t, "X-Each", "3")
		res.wantHeader(t, "Set-Cookie", "")

		up := h.dialWS(wsQuery + "&sid=" + strings.TrimPrefix(q, pollQuery+"&sid="))
		if got := up.res.Header.Get("X-Each") + up.res.Header.Get("X-Initial"); got != "4" {
			t.Errorf("got %q at the upgrade, want 4", got)
		}
	})
}

func TestHeadersOfA101(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, counted())
		c := h.dialWS(wsQuery)
		h.peer()
		for name, want := range map[string]string{
			"X-Initial": "1 websocket", "X-Each": "1", "Set-Cookie": "seen=1", "Content-Type": "", "Content-Length": "",
			"Sec-Websocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", // RFC 6455 section 1.3
		} {
			if got := strings.Join(c.res.Header.Values(name), " "); got != want {
				t.Errorf("got %s %q, want %q", name, got, want)
			}
		}
		if f := c.read(); !strings.HasPrefix(f.data, "0{") {
			t.Errorf("got %v, want the open packet", f)
		}
	})
}

func TestAPanicInAHeadersHookLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{InitialHeaders: func(http.Header, *http.Request) { panic("oops") }})
		if res := h.get(pollQuery); res.err == nil {
			t.Errorf("got %d, want a broken connection", res.status)
		}
		h.engine.mu.Lock()
		defer h.engine.mu.Unlock()
		if h.engine.live != 0 || len(h.engine.sessions) != 0 {
			t.Errorf("got %d alive, %d sessions, want none", h.engine.live, len(h.engine.sessions))
		}
	})
}

func TestInitialPacketFollowsTheOpenPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{InitialPacket: NewMessage([]byte("faith"), []byte{1, 2})},
			withAccept(func(p *peer) { _ = p.session.Send(NewMessage([]byte("hope"))) }))
		_, rest, _ := strings.Cut(h.get(pollQuery).body, "\x1e")
		if want := "4faith\x1ebAQI=\x1e4hope"; rest != want {
			t.Errorf("got %q behind the open packet, want %q", rest, want)
		}
		c := h.dialWS(wsQuery)
		c.read()
		c.want("4faith")
		if got, want := c.read(), (frame{opBinary, "\x01\x02"}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		c.want("4hope")
	})
}
