package transport

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestHandshakesWithLargeHeadersAreRefused(t *testing.T) {
	const refused = `{"code":3,"message":"Request header is too large"}`
	tests := []struct {
		name   string
		limit  int
		header int // bytes
		status int
	}{
		{"what browsers send", 0, 8 << 10, 200},
		{"more than the default", 0, 33 << 10, 431},
		{"within a higher bound", 64 << 10, 33 << 10, 200},
		{"without a bound", -1, 200 << 10, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{MaxHeader: tt.limit})
				large := strings.Repeat("x", tt.header)
				for _, res := range []response{h.get(pollQuery, "X-Large", large), h.get(pollQuery + "&x=" + large)} {
					if res.status != tt.status || (tt.status == 431) != (res.body == refused) {
						t.Errorf("got %d %s, want %d", res.status, res.body, tt.status)
					}
				}
				if got, want := h.engine.Exceeded()["MaxHeader"] > 0, tt.status == 431; got != want {
					t.Errorf("counted: got %v, want %v", got, want)
				}
			})
		})
	}
}

// What a session's later requests say is not kept.
func TestPollsMayHaveLargeHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, _ := h.openPoll()
		h.post(q, "4large", "X-Large", strings.Repeat("x", 100_000)).want(t, 200, "ok")
		h.get(q, "X-Large", strings.Repeat("x", 100_000)).want(t, 200, "4large")
	})
}
