package middleware_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

// kitchen serves a slow event, and counts how often at a time.
type kitchen struct{ now, most, served atomic.Int32 }

func (k *kitchen) cook() string {
	k.most.Store(max(k.most.Load(), k.now.Add(1)))
	defer k.now.Add(-1)
	time.Sleep(time.Second)
	k.served.Add(1)
	return "done"
}

const busy = `[{"error":{"message":"server busy"}}]`

func TestConcurrencyBoundsHandlers(t *testing.T) {
	tests := []struct {
		name   string
		wait   time.Duration
		served int // of 5 that come at once, where two at a time take a second
	}{
		{"waiting as long as it takes", -1, 5},
		{"waiting for a while", 1500 * time.Millisecond, 4},
		{"not waiting", 0, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, _ := newServer(zerolog.Disabled)
				k := new(kitchen)
				srv.Use(middleware.Concurrency(2, tt.wait))
				srv.On("cook", k.cook)
				srv.Route("/other", func(r *framework.Router) { r.On("cook", k.cook) })

				var sockets []*sockettest.Socket
				for _, path := range []string{"/", "/other", "/", "/other", "/"} { // counted together
					sockets = append(sockets, sockettest.Connect(t, srv, path))
				}
				var calls []*sockettest.Pending
				for _, s := range sockets {
					calls = append(calls, s.EmitWithAck("cook"))
				}
				served := 0
				for _, call := range calls {
					switch got := call.Wait().JSON(); got {
					case `["done"]`:
						served++
					case busy:
					default:
						t.Errorf("got %s", got)
					}
				}
				if served != tt.served || k.most.Load() > 2 {
					t.Errorf("%d were served and %d at a time, want %d and 2", served, k.most.Load(), tt.served)
				}
			})
		})
	}
}

func TestConcurrencyAtConnectRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := newServer(zerolog.Disabled)
		srv.Use(middleware.AtConnect(middleware.Concurrency(1, 0)))
		k := new(kitchen)
		srv.On("connect", func() { k.cook() })
		srv.On("cook", k.cook)

		first, second := sockettest.Dial(t, srv, sockettest.Options{}), sockettest.Dial(t, srv, sockettest.Options{})
		first.Send("0") // joins, and takes a second
		synctest.Wait()
		if got, want := second.Refused("/").Message, "server busy"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		second.Join("/").Call("cook")
	})
}

func TestATurnIsGivenBackByAHandlerThatPanics(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	srv.Use(middleware.Concurrency(1, 0))
	srv.On("panic", func() { panic("boom") })
	srv.On("fine", func() string { return "fine" })
	s := sockettest.Connect(t, srv, "/")
	s.Emit("panic")
	if got, want := s.Call("fine").JSON(), `["fine"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	for name, deadline := range map[string]time.Duration{"deadline": time.Minute, "client gone": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, _ := newServer(zerolog.Disabled)
				failures := make(chan error, 2)
				srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
					failures <- err
					return nil, false
				})
				note := make(chan error, 2)
				srv.Use(func(next framework.Handler) framework.Handler {
					return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
						reply, err := next.ServeEvent(ctx, e)
						if e.Name == "wait" && err != nil {
							note <- err
						}
						return reply, err
					})
				})
				if deadline > 0 {
					srv.Use(middleware.Timeout(deadline))
				}
				srv.Use(middleware.Concurrency(1, -1))
				release := make(chan struct{})
				srv.On("hold", func() { <-release })
				srv.On("wait", func() { t.Error("served without a turn") })

				holder, waiter := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
				holder.Emit("hold")
				synctest.Wait()
				start := time.Now()
				waiter.Emit("wait")
				synctest.Wait()
				if deadline == 0 {
					waiter.Conn().Cut()
				}
				err := <-note
				if deadline > 0 {
					if public, ok := errors.AsType[*framework.Error](err); !ok || public.Message != "server busy" || time.Since(start) != deadline {
						t.Errorf("got %v after %v, want server busy after %v", err, time.Since(start), deadline)
					}
				} else if !errors.Is(err, framework.ErrClosed) {
					t.Errorf("got %v, want %v", err, framework.ErrClosed)
				}
				close(release)
				synctest.Wait()
				if deadline == 0 && len(failures) > 0 {
					t.Errorf("OnError saw %v: that a client goes is no failure", <-failures)
				}
			})
		})
	}
}

func TestConcurrencyPanicsWithoutHandlers(t *testing.T) {
	defer func() {
		want := "middleware: Concurrency(0, 1s): want at least 1 handler at a time, or no Concurrency"
		if got := recover(); got != want {
			t.Errorf("got the panic %v, want %q", got, want)
		}
	}()
	middleware.Concurrency(0, time.Second)
}
