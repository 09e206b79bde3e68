package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAServerThatIsToEndIsAliveAndNotReady(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := newServer()
	web := newWeb(ctx, "127.0.0.1:0", srv)
	status := func(path string) int {
		w := httptest.NewRecorder()
		web.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code
	}
	if got := status("/readyz"); got != 200 {
		t.Errorf("readyz: got %d, want 200", got)
	}
	cancel()
	if got := status("/readyz"); got != 503 {
		t.Errorf("readyz, when ctx has ended: got %d, want 503", got)
	}
	if got := status("/healthz"); got != 200 {
		t.Errorf("healthz: got %d, want 200", got)
	}
	if err := serveAndDrain(ctx, web, srv, 0); err != nil {
		t.Errorf("got %v, want a clean end", err)
	}
}
