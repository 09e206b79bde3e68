package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// The official JavaScript client, over each way to connect. What a scenario does
// stands in testdata/interop; the server that it wants stands below.

func TestJavaScriptClient(t *testing.T) {
	scenarios := []string{"connect", "events", "binary", "acks", "rooms", "namespaces", "disconnect"}
	for _, mode := range []string{"websocket", "polling", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			for _, name := range scenarios {
				t.Run(name, func(t *testing.T) {
					url := serveInterop(t, newListener(t, "127.0.0.1:0"))
					testclients.Run(t, name+".mjs", url, mode)
				})
			}
		})
	}
}

func TestJavaScriptClientLosesNothingInTheUpgrade(t *testing.T) {
	url := serveInterop(t, newListener(t, "127.0.0.1:0"))
	testclients.Run(t, "upgrade.mjs", url, "upgrade")
}

func TestJavaScriptClientReconnectsAfterARestart(t *testing.T) {
	reconnectAfterARestart(t, "socket.io-client")
}

func reconnectAfterARestart(t *testing.T, client string) {
	for _, mode := range []string{"websocket", "polling", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			listener := newListener(t, "127.0.0.1:0")
			addr := listener.Addr().String()
			old := newInterop()
			stop := serveOn(t, listener, old)

			script := testclients.Start(t, "reconnect.mjs", "http://"+addr, mode, "", client)
			script.Await("connected")
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := old.Shutdown(ctx); err != nil {
				t.Errorf("shutdown: %v", err)
			}
			stop()
			script.Await("lost")
			serveInterop(t, newListener(t, addr))
			script.Finish()
		})
	}
}

func newListener(t *testing.T, addr string) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// serveInterop serves on listener until the test ends, and returns the URL.
func serveInterop(t *testing.T, listener net.Listener) string {
	t.Helper()
	return serveServer(t, listener, newInterop())
}

// serveServer is serveInterop for any server.
func serveServer(t *testing.T, listener net.Listener, srv *framework.Server) string {
	t.Helper()
	stop := serveOn(t, listener, srv)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		stop()
	})
	return "http://" + listener.Addr().String()
}

func serveOn(t *testing.T, listener net.Listener, srv *framework.Server) (stop func()) {
	t.Helper()
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) { // a page for browsers
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>interop</title>"))
	})
	server := httptest.NewUnstartedServer(r)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	return sync.OnceFunc(server.Close)
}

func newInterop() *framework.Server {
	return newInteropWith(framework.Options{Transport: transport.Options{AllowEIO3: true}})
}

func newInteropWith(opts framework.Options) *framework.Server {
	opts.Logger = zerolog.Nop()
	srv := framework.New(opts)
	watch := &watcher{}
	srv.Register("/", &interop{watch: watch})
	srv.Register("/room", &room{})
	srv.Register("/watch", watch)
	srv.Register("/guarded", &guarded{})
	return srv
}

// interop serves what most scenarios ask for.
type interop struct {
	framework.Namespace
	watch *watcher
}

var (
	labelKey     = framework.NewKey[string]("label")
	collectedKey = framework.NewKey[[]int]("collected")
)

func (i *interop) OnConnect(s *framework.Socket, auth any) error {
	h := s.Handshake()
	label := h.Query().Get("label") // of a client that has no auth
	if m, ok := auth.(map[string]any); ok {
		label, _ = m["label"].(string)
	}
	labelKey.Set(s, label)
	return s.Emit("welcome", map[string]any{
		"id": s.ID(), "auth": auth, "query": h.Query().Get("color"), "header": h.Header().Get("X-Colour"),
	})
}

func (i *interop) OnDisconnect(s *framework.Socket, reason framework.Reason) error {
	label, _ := labelKey.Get(s)
	return i.watch.Emit("gone", label, reason, s.Rooms())
}

func (i *interop) OnEcho(s *framework.Socket, args framework.Args) error {
	return s.Emit("echoed", args)
}

func (i *interop) OnSame(args framework.Args) framework.Args { return args }

type tagged struct {
	Tags []string `json:"tags"`
}

func (i *interop) OnTyped(s *framework.Socket, name string, n int, v tagged) error {
	return s.Emit("typed", name, n, v)
}

func (i *interop) OnMessage(s *framework.Socket, text string) error { return s.Send(text) }

func (i *interop) OnBurst(s *framework.Socket, n int) error {
	for k := range n {
		if err := s.Emit("burst", k); err != nil {
			return err
		}
	}
	return nil
}

type file struct {
	Name  string            `json:"name"`
	Data  []byte            `json:"data"`
	Parts [][]byte          `json:"parts"`
	More  map[string][]byte `json:"more"`
}

func (i *interop) OnFile(f file) file {
	f.Name = strings.ToUpper(f.Name)
	return f
}

func (i *interop) OnResults() (string, int) { return "one", 2 }

func (i *interop) OnNothing() {}

func (i *interop) OnLater(ack *framework.Ack, text string) {
	go func() { _ = ack.Reply(text + " later") }()
}

func (i *interop) OnFail() error {
	return &framework.Error{Message: "no soup", Data: map[string]int{"left": 0}}
}

func (i *interop) OnJoin(s *framework.Socket, rooms ...string)  { s.Join(rooms...) }
func (i *interop) OnLeave(s *framework.Socket, rooms ...string) { s.Leave(rooms...) }
func (i *interop) OnRooms(s *framework.Socket) []string         { return s.Rooms() }
func (i *interop) OnSay(text string) error                      { return i.Emit("said", text) }
func (i *interop) OnKick(s *framework.Socket)                   { s.Disconnect() }

func (i *interop) OnCollect(s *framework.Socket, n int, _ []byte) (int, error) {
	list, _ := collectedKey.Get(s)
	collectedKey.Set(s, append(list, n))
	return n, s.Emit("tick", n)
}

func (i *interop) OnCollected(s *framework.Socket) []int {
	list, _ := collectedKey.Get(s)
	return list
}

// Routes has the events whose names no method can have.
func (i *interop) Routes(r *framework.Router) {
	r.On("with spaces & ünïcode", func(s *framework.Socket, n int) error {
		return s.Emit("with spaces & ünïcode", n)
	})
	r.On("push file", func(s *framework.Socket) error {
		f := file{"go", []byte{1, 2}, [][]byte{{3}}, map[string][]byte{"k": {4, 5}}}
		return s.Emit("file", f, "beside", []byte{6})
	})
	r.On("say others", func(s *framework.Socket, text string) error { return s.Broadcast().Emit("said", text) })
	r.On("say to", func(rooms []string, text string) error { return i.To(rooms...).Emit("said", text) })
	r.On("say to others", func(s *framework.Socket, rooms []string, text string) error {
		return s.To(rooms...).Emit("said", text)
	})
	r.On("say except", func(rooms []string, text string) error { return i.Except(rooms...).Emit("said", text) })
	r.On("say binary to", func(rooms []string, data []byte) error {
		return i.To(rooms...).Emit("said", "binary", map[string]any{"length": len(data), "data": data})
	})
	r.On("also in", func(s *framework.Socket, path string) string {
		if other, ok := s.Of(path); ok {
			return other.ID()
		}
		return ""
	})
	r.On("kick out", func(s *framework.Socket) { s.Close() })
	r.On("last words", func(s *framework.Socket) error {
		err := s.Emit("last words", "bye")
		s.Disconnect()
		return err
	})
	r.Group(asking)
}

// asking has what makes the server ask the client.
func asking(r *framework.Router) {
	ask := func(s *framework.Socket, event string, args ...any) {
		ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
		defer cancel()
		answer, err := s.EmitWithAck(ctx, event, args...)
		if err != nil {
			_ = s.Emit("answered", err.Error())
			return
		}
		_ = s.Emit("answered", answer)
	}
	r.On("ask me", func(s *framework.Socket, how string, are any) { go ask(s, "question", how, are) })
	r.On("ask me without words", func(s *framework.Socket) { go ask(s, "question without words") })
	r.On("ask inside", func(ctx context.Context, s *framework.Socket, a, b int) error {
		sum, err := framework.Call[int](ctx, s, "sum", a, b)
		if err != nil {
			return err
		}
		return s.Emit("answered", sum)
	})
	r.On("ask with callback", func(s *framework.Socket, a, b int) error {
		return s.Emit("sum", a, b, func(sum int, err error) error { return s.Emit("called back", sum, err) })
	})
	r.On("ask in vain", func(ctx context.Context, s *framework.Socket) error {
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err := s.EmitWithAck(ctx, "never")
		if errors.Is(err, context.DeadlineExceeded) {
			err = context.DeadlineExceeded
		}
		return s.Emit("answered", err.Error())
	})
}

// room is a second namespace.
type room struct{ framework.Namespace }

func (r *room) OnWhere() string            { return r.Path() }
func (r *room) OnNews(text string) error   { return r.Emit("news", text) }
func (r *room) OnKick(s *framework.Socket) { s.Disconnect() }

func (r *room) OnMine(s *framework.Socket) error {
	return r.To(s.ID()).Emit("news", "yours")
}

// watcher is told of the ends of others.
type watcher struct{ framework.Namespace }

// guarded refuses in all ways there are.
type guarded struct{ framework.Namespace }

func (g *guarded) OnConnect(s *framework.Socket, auth struct{ Token string }) error {
	switch auth.Token {
	case "right":
		return s.Emit("welcome", auth.Token)
	case "panic":
		panic("a secret")
	case "":
		return framework.Refuse("")
	}
	return framework.Refuse("not with that token", map[string]any{"hint": "ask Ann", "tries": []int{1, 2}})
}
