package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

func TestJavaScriptClientCompresses(t *testing.T) {
	for _, mode := range []string{"websocket", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			srv := framework.New(framework.Options{
				Logger:    zerolog.Nop(),
				Transport: transport.Options{PerMessageDeflate: &transport.PerMessageDeflate{}},
			})
			srv.Register("/", &interop{watch: &watcher{}})
			listener := newListener(t, "127.0.0.1:0")
			t.Cleanup(serveOn(t, listener, srv))
			t.Cleanup(func() { shutDown(t, srv) })
			testclients.Run(t, "deflate.mjs", "http://"+listener.Addr().String(), mode)
		})
	}
}

func TestChromiumCompressesAndLoadsTheClient(t *testing.T) {
	const dist = "../../testdata/interop/node_modules/socket.io-client/dist"
	if _, err := os.Stat(dist); err != nil {
		testclients.Run(t, "browser-client.mjs") // which says what is missing
	}
	listener := &countingListener{Listener: newListener(t, "127.0.0.1:0")}
	url := "http://" + listener.Addr().String()
	srv := framework.New(framework.Options{
		Logger: zerolog.Nop(),
		Client: os.DirFS(dist),
		Transport: transport.Options{
			PerMessageDeflate: &transport.PerMessageDeflate{},
			Origins:           []string{url},
		},
	})
	srv.Register("/", &interop{watch: &watcher{}})
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><script src="/socket.io/socket.io.min.js"></script>`)
	})
	server := httptest.NewUnstartedServer(r)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(func() { shutDown(t, srv) })

	testclients.RunBrowser(t, "browser-client.mjs", url, strings.Replace(url, "127.0.0.1", "localhost", 1))
	// Two clients have sent 480 KB each and got it back; the bundles are some 400 KB.
	if read := listener.read.Load(); read == 0 || read > 100_000 {
		t.Errorf("got %d bytes from the browser, want a tenth of 960 KB", read)
	}
	if written := listener.written.Load(); written > 900_000 {
		t.Errorf("got %d bytes to the browser, want less than what it had sent", written)
	}
}

func shutDown(t *testing.T, srv *framework.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// countingListener counts what its connections read and write.
type countingListener struct {
	net.Listener
	read, written atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countingConn{c, l}, err
}

type countingConn struct {
	net.Conn
	l *countingListener
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.l.read.Add(int64(n))
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.l.written.Add(int64(n))
	return n, err
}
