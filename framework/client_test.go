package framework_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

var (
	script = strings.Repeat("console.log('a client');\n", 100)
	bundle = fstest.MapFS{
		"socket.io.js":             {Data: []byte(script)},
		"socket.io.js.map":         {Data: []byte(`{"version":3}`)},
		"socket.io.min.js":         {Data: []byte("min")},
		"socket.io.min.js.br":      {Data: []byte("min in brotli")},
		"socket.io.min.js.gz":      {Data: []byte("min in gzip")},
		"socket.io.esm.min.js":     {Data: []byte("export {}")},
		"socket.io.msgpack.min.js": {Data: []byte("msgpack")},
		"index.js":                 {Data: []byte("not served")},
	}
)

// serveClient makes a server with files, mounted as clients expect it.
func serveClient(files fs.FS) (http.Handler, *logBuffer) {
	var buf logBuffer
	r := chi.NewRouter()
	r.Mount("/socket.io", unhurried(framework.Options{
		Client:    files,
		Logger:    zerolog.New(&buf),
		Transport: transport.Options{Origins: []string{"https://app.example.com"}},
	}))
	return r, &buf
}

// fetch sends a request; headers are names and values in turn.
func fetch(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheClientIsServed(t *testing.T) {
	h, _ := serveClient(bundle)
	const js = "text/javascript; charset=utf-8"
	tests := []struct {
		name, method, path, accept       string
		body, contentType, contentCoding string
	}{
		{"script", "GET", "socket.io.js", "", script, js, ""},
		{"script with a query", "GET", "socket.io.js?v=4", "", script, js, ""},
		{"map", "GET", "socket.io.js.map", "", `{"version":3}`, "application/json", ""},
		{"minified", "GET", "socket.io.min.js", "", "min", js, ""},
		{"module", "GET", "socket.io.esm.min.js", "", "export {}", js, ""},
		{"msgpack", "GET", "socket.io.msgpack.min.js", "", "msgpack", js, ""},
		{"deeper down", "GET", "v4/socket.io.min.js", "", "min", js, ""},
		{"HEAD", "HEAD", "socket.io.js", "", "", js, ""},
		{"brotli that is there", "GET", "socket.io.min.js", "gzip, deflate, br", "min in brotli", js, "br"},
		{"gzip that is there", "GET", "socket.io.min.js", "gzip;q=0.5", "min in gzip", js, "gzip"},
		{"gzip made here", "GET", "socket.io.js", "br, gzip", script, js, "gzip"},
		{"no gzip", "GET", "socket.io.js", "gzip;q=0, deflate", script, js, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fetch(h, tt.method, "/socket.io/"+tt.path, "Accept-Encoding", tt.accept)
			body := w.Body.Bytes()
			equal(t, "status", w.Code, 200)
			equal(t, "content type", w.Header().Get("Content-Type"), tt.contentType)
			equal(t, "content coding", w.Header().Get("Content-Encoding"), tt.contentCoding)
			equal(t, "cache control", w.Header().Get("Cache-Control"), "public, max-age=0")
			equal(t, "vary", strings.Join(w.Header().Values("Vary"), ", "), "Origin, Accept-Encoding")
			if tt.method == "GET" {
				equal(t, "content length", w.Header().Get("Content-Length"), fmt.Sprint(len(body)))
			}
			if tt.name == "gzip made here" {
				z, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if body, err = io.ReadAll(z); err != nil {
					t.Fatal(err)
				}
			}
			equal(t, "body", string(body), tt.body)
		})
	}
}

func TestTheClientIsNotSentAgain(t *testing.T) {
	h, _ := serveClient(bundle)
	plain := fetch(h, "GET", "/socket.io/socket.io.js").Header().Get("Etag")
	zipped := fetch(h, "GET", "/socket.io/socket.io.js", "Accept-Encoding", "gzip").Header().Get("Etag")
	if !strings.HasPrefix(plain, `"`) || plain == zipped {
		t.Errorf("got ETags %s and %s, want strong ones that differ", plain, zipped)
	}
	other, _ := serveClient(fstest.MapFS{"socket.io.js": {Data: []byte(script)}, "socket.io.min.js": {Data: []byte(script + " ")}})
	equal(t, "ETag of the same content elsewhere", fetch(other, "GET", "/socket.io/socket.io.js").Header().Get("Etag"), plain)
	if got := fetch(other, "GET", "/socket.io/socket.io.min.js").Header().Get("Etag"); got == plain {
		t.Error("other content has the same ETag")
	}
	tests := []struct {
		name, match, accept string
		status              int
	}{
		{"strong", plain, "", 304},
		{"weak", "W/" + plain, "", 304},
		{"in a list", `"a", ` + plain, "", 304},
		{"compressed", zipped, "gzip", 304},
		{"any", "*", "", 304},
		{"of the compressed one", zipped, "", 200},
		{"other", `"abc"`, "", 200},
	}
	for _, tt := range tests {
		w := fetch(h, "GET", "/socket.io/socket.io.js", "If-None-Match", tt.match, "Accept-Encoding", tt.accept)
		if w.Code != tt.status || tt.status == 304 && (w.Body.Len() > 0 || w.Header().Get("Etag") == "") {
			t.Errorf("%s: got %d, %d bytes, ETag %s, want %d", tt.name, w.Code, w.Body.Len(), w.Header().Get("Etag"), tt.status)
		}
	}
}

func TestTheClientIsSharedWithAllowedOrigins(t *testing.T) {
	h, _ := serveClient(bundle)
	for origin, want := range map[string]string{
		"https://app.example.com": "https://app.example.com",
		"http://example.com":      "http://example.com", // its own, as httptest has it
		"https://evil.example":    "",
	} {
		w := fetch(h, "GET", "/socket.io/socket.io.esm.min.js", "Origin", origin)
		if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != 200 || got != want {
			t.Errorf("%s: got %d, allowed origin %q, want 200, %q", origin, w.Code, got, want)
		}
	}
}

func TestWhatIsNoClientFileGoesToTheEngine(t *testing.T) {
	for name, files := range map[string]fs.FS{"served": bundle, "not served": nil} {
		h, _ := serveClient(files)
		paths := []string{"index.js", "socket.io.js.gz", "socket.io.min.js.br", "socket.io.jsx", "", "socket.io.js/", "../socket.io.ts"}
		if files == nil {
			paths = append(paths, "socket.io.js")
		}
		for _, path := range paths {
			if w := fetch(h, "GET", "/socket.io/"+path); w.Code != 400 || !strings.Contains(w.Body.String(), "Transport unknown") {
				t.Errorf("%s, %s: got %d %s, want the engine's 400", name, path, w.Code, w.Body)
			}
		}
		if w := fetch(h, "POST", "/socket.io/socket.io.js"); w.Code != 400 {
			t.Errorf("%s: got %d for a POST, want 400", name, w.Code)
		}
	}
}

func TestAMissingClientFileIsToldOnce(t *testing.T) {
	h, logs := serveClient(fstest.MapFS{"socket.io.min.js": {Data: []byte("min")}})
	for range 3 {
		equal(t, "status", fetch(h, "GET", "/socket.io/socket.io.js").Code, 404)
		equal(t, "status", fetch(h, "GET", "/socket.io/socket.io.min.js.map").Code, 404)
	}
	if n := strings.Count(logs.String(), `"level":"error"`); n != 1 || !strings.Contains(logs.String(), "Options.Client does not have") {
		t.Errorf("got %d errors in %s, want 1 about socket.io.js", n, logs)
	}
}

func TestAClientWithoutFilesPanics(t *testing.T) {
	defer func() {
		if v, _ := recover().(string); !strings.Contains(v, "Options.Client") || !strings.Contains(v, "fs.Sub") {
			t.Errorf("got %q, want a panic that says what would be right", v)
		}
	}()
	serveClient(fstest.MapFS{"node_modules/socket.io-client/dist/socket.io.js": {}})
}

func ExampleOptions_client() {
	// As a rule an embed.FS with the folder dist of npm's socket.io-client, by fs.Sub.
	dist := fstest.MapFS{"socket.io.min.js": {Data: []byte("/* the client */")}}
	srv := framework.New(framework.Options{Client: dist})
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/socket.io/socket.io.min.js", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	fmt.Println(w.Body)
	// Output:
	// 200 text/javascript; charset=utf-8
	// /* the client */
}

func TestAClientFileThatNobodyReadsHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := serveClient(bundle)
		listener := newPipeListener()
		server := &http.Server{Handler: h}
		go func() { _ = server.Serve(listener) }()
		conn, end := net.Pipe()
		listener.calls <- end
		if _, err := conn.Write([]byte("GET /socket.io/socket.io.js HTTP/1.1\r\nHost: example.com\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second) // a pipe holds nothing: the server waits for its reader
		if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("got %d bytes, %v, want the connection closed", n, err)
		}
		_ = listener.Close()
		_ = server.Close()
	})
}
