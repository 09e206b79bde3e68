package framework_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// Promise 3.

type greeter struct {
	framework.Namespace
	release chan struct{}
	result  chan error
	pinged  chan struct{}
}

func (g *greeter) OnConnect(ctx context.Context, s *framework.Socket, auth struct{ Refuse, Wait bool }) error {
	s.Join("early")
	s.Emit("held", 1)
	g.Emit("all", 2)
	g.To("early").Emit("room", 3)
	_, err := s.EmitWithAck(ctx, "question")
	if g.result != nil {
		g.result <- err
	}
	if auth.Wait {
		select {
		case <-g.release:
		case <-ctx.Done():
			g.result <- context.Cause(ctx)
		}
	}
	if auth.Refuse {
		return framework.Refuse("not you", map[string]int{"code": 7})
	}
	return nil
}

func (g *greeter) OnPing(s *framework.Socket) {
	if s.Connected() {
		close(g.pinged)
	}
}

func TestPromise03WhatOnConnectEmitsIsHeldUntilConnected(t *testing.T) {
	srv := quiet()
	srv.Register("/", &greeter{})
	client := sockettest.Connect(t, srv, "/") // fails on an event before CONNECT
	for i, want := range []string{"held", "all", "room"} {
		e := client.Next()
		equal(t, "event", e.Name, want)
		equal(t, "args", e.Args.JSON(), []string{"[1]", "[2]", "[3]"}[i])
	}
}

func TestPromise03RefusalDropsWhatWasHeldAndUndoesRooms(t *testing.T) {
	srv := quiet()
	g := &greeter{}
	srv.Register("/", g)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	refusal := conn.Refused("/", map[string]bool{"refuse": true})
	equal(t, "message", refusal.Message, "not you")
	equal(t, "data", string(refusal.Data), `{"code":7}`)
	equal(t, "rooms", len(g.Rooms()), 0)
	equal(t, "sockets", len(g.Sockets()), 0)
	conn.Join("/") // the connection lives, and what was held never came
}

func TestPromise03EmitWithAckBeforeConnectedFailsAtOnce(t *testing.T) {
	srv := quiet()
	g := &greeter{result: make(chan error, 1)}
	srv.Register("/", g)
	sockettest.Connect(t, srv, "/")
	if err := receive(t, g.result); !errors.Is(err, framework.ErrNotConnected) {
		t.Errorf("got %v, want ErrNotConnected", err)
	}
}

func TestPromise03EventsWhileConnectingAreQueuedAndASecondConnectIsRefused(t *testing.T) {
	srv := quiet()
	g := &greeter{release: make(chan struct{}), result: make(chan error, 2), pinged: make(chan struct{})}
	srv.Register("/", g)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send(`0{"wait":true}`)
	receive(t, g.result)
	conn.Send(`2["ping"]`)
	equal(t, "second CONNECT", conn.Refused("/").Message, "Already connecting")
	close(g.release)
	receive(t, g.pinged)
}

func TestPromise03ALeaveCancelsTheConnect(t *testing.T) {
	srv := quiet()
	g := &greeter{release: make(chan struct{}), result: make(chan error, 2)}
	srv.Register("/", g)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send(`0{"wait":true}`)
	receive(t, g.result)
	conn.Send(`1`)
	if err := receive(t, g.result); !errors.Is(err, framework.ClientNamespaceDisconnect) {
		t.Errorf("cause: got %v, want %v", err, framework.ClientNamespaceDisconnect)
	}
}

// Promise 4.

type userKey struct{}

func TestPromise04ContextValuesLastAndTheRequestDoesNot(t *testing.T) {
	withUser := func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(context.WithValue(ctx, userKey{}, "ann"))
				defer cancel() // the values last, the cancellation does not
			}
			return next.ServeEvent(ctx, e)
		})
	}
	type answer struct{ User, Tenant, Header string }
	cause := make(chan error, 1)
	srv := quiet()
	srv.Use(withUser)
	srv.On("who", func(ctx context.Context, s *framework.Socket) (answer, error) {
		user, _ := ctx.Value(userKey{}).(string)
		return answer{user, chi.URLParamFromCtx(ctx, "tenant"), s.Handshake().Header().Get("X-Test")}, ctx.Err()
	})
	srv.On("disconnect", func(ctx context.Context, s *framework.Socket) {
		if ctx.Err() != nil {
			t.Error("OnDisconnect has no live context")
		}
		if user, _ := ctx.Value(userKey{}).(string); user != "ann" {
			t.Errorf("OnDisconnect: user %q", user)
		}
		if framework.EventFrom(s.Context()) != nil {
			t.Error("Socket.Context belongs to an event")
		}
		cause <- context.Cause(s.Context())
	})
	r := chi.NewRouter()
	r.Mount("/{tenant}/socket.io", srv)

	header := http.Header{"X-Test": {"kept"}}
	client := sockettest.Dial(t, r, sockettest.Options{Path: "/acme/socket.io/", Header: header}).Join("/")
	other := sockettest.Dial(t, r, sockettest.Options{Path: "/other/socket.io/"}).Join("/")
	var got answer
	client.Call("who").Decode(0, &got)
	equal(t, "first", got, answer{"ann", "acme", "kept"})
	other.Call("who").Decode(0, &got)
	equal(t, "second", got.Tenant, "other")

	client.Conn().Cut()
	if err := receive(t, cause); !errors.Is(err, framework.TransportClose) {
		t.Errorf("cause: got %v, want %v", err, framework.TransportClose)
	}
}

// Promise 5.

type leaver struct {
	framework.Namespace
	seen chan seen
}

type seen struct {
	reason   framework.Reason
	rooms    []string
	value    int
	query    string
	listed   int
	received bool
}

var counter = framework.NewKey[int]("counter")

func (l *leaver) OnConnect(s *framework.Socket) { s.Join("a", "b"); counter.Set(s, 42) }
func (l *leaver) OnSlow(release *bool)          {}
func (l *leaver) OnLeaveNow(s *framework.Socket) error {
	s.Disconnect()
	return s.Emit("too late")
}
func (l *leaver) OnCloseNow(s *framework.Socket) { s.Close() }
func (l *leaver) OnDisconnect(s *framework.Socket, reason framework.Reason) {
	value, _ := counter.Get(s)
	l.seen <- seen{
		reason: reason, rooms: s.Rooms()[1:], value: value, query: s.Handshake().Query().Get("q"),
		listed: len(l.Sockets()) + len(l.Rooms()), received: s.Emit("x") == nil || s.Connected(),
	}
}

func TestPromise05OnDisconnectRunsOnceWithEverythingStillReadable(t *testing.T) {
	tests := []struct {
		name string
		end  func(*sockettest.Socket)
		want framework.Reason
	}{
		{"client leaves", func(s *sockettest.Socket) { s.Leave() }, "client namespace disconnect"},
		{"client closes", func(s *sockettest.Socket) { s.Conn().Close() }, "transport close"},
		{"network fails", func(s *sockettest.Socket) { s.Conn().Cut() }, "transport close"},
		{"server disconnects", func(s *sockettest.Socket) { s.Emit("leave_now") }, "server namespace disconnect"},
		{"server closes", func(s *sockettest.Socket) { s.Emit("close_now") }, "server namespace disconnect"},
		{"client sends rubbish", func(s *sockettest.Socket) { s.Conn().Send("rubbish") }, "forced close"},
		{"client is out of turn", func(s *sockettest.Socket) { s.Conn().Send(`2/nowhere,["x"]`) }, "forced server close"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &leaver{seen: make(chan seen, 2)}
			srv := quiet()
			srv.Register("/", l)
			client := sockettest.Dial(t, srv, sockettest.Options{Query: map[string][]string{"q": {"1"}}}).Join("/")
			tt.end(client)
			got := receive(t, l.seen)
			slices.Sort(got.rooms)
			equal(t, "reason", got.reason, tt.want)
			if !slices.Equal(got.rooms, []string{"a", "b"}) {
				t.Errorf("rooms: got %v, want [a b]", got.rooms)
			}
			equal(t, "session value", got.value, 42)
			equal(t, "handshake", got.query, "1")
			equal(t, "listed", got.listed, 0)
			equal(t, "delivered to", got.received, false)
			if err := srv.Shutdown(t.Context()); err != nil { // after which nothing is left to run
				t.Error(err)
			}
			equal(t, "calls more", len(l.seen), 0)
		})
	}
}

func TestPromise05APanicInOnDisconnectKeepsNothingFromFinishing(t *testing.T) {
	other := make(chan string, 1)
	srv := quiet()
	srv.On("connect", func(s *framework.Socket) { s.Join("r") })
	srv.On("disconnect", func() { panic("boom") })
	srv.Route("/other", func(r *framework.Router) {
		r.On("disconnect", func() { other <- "ran" })
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Join("/")
	conn.Join("/other")
	conn.Cut()
	receive(t, other)
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "rooms left", len(srv.Of("/").Rooms()), 0)
}

// Promise 7.

func TestPromise07ALeaveStandsBehindTheEventsSentBefore(t *testing.T) {
	log := make(chan string, 10)
	gate := make(chan struct{})
	srv := quiet()
	srv.On("step", func(n string) { <-gate; log <- n })
	srv.On("disconnect", func() { log <- "gone" })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("step", "1")
	client.Emit("step", "2")
	client.Leave()
	close(gate)
	for _, want := range []string{"1", "2", "gone"} {
		equal(t, "order", receive(t, log), want)
	}
}

func TestPromise07EventsAlreadyReadStillRunAfterTheTransportIsLost(t *testing.T) {
	log := make(chan string, 10)
	gate, read := make(chan struct{}), make(chan struct{})
	srv := quiet()
	srv.On("first", func(s *framework.Socket) { <-gate; <-s.Context().Done(); log <- "first" })
	srv.On("second", func() { log <- "second" })
	srv.On("disconnect", func() { log <- "gone" })
	srv.Route("/other", func(r *framework.Router) { r.On("mark", func() { close(read) }) })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	client, other := conn.Join("/"), conn.Join("/other")
	client.Emit("first")
	client.Emit("second")
	other.Emit("mark") // read behind the two
	receive(t, read)
	conn.Cut()
	close(gate)
	for _, want := range []string{"first", "second", "gone"} {
		equal(t, "order", receive(t, log), want)
	}
}

func TestPromise07DisconnectInAHandlerReturnsAtOnceAndDropsWhatIsQueued(t *testing.T) {
	gate, read := make(chan struct{}), make(chan struct{})
	gone := make(chan string, 2)
	srv := quiet()
	srv.On("kick", func(s *framework.Socket) {
		<-gate
		s.Emit("last words")
		s.Disconnect()
		s.Disconnect()
		if err := s.Emit("more"); !errors.Is(err, framework.ErrClosed) {
			t.Errorf("emit after it: got %v, want ErrClosed", err)
		}
	})
	srv.On("queued", func() { t.Error("a queued event ran") })
	srv.On("disconnect", func(r framework.Reason) { gone <- string(r) })
	srv.Route("/other", func(r *framework.Router) { r.On("mark", func() { close(read) }) })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	client, other := conn.Join("/"), conn.Join("/other")
	client.Emit("kick")
	client.Emit("queued")
	other.Emit("mark")
	receive(t, read)
	close(gate)
	client.Expect("last words")
	equal(t, "client", client.Disconnected(), "io server disconnect")
	equal(t, "reason", receive(t, gone), "server namespace disconnect")
	other.ExpectNone() // the connection lives
}

func TestALeaveIsOneWhateverBecomesOfTheConnectionThen(t *testing.T) {
	gate := make(chan struct{})
	reasons := make(chan framework.Reason, 1)
	srv := quiet()
	srv.On("slow", func(s *framework.Socket) {
		<-s.Context().Done() // the connection is lost while the leave waits in line
		<-gate
	})
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("slow")
	client.Leave()
	client.Conn().Cut()
	close(gate)
	equal(t, "reason", receive(t, reasons), framework.ClientNamespaceDisconnect)
}

func TestALoggerThatConnectMiddlewareAddedToIsTheHandlers(t *testing.T) {
	srv, buf := logged()
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				zerolog.Ctx(ctx).UpdateContext(func(c zerolog.Context) zerolog.Context { return c.Str("user", "ann") })
			}
			return next.ServeEvent(ctx, e)
		})
	})
	srv.On("note", func(ctx context.Context) { zerolog.Ctx(ctx).Info().Msg("noted") })
	sockettest.Connect(t, srv, "/").Call("note")
	for line := range strings.Lines(buf.String()) {
		if strings.Contains(line, "noted") && !strings.Contains(line, `"user":"ann"`) {
			t.Errorf("got %s, want the user in it", line)
		}
	}
}

func TestTheContextOfARefusedConnectSaysWhy(t *testing.T) {
	causes := make(chan error, 1)
	srv := quiet()
	srv.On("connect", func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { causes <- context.Cause(ctx) })
		return framework.Refuse("no")
	})
	sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
	equal(t, "cause", receive(t, causes), error(framework.ServerNamespaceDisconnect))
}
