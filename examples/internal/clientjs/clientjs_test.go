package clientjs

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func get(h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/socket.io.js", nil))
	return w
}

func TestServesTheCopyOfAFolderAbove(t *testing.T) {
	root := t.TempDir()
	dist := filepath.Join(root, "testdata/interop/node_modules/socket.io-client/dist")
	below := filepath.Join(root, "examples", "chat")
	for _, dir := range []string{dist, below} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dist, "socket.io.min.js"), []byte("the client"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	if w := get(Handler()); w.Code != http.StatusOK || w.Body.String() != "the client" {
		t.Errorf("got %d %q, want 200 and the copy", w.Code, w.Body)
	}
}

func TestRedirectsToTheCDNWithoutACopy(t *testing.T) {
	t.Chdir(t.TempDir())
	w := get(Handler())
	if got := w.Header().Get("Location"); w.Code != http.StatusFound || got != CDN {
		t.Errorf("got %d to %q, want 302 to %q", w.Code, got, CDN)
	}
}
