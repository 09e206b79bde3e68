package framework_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// What middleware sees and decides while a client connects.

// atConnect is middleware that runs f before OnConnect. What f returns refuses.
func atConnect(f func(ctx context.Context, s *framework.Socket) error) framework.Middleware {
	return func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				if err := f(ctx, e.Socket); err != nil {
					return nil, err
				}
			}
			return next.ServeEvent(ctx, e)
		})
	}
}

func TestConnectMiddlewareRunsInOrderBeforeOnConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		slow := func(name string) framework.Middleware {
			return atConnect(func(_ context.Context, s *framework.Socket) error {
				time.Sleep(50 * time.Millisecond) // on the bubble's clock
				log = append(log, name)
				if n := len(s.Namespace().Sockets()); n > 0 || s.Connected() {
					t.Errorf("%s: the socket is connected: %v, and listed: %d", name, s.Connected(), n)
				}
				s.Join("early")
				return nil
			})
		}
		srv := quiet()
		srv.Use(slow("server"))
		for _, path := range []string{"/chat", "/other"} {
			srv.Route(path, func(r *framework.Router) {
				r.Use(slow("first of "+path), slow("second of "+path))
				r.On("connect", func() { log = append(log, "connect to "+path) })
			})
		}
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		began := time.Now()
		chat := conn.Join("/chat")
		want := []string{"server", "first of /chat", "second of /chat", "connect to /chat"}
		if !slices.Equal(log, want) {
			t.Errorf("got %q, want %q", log, want)
		}
		equal(t, "connected after", time.Since(began), 150*time.Millisecond)
		s, _ := srv.Of("/chat").Socket(chat.ID())
		equal(t, "connected", s.Connected(), true)

		// A room that middleware joins is one like any.
		if err := srv.Of("/chat").To("early").Emit("hello"); err != nil {
			t.Error(err)
		}
		chat.Expect("hello")
	})
}

func TestConnectMiddlewareRefuses(t *testing.T) {
	tests := []struct {
		name          string
		err           error
		message, data string
	}{
		{"with a message", framework.Refuse("Authentication error"), "Authentication error", ""},
		{"with data", framework.Refuse("no", map[string]any{"code": 7, "why": []string{"a"}}), "no", `{"code":7,"why":["a"]}`},
		{"with an error of its own", errors.New("a secret"), "Internal server error", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := quiet()
			srv.Route("/chat", func(r *framework.Router) {
				r.Use(atConnect(func(_ context.Context, s *framework.Socket) error {
					s.Join("early")
					return tt.err
				}))
				r.Use(atConnect(func(context.Context, *framework.Socket) error {
					t.Error("the next middleware ran")
					return nil
				}))
				r.On("connect", func() { t.Error("OnConnect ran") })
				r.On("disconnect", func() { t.Error("OnDisconnect ran") })
			})
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			refusal := conn.Refused("/chat")
			equal(t, "message", refusal.Message, tt.message)
			equal(t, "data", string(refusal.Data), tt.data)
			equal(t, "rooms", len(srv.Of("/chat").Rooms()), 0)
			equal(t, "sockets", len(srv.Of("/chat").Sockets()), 0)
			conn.Join("/") // of which the middleware is not
		})
	}
}

// Middleware that looks at its context refuses who is gone. Who is let in all the same
// connects and disconnects, as what it has sent is to be served.
func TestAClientThatIsLostWhileMiddlewareRuns(t *testing.T) {
	tests := []struct {
		name  string
		after func(ctx context.Context) error
		want  []string
	}{
		{"is refused", context.Cause, []string{"transport close"}},
		{"is let in", func(context.Context) error { return nil }, []string{"transport close", "connect", "event", "disconnect"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log, started := make(chan string, 10), make(chan struct{})
			srv := quiet()
			srv.Use(atConnect(func(ctx context.Context, _ *framework.Socket) error {
				close(started)
				<-ctx.Done()
				log <- context.Cause(ctx).Error()
				return tt.after(ctx)
			}))
			srv.On("connect", func() { log <- "connect" })
			srv.On("event", func() { log <- "event" })
			srv.On("disconnect", func() { log <- "disconnect" })
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			conn.Send("0")
			conn.Send(`2["event"]`)
			receive(t, started)
			conn.Refused("/nowhere") // all has been read
			conn.Cut()
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			close(log)
			var got []string
			for line := range log {
				reason, _, _ := strings.Cut(line, ":")
				got = append(got, reason)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			equal(t, "sockets", len(srv.Of("/").Sockets()), 0)
		})
	}
}

func TestAnErrorOfEventMiddlewareGoesToOnError(t *testing.T) {
	failure := errors.New("not on Sundays")
	srv := quiet()
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Name == "order" {
				return nil, failure
			}
			return next.ServeEvent(ctx, e)
		})
	})
	srv.OnError(func(_ context.Context, e *framework.Event, err error) ([]any, bool) {
		return []any{e.Name, errors.Is(err, failure)}, true
	})
	srv.On("order", func() { t.Error("the handler ran") })
	srv.On("other", func() {})
	client := sockettest.Connect(t, srv, "/")
	equal(t, "ack", client.Call("order").JSON(), `["order",true]`)
	client.Call("other")
}
