package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// The configurations in docs/deploy.md, with ports of the test's. HAProxy and nginx
// run in the foreground, as whoever runs the test.

func TestBehindNginx(t *testing.T) {
	bin := testclients.Program(t, "nginx", "/usr/sbin/nginx")
	behind(t, func(t *testing.T, addr string, a, b string) *exec.Cmd {
		dir := t.TempDir()
		site := configuration(t, "nginx.conf", strings.NewReplacer(
			"127.0.0.1:3000", a, "127.0.0.1:3001", b, `127\.0\.0\.1:3000`, a, `127\.0\.0\.1:3001`, b, "listen 8080", "listen "+addr))
		write(t, filepath.Join(dir, "site.conf"), site)
		main := fmt.Sprintf("daemon off; master_process off; pid %[1]s/pid; error_log stderr;\nevents {}\nhttp {\naccess_log off;\n"+
			"client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;\n"+
			"uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;\ninclude site.conf;\n}\n", dir)
		write(t, filepath.Join(dir, "nginx.conf"), main)
		return exec.Command(bin, "-e", "stderr", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
	})
}

func TestBehindHAProxy(t *testing.T) {
	bin := testclients.Program(t, "haproxy", "/usr/sbin/haproxy")
	behind(t, func(t *testing.T, addr string, a, b string) *exec.Cmd {
		file := filepath.Join(t.TempDir(), "haproxy.cfg")
		write(t, file, configuration(t, "haproxy.cfg", strings.NewReplacer(
			"127.0.0.1:3000", a, "127.0.0.1:3001", b, "bind :8080", "bind "+addr, "maxconn 20000", "maxconn 200")))
		return exec.Command(bin, "-db", "-f", file)
	})
}

func behind(t *testing.T, proxy func(t *testing.T, addr string, a, b string) *exec.Cmd) {
	for _, mode := range []string{"websocket", "polling", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			a, stopA := serveBehind(t, "a")
			b, stopB := serveBehind(t, "b")
			t.Cleanup(stopB)
			t.Cleanup(stopA)
			listener := newListener(t, "127.0.0.1:0")
			addr := listener.Addr().String()
			listener.Close()
			startProxy(t, proxy(t, addr, a, b), addr)
			lie(t, addr)
			script := testclients.Start(t, "proxy.mjs", "http://"+addr, mode)
			script.Await("take a away")
			stopA()
			script.Finish()
		})
	}
}

// lie has a client say that it is somebody else, and asked for another host.
func lie(t *testing.T, addr string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return // others have no 127.0.0.2
	}
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}} // 127.0.0.1 is a trusted proxy
	client := &http.Client{Transport: &http.Transport{DialContext: from.DialContext}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/socket.io/?EIO=4&transport=polling&whoami=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", "192.0.2.1")
	req.Header.Set("X-Forwarded-Host", "evil.example")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if want := `{"code":4,"message":"127.0.0.2`; err != nil || !strings.HasPrefix(string(body), want) ||
		!strings.HasSuffix(string(body), " at "+addr+`"}`) {
		t.Errorf("got %s (%v), want %s... at %s", body, err, want, addr)
	}
}

// serveBehind serves one of the processes behind a proxy.
func serveBehind(t *testing.T, name string) (addr string, stop func()) {
	t.Helper()
	srv := framework.New(framework.Options{
		Logger: zerolog.Nop(),
		Transport: transport.Options{
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
			AllowRequest: func(r *http.Request) error {
				if !r.URL.Query().Has("whoami") {
					return nil
				}
				return &transport.Refusal{Message: r.RemoteAddr + " at " + r.Host}
			},
		},
	})
	srv.On("who", func() string { return name })
	srv.On("same", func(args framework.Args) framework.Args { return args })
	srv.On("address", func(s *framework.Socket) string { return s.Handshake().Header().Get("X-Forwarded-For") })
	srv.On("tell me", func(s *framework.Socket) error { return s.Emit("news", "now") })
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if srv.Ready() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	web := &http.Server{Handler: mux}
	listener := newListener(t, "127.0.0.1:0")
	go func() { _ = web.Serve(listener) }()
	return listener.Addr().String(), sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(srv.Shutdown(ctx), web.Shutdown(ctx)); err != nil {
			t.Errorf("shutdown of %s: %v", name, err)
		}
	})
}

func configuration(t *testing.T, name string, ports *strings.Replacer) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../testdata/interop/proxy", name))
	if err != nil {
		t.Fatal(err)
	}
	return ports.Replace(string(text))
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startProxy runs cmd until the test ends, and returns when it listens.
func startProxy(t *testing.T, cmd *exec.Cmd, addr string) {
	t.Helper()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("the proxy said: %s", &said)
		}
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 4000 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the proxy ended: %v: %s", err, &said)
		case <-tick.C:
		}
	}
	t.Fatal("the proxy does not listen")
}
