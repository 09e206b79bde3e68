package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

type user struct{ Name string }

// byToken knows ann.
func byToken(_ context.Context, e *framework.Event) (user, error) {
	switch token := middleware.BearerToken(e); token {
	case "ann's":
		return user{"ann"}, nil
	case "expired":
		return user{}, framework.Refuse("token expired", "log in again")
	default:
		return user{}, fmt.Errorf("token %q is unknown", token)
	}
}

// club tells in every way who is speaking.
type club struct {
	framework.Namespace
	left chan string
}

func (c *club) OnConnect(ctx context.Context, s *framework.Socket) error {
	return s.Emit("hello", name(ctx))
}

func (c *club) OnWhoami(ctx context.Context) string { return name(ctx) }

func (c *club) OnAsk(s *framework.Socket) error {
	return s.Emit("question", func(ctx context.Context) { s.Emit("answered", name(ctx)) })
}

func (c *club) OnDisconnect(ctx context.Context) { c.left <- name(ctx) }

func name(ctx context.Context) string {
	u, ok := middleware.User[user](ctx)
	return fmt.Sprint(u.Name, " ", ok)
}

func TestAuthGivesTheUserToWhateverFollows(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	c := &club{left: make(chan string, 1)}
	srv.Register("/club", c, middleware.Auth(byToken))

	s := sockettest.Connect(t, srv, "/club", map[string]string{"token": "ann's"})
	const want = "ann true"
	if got := s.Expect("hello").Args.String(0); got != want {
		t.Errorf("OnConnect: got the user %q, want %q", got, want)
	}
	if got := s.Call("whoami").String(0); got != want {
		t.Errorf("an event: got the user %q, want %q", got, want)
	}
	s.Emit("ask")
	s.Expect("question").Ack()
	if got := s.Expect("answered").Args.String(0); got != want {
		t.Errorf("an ack callback: got the user %q, want %q", got, want)
	}
	sockets := c.Sockets()
	if len(sockets) != 1 {
		t.Fatalf("got %d sockets, want 1", len(sockets))
	}
	if got := name(sockets[0].Context()); got != want {
		t.Errorf("Socket.Context: got the user %q, want %q", got, want)
	}
	s.Leave()
	if got := <-c.left; got != want {
		t.Errorf("OnDisconnect: got the user %q, want %q", got, want)
	}
}

func TestAuthRefuses(t *testing.T) {
	tests := []struct {
		name   string
		auth   any
		want   string
		data   string
		logged int // lines at warn
	}{
		{"with a fixed text for errors of the program", map[string]string{"token": "bob's"}, "unauthorized", "", 1},
		{"without a token", nil, "unauthorized", "", 1},
		{"with what was meant for the client", map[string]string{"token": "expired"}, "token expired", `"log in again"`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, log := newServer(zerolog.InfoLevel)
			srv.Use(middleware.Logger)
			srv.Register("/club", &club{left: make(chan string, 1)}, middleware.Auth(byToken))
			var auth []any
			if tt.auth != nil {
				auth = []any{tt.auth}
			}
			refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/club", auth...)
			if refusal.Message != tt.want || string(refusal.Data) != tt.data {
				t.Errorf("got %v, want the message %q and the data %s", refusal, tt.want, tt.data)
			}
			if got := log.with(t, "message", "client not authorized"); len(got) != tt.logged {
				t.Errorf("got the warnings %v, want %d", got, tt.logged)
			}
			if got := log.with(t, "message", "connect refused"); len(got) != 1 || got[0]["error"] == "unauthorized" {
				t.Errorf("Logger wrote %v, want one line with the cause", got)
			}
		})
	}
}

// An attack must not fill the disk.
func TestAuthWarnsOfSoManyRefusalsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, log := newServer(zerolog.InfoLevel)
		srv.Register("/club", &club{left: make(chan string, 1)}, middleware.Auth(byToken))
		refuse := func(times int) {
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			for range times {
				conn.Refused("/club")
			}
			conn.Close()
		}
		refuse(100)
		if got := len(log.with(t, "message", "client not authorized")); got != 60 {
			t.Errorf("got %d lines of 100 refusals, want 60", got)
		}
		time.Sleep(time.Second)
		refuse(2)
		got := log.with(t, "message", "client not authorized")
		if last := got[len(got)-1]; len(got) != 61 || fmt.Sprint(last["unsaid"]) != "40" {
			t.Errorf("got %d lines a second later, the last %v: want 61, and 40 unsaid", len(got), last)
		}
	})
}

func TestAuthAsksOncePerNamespace(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	asked := 0
	srv.Use(middleware.Auth(func(context.Context, *framework.Event) (user, error) {
		asked++
		return user{"ann"}, nil
	}))
	whoami := func(ctx context.Context) string { return name(ctx) }
	srv.On("whoami", whoami)
	srv.Route("/club", func(r *framework.Router) { r.On("whoami", whoami) })

	c := sockettest.Dial(t, srv, sockettest.Options{})
	for _, path := range []string{"/", "/club"} {
		s := c.Join(path)
		s.Call("whoami")
		s.Call("whoami")
	}
	if asked != 2 {
		t.Errorf("verify ran %d times, want once for each namespace joined", asked)
	}
}

func TestUserIsFalseForAnotherType(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	srv.Use(middleware.Auth(byToken))
	srv.On("whoami", func(ctx context.Context) (bool, bool) {
		_, value := middleware.User[user](ctx)
		_, pointer := middleware.User[*user](ctx)
		return value, pointer
	})
	s := sockettest.Connect(t, srv, "/", map[string]string{"token": "ann's"})
	if got, want := s.Call("whoami").JSON(), `[true,false]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, ok := middleware.User[user](t.Context()); ok {
		t.Error("User found one in a context without any")
	}
}

func TestAuthPanicsWithoutAFunction(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Auth(nil) did not panic")
		}
	}()
	middleware.Auth[user](nil)
}

func TestBearerTokenComesFromPayloadOrHeader(t *testing.T) {
	tests := []struct {
		name   string
		auth   any
		header string
		want   string
	}{
		{"payload", map[string]string{"token": "p"}, "", "p"},
		{"header", nil, "Bearer h", "h"},
		{"header in other cases", nil, "bearer  h ", "h"},
		{"payload before header", map[string]string{"token": "p"}, "Bearer h", "p"},
		{"empty payload", map[string]string{"token": ""}, "Bearer h", "h"},
		{"payload of another type", map[string]int{"token": 1}, "Bearer h", "h"},
		{"payload that is no object", []string{"token"}, "Bearer h", "h"},
		{"another scheme", nil, "Basic aDpo", ""},
		{"no token in the header", nil, "Bearer", ""},
		{"nothing", nil, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, _ := newServer(zerolog.Disabled)
			srv.Use(middleware.Auth(func(_ context.Context, e *framework.Event) (string, error) {
				return middleware.BearerToken(e), nil
			}))
			srv.On("token", func(ctx context.Context) (string, error) {
				token, ok := middleware.User[string](ctx)
				if !ok {
					return "", errors.New("no user")
				}
				return token, nil
			})
			opts := sockettest.Options{}
			if tt.header != "" {
				opts.Header = http.Header{"Authorization": {tt.header}}
			}
			var auth []any
			if tt.auth != nil {
				auth = []any{tt.auth}
			}
			s := sockettest.Dial(t, srv, opts).Join("/", auth...)
			if got := s.Call("token").String(0); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
