package transport

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// An attack must not fill the disk: of each code one refusal a minute is said aloud.
func TestRefusalsAreSaidAloudNowAndThenOnly(t *testing.T) {
	var log strings.Builder
	opts := Options{Logger: zerolog.New(&log).Level(zerolog.WarnLevel)}
	opts.AllowRequest = func(r *http.Request) error {
		return &Refusal{Message: "not you, " + r.RemoteAddr}
	}
	e := New(opts, func(*Session, *http.Request) Handler { return nil })
	for range 50 {
		for _, query := range []string{"", "?transport=polling&EIO=9", "?transport=polling&EIO=4"} {
			e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/"+query, nil))
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 3 {
		t.Errorf("got %d lines, want one for each code:\n%s", lines, &log)
	}
}
