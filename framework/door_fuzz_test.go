package framework_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// FuzzHTTPDoor lets hostile clients do anything to a whole server, over several
// connections at a time: requests of all kinds and of none, polls, posts, upgrades,
// frames, silence, floods, and going away in the middle. A client that behaves is served
// meanwhile and at once, what is answered is what may be, nothing panics, and in the end
// nothing is left: no socket, no session, no goroutine.
//
// The input is a script, see hostile.play. Its first byte chooses the options. Each runs
// in a bubble of its own, so that time costs nothing.
func FuzzHTTPDoor(f *testing.F) {
	for _, script := range doorScripts() {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 1<<10 {
			return
		}
		synctest.Test(t, func(t *testing.T) { playAtTheDoor(t, script) })
	})
}

func playAtTheDoor(t *testing.T, input []byte) {
	s := &doings{input}
	choice := s.next()
	d := newDoor(t, choice)
	d.serve(0)
	h := &hostile{t: t, door: d, deflate: choice&2 != 0}
	for turn := 1; turn <= 20 && h.play(s); turn++ {
		synctest.Wait()
		h.learn()
		d.serve(turn)
	}
	if choice&128 != 0 {
		h.keepSilent()
	}
	h.leave()
	time.Sleep(patience)
	h.check()
	d.close()
}

// patience is longer than anything is waited for.
const patience = 12 * time.Second

// door is a server, and the client that behaves.
type door struct {
	t             *testing.T
	srv           *framework.Server
	good          *sockettest.Socket
	transport     string // of the good one
	came, went    atomic.Int32
	failures, web logBuffer
}

// newDoor makes a server; the lower bits of choice are its options.
func newDoor(t *testing.T, choice byte) *door {
	t.Helper()
	d := &door{t: t, transport: "websocket"}
	opts := framework.Options{
		ConnectTimeout: 2 * time.Second,
		Logger:         zerolog.New(&d.failures).Level(zerolog.ErrorLevel),
		Transport: transport.Options{
			PingInterval: 2 * time.Second, PingTimeout: time.Second, UpgradeTimeout: time.Second, WriteTimeout: time.Second,
			AllowEIO3: choice&1 != 0,
		},
	}
	if choice&2 != 0 {
		opts.Transport.PerMessageDeflate = &transport.PerMessageDeflate{Threshold: 1}
	}
	if choice&4 != 0 {
		opts.MaxAttachments, opts.MaxConcurrent, opts.MaxPendingAcks, opts.AttachmentTimeout = 1, 1, 2, time.Second
		opts.MaxDepth, opts.MaxNamespaces, opts.MaxRooms, opts.MaxNameLength = 3, 2, 1, 10
		opts.Transport.MaxPayload, opts.Transport.MaxSendBuffer, opts.Transport.MaxBacklog = 300, 2000, 1000
		opts.Transport.MaxSessions, opts.Transport.MaxPerAddress, opts.Transport.MaxBuffered = 4, 2, 20_000
	}
	if choice&8 != 0 {
		opts.Transport.Origins, opts.Transport.AllowCredentials = []string{"https://*.example.org"}, true
		opts.Transport.Cookie = &http.Cookie{}
	}
	if choice&16 != 0 {
		opts.Transport.CompressionThreshold = 1
	}
	if choice&32 != 0 {
		opts.Recovery = framework.Recovery{MaxDisconnection: 3 * time.Second}
	}
	if choice&64 != 0 {
		d.transport = "polling"
	}
	d.srv = unhurried(opts)
	d.register()
	d.good = sockettest.Dial(t, d.srv, sockettest.Options{Transport: d.transport, Header: http.Header{"Good": {"yes"}}}).Join("/")
	return d
}

// register has events for every way in which a handler can come to its end.
func (d *door) register() {
	connected := func() { d.came.Add(1) }
	disconnected := func() { d.went.Add(1) }
	d.srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) { return nil, false })
	d.srv.Route("/", func(r *framework.Router) {
		r.On("connect", connected)
		r.On("disconnect", disconnected)
		r.On("echo", func(args framework.Args) framework.Args { return args })
		r.On("shout", func(s *framework.Socket, n int) (int, error) { return n, d.srv.Emit("news", n) })
		r.On("call", func(s *framework.Socket, n int) (int, error) {
			if s.Handshake().Header().Get("Good") == "" {
				return 0, errors.New("not the good client")
			}
			return n, d.srv.Emit("told", n)
		})
		r.On("flood", func(s *framework.Socket) error {
			for range 50 {
				if err := s.Emit("news", strings.Repeat("flood ", 20), []byte("and bytes")); err != nil {
					return err
				}
			}
			return nil
		})
		r.On("ask", func(s *framework.Socket) error {
			return s.Emit("question", func(answer framework.Args, err error) error { return err })
		})
		r.On("slow", func(ctx context.Context) error {
			select {
			case <-time.After(500 * time.Millisecond):
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		r.On("join", func(s *framework.Socket, room string) error {
			s.Join(room)
			return s.To(room).Emit("news", room)
		})
		r.On("leave", func(s *framework.Socket) { s.Disconnect() })
		r.On("fail", func() error { return errors.New("an error") })
		r.On("panic", func() { panic("a panic") })
		r.On("exit", func() { runtime.Goexit() })
		r.On("typed", func(n int, text []string, data struct{ File []byte }) int { return n + len(text) + len(data.File) })
	})
	d.srv.Route("/members", func(r *framework.Router) {
		r.On("connect", func(auth map[string]string) error {
			if auth["token"] != "x" {
				return framework.Refuse("members only")
			}
			connected()
			return nil
		})
		r.On("disconnect", disconnected)
	})
	d.srv.RouteFunc("/room/{id:[a-z]+}", func(r *framework.Router, p framework.Params) error {
		if p.Get("id") == "closed" {
			return framework.Refuse("")
		}
		r.On("connect", connected)
		r.On("disconnect", disconnected)
		return nil
	})
}

// serve has the good client call, and hear what everybody does, without waiting for
// anything but processors.
func (d *door) serve(turn int) {
	d.t.Helper()
	began := time.Now()
	want := fmt.Sprintf("[%d]", turn)
	if got := d.good.Call("call", turn).JSON(); got != want {
		d.t.Fatalf("turn %d: the good client got %s, want %s", turn, got, want)
	}
	var told int
	if d.good.Expect("told").Args.Decode(0, &told); told != turn {
		d.t.Fatalf("turn %d: the good client heard %d", turn, told)
	}
	if took := time.Since(began); took > 300*time.Millisecond {
		d.t.Fatalf("turn %d: the good client was served after %v, want at once", turn, took)
	}
}

// close ends the server, of which nothing else may be left by now.
func (d *door) close() {
	d.t.Helper()
	if n := d.srv.ClientsCount(); n != 1 {
		d.t.Errorf("got %d sessions, want the good client's only", n)
	}
	fresh := sockettest.Dial(d.t, d.srv, sockettest.Options{Transport: "upgrade"}).Join("/")
	if got := fresh.Call("echo", "x").JSON(); got != `["x"]` {
		d.t.Errorf("a new client got %s", got)
	}
	fresh.Conn().Close()
	d.good.Conn().Close()
	ctx, cancel := context.WithTimeout(d.t.Context(), 10*time.Second)
	defer cancel()
	if err := d.srv.Shutdown(ctx); err != nil {
		d.t.Error(err)
	}
	if came, went := d.came.Load(), d.went.Load(); came != went {
		d.t.Errorf("got %d sockets and %d ends of sockets", came, went)
	}
	for line := range strings.Lines(d.failures.String()) {
		if !strings.Contains(line, `"reason":"Forbidden"`) { // the first of these is an error
			d.t.Errorf("logged: %s", line)
		}
	}
	if web := d.web.String(); strings.Contains(web, "panic") || strings.Contains(web, "superfluous") || strings.Contains(web, "hijacked") {
		d.t.Errorf("net/http logged: %s", web)
	}
}

// listen makes the HTTP server that the hostile clients connect to.
func (d *door) listen() (*pipeListener, *http.Server) {
	l := newPipeListener()
	server := &http.Server{
		Handler:           d.srv,
		ErrorLog:          log.New(&d.web, "", 0),
		ReadHeaderTimeout: time.Second,
		ReadTimeout:       4 * time.Second,
		IdleTimeout:       2 * time.Second,
		MaxHeaderBytes:    4 << 10,
	}
	go func() { _ = server.Serve(l) }()
	return l, server
}
