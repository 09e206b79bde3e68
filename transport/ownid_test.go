package transport

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

func TestNewIDMakesTheIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{
			Cookie: &http.Cookie{},
			NewID:  func(r *http.Request) (string, error) { return r.URL.Query().Get("want"), nil },
		})
		res := h.get(pollQuery + "&want=a-b.c_d~1")
		if !strings.HasPrefix(res.body, `0{"sid":"a-b.c_d~1",`) {
			t.Errorf("got %q, want the id in it", res.body)
		}
		if got := res.header.Get("Set-Cookie"); !strings.HasPrefix(got, "io=a-b.c_d~1;") {
			t.Errorf("got cookie %q, want the id in it", got)
		}
		if got := h.peer().session.ID(); got != "a-b.c_d~1" {
			t.Errorf("got ID %q", got)
		}
		q := pollQuery + "&sid=a-b.c_d~1"
		h.post(q, "4hi").want(t, 200, "ok")
		h.get(q).want(t, 200, "4hi")

		c := h.dialWS(wsQuery + "&want=x") // shorter than what logs cut off
		if got := c.read().data; !strings.HasPrefix(got, `0{"sid":"x",`) {
			t.Errorf("got %q, want the id in it", got)
		}
	})
}

func TestAnIDThatIsNoneRefusesTheHandshake(t *testing.T) {
	tests := []struct {
		name, id string
		err      error
		logged   string
	}{
		{"error", "abc", errors.New("no entropy"), "no entropy"},
		{"empty", "", nil, "want 1 to 128"},
		{"too long", strings.Repeat("a", 129), nil, "want 1 to 128"},
		{"space", "a b", nil, "want 1 to 128"},
		{"ampersand", "a&transport=websocket", nil, "want 1 to 128"},
		{"semicolon", "a;Domain=example.com", nil, "want 1 to 128"},
		{"quote", `a"b`, nil, "want 1 to 128"},
		{"plus", "a+b", nil, "want 1 to 128"},
		{"not ASCII", "ä", nil, "want 1 to 128"},
		{"not UTF-8", "\xff", nil, "want 1 to 128"},
		{"taken", "taken", nil, "another session has that id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id, err := "taken", error(nil)
				h := newHarness(t, Options{NewID: func(*http.Request) (string, error) { return id, err }})
				q, _ := h.openPoll()
				id, err = tt.id, tt.err
				h.get(pollQuery).want(t, 400, `{"code":3,"message":"Bad request"}`)
				h.dialWS(wsQuery).refusal().want(t, 400, `{"code":3,"message":"Bad request"}`)
				if logs := h.logs.String(); !strings.Contains(logs, tt.logged) || !strings.Contains(logs, `"level":"error"`) {
					t.Errorf("got log %s, want an error with %q", logs, tt.logged)
				}
				if n := h.engine.Len(); n != 1 {
					t.Errorf("got %d sessions, want the first", n)
				}
				h.post(q, "4still there").want(t, 200, "ok")
			})
		})
	}
}

func TestNewIDMakesTheIDsOfStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{
			Transports: bothAndStreams,
			NewID:      func(*http.Request) (string, error) { return "seat-1", nil },
		})
		c := h.dialStream("0")
		if open := c.read(); !strings.HasPrefix(open, `0{"sid":"seat-1"`) {
			t.Errorf("got %q, want the id in it", open)
		}
		h.dialStream("0").wantEnd() // the id is taken
		if logs := h.logs.String(); !strings.Contains(logs, errIDTaken.Error()) {
			t.Errorf("got log %s, want the reason", logs)
		}
		c.text("4a")
		c.want("4a")
	})
}

// TestAnIDCanBeUsedAgain also holds the end of the old session against the new one.
func TestAnIDCanBeUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{NewID: func(*http.Request) (string, error) { return "seat-1", nil }})
		for range 3 {
			c, p := h.openWS()
			p.session.Close(ReasonForcedClose)
			c.wantEnd()
			synctest.Wait()
			q, p := h.openPoll()
			p.session.Close(ReasonForcedClose)
			h.get(q)
			synctest.Wait()
		}
		q, p := h.openPoll()
		h.engine.forget(&Session{engine: h.engine, id: "seat-1"}) // of one that had it before
		h.post(q, "4a").want(t, 200, "ok")
		if p.session.ID() != "seat-1" || len(h.engine.claimed) != 0 {
			t.Errorf("got id %q, %d claimed, want seat-1, 0", p.session.ID(), len(h.engine.claimed))
		}
	})
}

func TestAHandshakeThatFailsGivesItsIDBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := true
		h := newHarness(t, Options{NewID: func(*http.Request) (string, error) { return "seat-1", nil }},
			withAccept(func(*peer) {
				if fail {
					panic("oops")
				}
			}))
		if res := h.get(pollQuery); res.err == nil {
			t.Fatalf("got %d, want a broken connection", res.status)
		}
		fail = false
		h.openPoll()
	})
}
