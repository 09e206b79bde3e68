package transport

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// withHeader has middleware put a header of that many bytes into each response.
func withHeader(size int) harnessOption {
	return withWrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", size))
			next.ServeHTTP(w, r)
		})
	})
}

func TestTheOpenPacketFollowsAnyResponse(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		for _, size := range []int{0, 5000, 20_000} {
			start(Options{MaxSendBuffer: 100}, withHeader(size)).openWS() // which reads it
		}
	})
}

func TestASecondWebSocketIsToldWhateverItsResponse(t *testing.T) {
	h := newHarness(t, Options{}, onTCP, withHeader(20_000))
	query, _ := h.openPoll()
	query = strings.Replace(query, "polling", "websocket", 1)
	h.dialWS(query)
	got, _ := io.ReadAll(h.dialWS(query).br)
	if string(got) != string(closeFrame) {
		t.Errorf("got %x, want a close frame", got)
	}
}
