package framework_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// TestAContextThatEndsWithItsClientIsNoFailure is about what a handler was doing for a
// client that went: 10,000 that vanish are not to be 10,000 errors in the log.
func TestAContextThatEndsWithItsClientIsNoFailure(t *testing.T) {
	tests := []struct {
		name string
		wait func(ctx context.Context, s *framework.Socket) error
		fine bool
	}{
		{"canceled", func(ctx context.Context, _ *framework.Socket) error {
			<-ctx.Done()
			return fmt.Errorf("query: %w", ctx.Err())
		}, true},
		{"its cause", func(ctx context.Context, _ *framework.Socket) error { <-ctx.Done(); return context.Cause(ctx) }, true},
		{"a call to the client", func(ctx context.Context, s *framework.Socket) error {
			_, err := framework.Call[int](ctx, s, "how many")
			return err
		}, true},
		{"another context", func(ctx context.Context, _ *framework.Socket) error {
			<-ctx.Done()
			other, cancel := context.WithTimeout(context.Background(), 0)
			defer cancel()
			return other.Err()
		}, false},
		{"another failure", func(ctx context.Context, _ *framework.Socket) error { <-ctx.Done(); return errors.New("disk full") }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, log := logged()
			begun, gone := make(chan struct{}), make(chan struct{})
			srv.On("work", func(ctx context.Context, s *framework.Socket) error {
				close(begun)
				return tt.wait(ctx, s)
			})
			srv.On("disconnect", func() { close(gone) })
			client := sockettest.Connect(t, srv, "/")
			client.Emit("work")
			receive(t, begun)
			client.Conn().Cut()
			receive(t, gone)
			equal(t, "a debug line", strings.Contains(log.String(), "client went away meanwhile"), tt.fine)
			equal(t, "an error", strings.Contains(log.String(), `"level":"error"`), !tt.fine)
		})
	}
}

func TestAConnectThatEndsWithItsClientIsNoFailure(t *testing.T) {
	srv, log := logged()
	begun, over := make(chan struct{}), make(chan struct{})
	srv.On("connect", func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		defer close(over)
		return fmt.Errorf("query: %w", ctx.Err())
	})
	srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) {
		t.Error("OnError saw it")
		return nil, false
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0")
	receive(t, begun)
	conn.Cut()
	receive(t, over)
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "client went away while it was connecting") {
		t.Errorf("no debug line:\n%s", log)
	}
}

// The end of a connection that was closed for what it owes is told on another goroutine:
// a handler may know of it first.
func TestErrClosedOfAClientThatIsJustBeingClosedIsNoFailure(t *testing.T) {
	var log logBuffer
	srv := unhurried(framework.Options{Logger: zerolog.New(&log), Transport: transport.Options{MaxSendBuffer: 1 << 14}})
	const clients = 20
	gone := make(chan struct{}, clients)
	srv.On("more", func(s *framework.Socket) error {
		text := strings.Repeat("x", 1<<16)
		for {
			if err := s.Emit("text", text); err != nil {
				return err
			}
		}
	})
	srv.On("disconnect", func() { gone <- struct{}{} })
	for range clients {
		client := sockettest.Connect(t, srv, "/")
		client.Emit("more")
		receive(t, gone)
	}
	if text := log.String(); strings.Contains(text, `"level":"error"`) {
		t.Errorf("an error was logged:\n%.500s", text)
	}
}
