package transport

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

func TestOriginRule(t *testing.T) {
	byFunc := func(_ *http.Request, origin string) bool { return origin == "https://func.example" }
	tests := []struct {
		name   string
		opts   Options
		host   string
		origin string
		allow  string // the Access-Control-Allow-Origin header; "no" for a refusal
	}{
		{"no origin", Options{}, "a.example", "", ""},
		{"same origin", Options{}, "a.example", "http://a.example", "http://a.example"},
		{"behind a TLS proxy", Options{}, "a.example", "https://a.example", "https://a.example"},
		{"default port in the host", Options{}, "a.example:443", "https://a.example", "https://a.example"},
		{"same port", Options{}, "a.example:8080", "http://a.example:8080", "http://a.example:8080"},
		{"case", Options{}, "A.example", "http://a.Example", "http://a.Example"},
		{"IPv6", Options{}, "[::1]:80", "http://[::1]", "http://[::1]"},
		{"other host", Options{}, "a.example", "http://b.example", "no"},
		{"other port", Options{}, "a.example:8080", "http://a.example:8081", "no"},
		{"port of the other scheme", Options{}, "a.example:80", "https://a.example", "no"},
		{"subdomain", Options{}, "a.example", "http://x.a.example", "no"},
		{"null", Options{}, "a.example", "null", "no"},
		{"listed", Options{Origins: []string{"https://b.example"}}, "a.example", "https://b.example", "https://b.example"},
		{"own besides listed", Options{Origins: []string{"https://b.example"}}, "a.example", "https://a.example", "https://a.example"},
		{"listed with another scheme", Options{Origins: []string{"https://b.example"}}, "a.example", "http://b.example", "no"},
		{"listed with another port", Options{Origins: []string{"https://b.example"}}, "a.example", "https://b.example:444", "no"},
		{"listed with its default port", Options{Origins: []string{"https://b.example:443"}}, "a.example", "https://b.example", "https://b.example"},
		{"wildcard with its default port", Options{Origins: []string{"https://*.b.example:443"}}, "a.example", "https://x.b.example", "https://x.b.example"},
		{"listed as a prefix", Options{Origins: []string{"https://b.example"}}, "a.example", "https://b.example.evil", "no"},
		{"wildcard", Options{Origins: []string{"https://*.b.example"}}, "a.example", "https://x.y.b.example", "https://x.y.b.example"},
		{"wildcard, case", Options{Origins: []string{"https://*.B.example"}}, "a.example", "https://X.b.example", "https://X.b.example"},
		{"wildcard, apex", Options{Origins: []string{"https://*.b.example"}}, "a.example", "https://b.example", "no"},
		{"wildcard, no dot", Options{Origins: []string{"https://*.b.example"}}, "a.example", "https://evilb.example", "no"},
		{"wildcard, scheme", Options{Origins: []string{"https://*.b.example"}}, "a.example", "http://x.b.example", "no"},
		{"wildcard, nothing", Options{Origins: []string{"https://*.b.example"}}, "a.example", "https://.b.example", "no"},
		{"everybody", Options{Origins: []string{"*"}}, "a.example", "https://b.example", "*"},
		{"everybody, null", Options{Origins: []string{"*"}}, "a.example", "null", "*"},
		{"function", Options{AllowOrigin: byFunc}, "a.example", "https://func.example", "https://func.example"},
		{"function, no", Options{AllowOrigin: byFunc}, "a.example", "https://b.example", "no"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, tt.opts)
				req := h.request("GET", pollQuery, "")
				req.Host = tt.host
				if tt.origin != "" {
					req.Header.Set("Origin", tt.origin)
				}
				res := h.do(req)
				ws := h.dialWS(wsQuery, "Host", tt.host, "Origin", tt.origin)
				if tt.allow == "no" {
					res.want(t, 403, `{"code":4,"message":"Forbidden"}`)
					if got := res.header.Get("Access-Control-Allow-Origin"); got != "" {
						t.Errorf("got allowed origin %q with the refusal", got)
					}
					ws.refusal().want(t, 403, `{"code":4,"message":"Forbidden"}`)
					if logs := h.logs.String(); !strings.Contains(logs, "Options.Origins") || !strings.Contains(logs, tt.origin) {
						t.Errorf("the log does not say what to do: %s", logs)
					}
					return
				}
				if res.status != 200 || ws.res.StatusCode != 101 {
					t.Fatalf("got %d and %d, want 200 and 101", res.status, ws.res.StatusCode)
				}
				if got := res.header.Get("Access-Control-Allow-Origin"); got != tt.allow {
					t.Errorf("got allowed origin %q, want %q", got, tt.allow)
				}
				if got := res.header.Values("Vary"); len(got) == 0 || got[0] != "Origin" {
					t.Errorf("got Vary %q, want Origin in it", got)
				}
			})
		})
	}
}

func TestControlCharactersInAnOrigin(t *testing.T) {
	e := New(Options{Origins: []string{"*"}}, nil)
	rec := newRecorder()
	r, _ := http.NewRequest("GET", pollQuery, nil)
	r.Header["Origin"] = []string{"http://a\x01"} // no client of net/http's could send it
	e.ServeHTTP(rec, r)
	if rec.status != 400 || rec.body.String() != `{"code":3,"message":"Bad request"}` {
		t.Errorf("got %d %q", rec.status, rec.body.String())
	}
}

// recorder is a ResponseWriter that can nothing else.
type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

func TestErrorsHaveCORSHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Origins: []string{"https://b.example"}, AllowCredentials: true})
		res := h.get(pollQuery+"&sid=unknown", "Origin", "https://b.example")
		res.want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
		if got := res.header.Get("Access-Control-Allow-Origin"); got != "https://b.example" {
			t.Errorf("got allowed origin %q", got)
		}
		if got := res.header.Get("Access-Control-Allow-Credentials"); got != "true" {
			t.Errorf("got credentials %q, want true", got)
		}
	})
}

func TestPreflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Origins: []string{"https://b.example"}})
		ask := func(origin string) response {
			return h.do(h.request("OPTIONS", pollQuery+"&sid=abc", "", "Origin", origin,
				"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-token"))
		}
		res := ask("https://b.example")
		res.want(t, 204, "")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":  "https://b.example",
			"Access-Control-Allow-Methods": "GET, POST",
			"Access-Control-Allow-Headers": "x-token",
		} {
			if got := res.header.Get(name); got != want {
				t.Errorf("got %s %q, want %q", name, got, want)
			}
		}
		ask("https://evil.example").want(t, 403, `{"code":4,"message":"Forbidden"}`)
	})
}
