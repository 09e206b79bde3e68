package middleware_test

import (
	"context"
	"slices"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

func TestAtConnectLetsEventsPass(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	var seen []string
	note := func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			seen = append(seen, e.Name)
			return next.ServeEvent(ctx, e)
		})
	}
	srv.Use(middleware.AtConnect(note))
	srv.On("join", func() {})

	s := sockettest.Connect(t, srv, "/")
	s.Call("join")
	s.Emit("unknown")
	s.Call("join")
	if want := []string{"connect"}; !slices.Equal(seen, want) {
		t.Errorf("the middleware saw %q, want %q", seen, want)
	}
}

func TestAtConnectPanicsWithoutMiddleware(t *testing.T) {
	defer func() {
		if got, want := recover(), "middleware: AtConnect(nil): want a middleware"; got != want {
			t.Errorf("got the panic %v, want %q", got, want)
		}
	}()
	middleware.AtConnect(nil)
}
