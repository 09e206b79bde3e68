package framework_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// What is left of middleware where Recovery.SkipMiddleware skips it.

type requestKey struct{}

// labelled has the header X-Label of a request in its context.
func labelled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, r.Header.Get("X-Label"))))
	})
}

func TestWhoRecoversHasTheValuesOfItsOwnRequest(t *testing.T) {
	srv := recoveringBehind(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				ctx = context.WithValue(ctx, userKey{}, "ann")
			}
			return next.ServeEvent(ctx, e)
		})
	}, func(o *framework.Options) { o.Recovery.SkipMiddleware = true })
	values := func(ctx context.Context) string {
		return fmt.Sprint(ctx.Value(requestKey{}), " ", ctx.Value(userKey{}))
	}
	connects := make(chan string, 10)
	srv.On("connect", func(ctx context.Context) { connects <- values(ctx) })
	srv.On("values", values)
	dial := func(label string) *sockettest.Conn {
		return sockettest.Dial(t, labelled(srv), sockettest.Options{Header: http.Header{"X-Label": {label}}})
	}
	client := dial("request 1").Join("/")
	equal(t, "at connect", receive(t, connects), "request 1 ann")
	for i := 2; i < 5; i++ {
		old := srv.cut(t, client)
		client = dial(fmt.Sprint("request ", i)).Recover(client)
		recovered(t, client, true)
		want := fmt.Sprintf("request %d ann", i)
		equal(t, "at connect", receive(t, connects), want)
		equal(t, "at an event", client.Call("values").String(0), want)
		equal(t, "of the old socket", values(old.Context()), fmt.Sprintf("request %d ann", i-1))
	}
}

func TestAtRecoveryStandsInForMiddleware(t *testing.T) {
	log := make(chan string, 20)
	mw := func(name string) framework.Middleware {
		return func(next framework.Handler) framework.Handler {
			return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
				if e.Kind() != framework.KindConnect {
					return next.ServeEvent(ctx, e)
				}
				log <- name
				return next.ServeEvent(framework.AtRecovery(ctx, func(ctx context.Context, s *framework.Socket) error {
					equal(t, "socket", framework.EventFrom(ctx).Socket, s)
					equal(t, "recovered", s.Recovered(), true)
					log <- name + " again"
					var auth struct{ Fail string }
					if s.Auth().Len() > 0 && s.Auth().Decode(0, &auth) == nil && auth.Fail == name {
						return framework.Refuse("not you")
					}
					if auth.Fail == "server" {
						return errors.New("a secret")
					}
					return nil
				}), e)
			})
		}
	}
	for _, skip := range []bool{true, false} {
		srv := &away{left: make(chan *framework.Socket, 100), log: new(logBuffer)}
		srv.Server = unhurried(framework.Options{Logger: zerolog.New(srv.log),
			Recovery: framework.Recovery{MaxDisconnection: time.Minute, SkipMiddleware: skip}})
		srv.Use(mw("outer"), mw("inner"))
		srv.On("connect", func() { log <- "connect" })
		srv.On("disconnect", func(s *framework.Socket) { srv.left <- s })
		client := sockettest.Connect(t, srv, "/")
		wantLog(t, log, "outer", "inner", "connect")
		for range 2 {
			srv.cut(t, client)
			client = srv.back(t, client)
			if skip {
				wantLog(t, log, "outer again", "inner again", "connect")
			} else {
				wantLog(t, log, "outer", "inner", "connect")
			}
		}
		if !skip {
			continue
		}
		srv.cut(t, client)
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		equal(t, "refusal", conn.Refused("/", map[string]string{"pid": client.PID(), "fail": "outer"}).Message, "not you")
		equal(t, "refusal", conn.Refused("/", map[string]string{"pid": client.PID(), "fail": "server"}).Message, "Internal server error")
		wantLog(t, log, "outer again", "outer again")
		recovered(t, conn.Recover(client), true)
		wantLog(t, log, "outer again", "inner again", "connect")
	}
}

func TestAKeptContextDoesNotHoldTheLostConnection(t *testing.T) {
	connects := make(chan context.Context, 1)
	srv := recoveringBehind(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				connects <- ctx
				ctx = context.WithValue(ctx, userKey{}, "ann")
			}
			return next.ServeEvent(ctx, e)
		})
	}, func(o *framework.Options) { o.Recovery.SkipMiddleware = true })
	client := sockettest.Connect(t, srv, "/")
	ctx := receive(t, connects)
	equal(t, "the event while its socket is there", framework.EventFrom(ctx) != nil, true)
	srv.cut(t, client)
	waitFor(t, func() bool { return srv.RecoveryStats().Kept == 1 })
	if e := framework.EventFrom(ctx); e != nil {
		t.Errorf("the event: got %v, want none", e.Name)
	}
	<-ctx.Done()
	equal(t, "error", ctx.Err(), context.Canceled)
}
