package transport

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-chi/chi/v5"
)

func TestMiddlewareMayEndTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		passes := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order = append(order, "first")
				next.ServeHTTP(w, r)
			})
		}
		ends := func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order = append(order, "second")
				http.Error(w, "closed for lunch", http.StatusServiceUnavailable)
			})
		}
		h := newHarness(t, Options{}, mounted(passes, ends), withAccept(func(*peer) { t.Error("a session was opened") }))
		h.get(pollQuery).want(t, 503, "closed for lunch\n")
		h.dialWS(wsQuery).refusal().want(t, 503, "closed for lunch\n")
		if got := strings.Join(order, " "); got != "first second first second" {
			t.Errorf("got order %q, want first second, twice", got)
		}
	})
}

func TestHeadersOfMiddlewareReachTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		headers := map[string]string{
			"X-Download-Options": "noopen", "X-Content-Type-Options": "nosniff", "Set-Cookie": "session=1; Path=/",
		}
		h := newHarness(t, Options{}, mounted(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for name, value := range headers {
					w.Header().Set(name, value)
				}
				next.ServeHTTP(w, r)
			})
		}))
		answers := map[string]http.Header{"polling": h.get(pollQuery).header, "websocket": h.dialWS(wsQuery).res.Header}
		for transport, got := range answers {
			for name, want := range headers {
				if got := strings.Join(got.Values(name), " "); got != want {
					t.Errorf("%s: got %s %q, want %q", transport, name, got, want)
				}
			}
		}
	})
}

func TestTheBodyLimitHoldsBehindMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxPayload: 5}, mounted(onlyUnwrap))
		q, p := h.openPoll()
		h.post(q, "4"+strings.Repeat("a", 50)).want(t, 413, "")
		if len(p.messages) > 0 {
			t.Errorf("got message %q, want none", <-p.messages)
		}
		h.post(q, "4a").want(t, 200, "ok")
	})
}

func TestAnyPathBelowTheMountIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{}, mounted())
		for _, path := range []string{"/engine.io", "/engine.io/", "/engine.io/foo/bar/"} {
			if res := h.get(path + "?EIO=4&transport=polling"); res.status != 200 {
				t.Errorf("%s: got %d %q, want 200", path, res.status, res.body)
			}
		}
	})
}

// What is not the engine's, upgrades to other protocols among it, it does not touch.
func TestOtherPathsAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{}, withWrap(func(engine http.Handler) http.Handler {
			r := chi.NewRouter()
			r.Mount("/engine.io", engine)
			r.Get("/test", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") })
			r.Get("/irc", func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\nhello")
				_ = conn.Close()
			})
			return r
		}))
		irc := []string{"Connection", "Upgrade", "Upgrade", "IRC/6.9"}
		h.get("/test").want(t, 200, "the page")
		h.get("/", irc...).want(t, 404, "404 page not found\n")
		if got, _ := io.ReadAll(h.dialWS("/irc", irc...).br); string(got) != "hello" {
			t.Errorf("got %q from the other protocol, want hello", got)
		}
		h.get("/engine.io/default/", irc...).want(t, 400, `{"code":0,"message":"Transport unknown"}`)
		h.get(wsQuery, irc...).want(t, 400, `{"code":3,"message":"Bad request"}`)
	})
}
