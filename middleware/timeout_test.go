package middleware_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

func TestTimeoutEndsTheContextOfAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := newServer(zerolog.Disabled)
		srv.Use(middleware.Timeout(3 * time.Second))
		var failure error
		srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
			failure = err
			return []any{"too slow"}, true
		})
		srv.On("wait", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})

		s := sockettest.Connect(t, srv, "/")
		start := time.Now()
		if got, want := s.Call("wait").JSON(), `["too slow"]`; got != want {
			t.Errorf("got the ack %s, want %s", got, want)
		}
		if got, want := time.Since(start), 3*time.Second; got != want {
			t.Errorf("the context ended after %v, want %v", got, want)
		}
		if !errors.Is(failure, context.DeadlineExceeded) {
			t.Errorf("OnError got %v, want %v", failure, context.DeadlineExceeded)
		}
	})
}

func TestTimeoutAbandonsNoHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := newServer(zerolog.Disabled)
		srv.Use(middleware.Timeout(time.Second))
		release := make(chan struct{})
		var order []string
		srv.On("stubborn", func() string {
			<-release
			order = append(order, "stubborn")
			return "done"
		})
		srv.On("next", func() { order = append(order, "next") })

		s := sockettest.Connect(t, srv, "/")
		stubborn, next := s.EmitWithAck("stubborn"), s.EmitWithAck("next")
		time.AfterFunc(3*time.Second, func() { close(release) })
		if got, want := stubborn.Wait().JSON(), `["done"]`; got != want {
			t.Errorf("got the ack %s, want %s", got, want)
		}
		next.Wait()
		if len(order) != 2 || order[0] != "stubborn" {
			t.Errorf("handlers ran in the order %q, want the stubborn one first", order)
		}
	})
}

func TestTimeoutHasNoHoldOnTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := newServer(zerolog.Disabled)
		srv.Use(middleware.AtConnect(middleware.Timeout(time.Second)))
		srv.On("connect", func(ctx context.Context) error {
			if _, ok := ctx.Deadline(); !ok {
				return framework.Refuse("no deadline at connect")
			}
			return nil
		})
		srv.On("later", func(ctx context.Context) (bool, error) {
			_, ok := ctx.Deadline()
			return ok, ctx.Err()
		})

		s := sockettest.Connect(t, srv, "/")
		time.Sleep(time.Minute) // the bubble's clock: beyond the deadline of the connect
		if got, want := s.Call("later").JSON(), `[false]`; got != want {
			t.Errorf("got %s, want %s: the connect's deadline stays with the connect", got, want)
		}
	})
}

func TestTimeoutPanicsWithoutADuration(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Second} {
		t.Run(d.String(), func(t *testing.T) {
			defer func() {
				want := "middleware: Timeout(" + d.String() + "): want a positive duration, or no Timeout"
				if got := recover(); got != want {
					t.Errorf("got the panic %v, want %q", got, want)
				}
			}()
			middleware.Timeout(d)
		})
	}
}
