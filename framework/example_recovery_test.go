package framework_test

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func ExampleRecovery() {
	gone := make(chan struct{})
	srv := framework.New(framework.Options{
		Logger:   zerolog.Nop(),
		Recovery: framework.Recovery{MaxDisconnection: 2 * time.Minute},
	})
	srv.On("connect", func(s *framework.Socket) {
		if !s.Recovered() { // who comes back is in its rooms already
			s.Join("news")
		}
	})
	srv.On("disconnect", func() { close(gone) })

	client := connect(srv, "/")
	client.Conn().Cut() // its network fails
	<-gone
	srv.To("news").Emit("headline", "Ann is back")

	back := sockettest.Dial(panicTB{}, srv, sockettest.Options{}).Recover(client)
	fmt.Println("recovered:", back.Recovered(), back.ID() == client.ID())
	fmt.Println("missed:", back.Expect("headline").Args.String(0))
	// Output:
	// recovered: true true
	// missed: Ann is back
}

func ExampleKey_GetExpired() {
	name := framework.NewKey[string]("name")
	framework.New(framework.Options{Recovery: framework.Recovery{
		MaxDisconnection: 2 * time.Minute,
		OnExpired: func(e framework.ExpiredSession) {
			if who, ok := name.GetExpired(e); ok {
				_ = e.Namespace.To(e.Rooms...).Emit("offline", who)
			}
		},
	}})
}

func ExampleAtRecovery() {
	expires := framework.NewKey[time.Time]("expires")
	srv := framework.New(framework.Options{Recovery: framework.Recovery{MaxDisconnection: time.Hour, SkipMiddleware: true}})
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				// ... look at who it is, and then
				expires.Set(e.Socket, time.Now().Add(time.Minute))
				ctx = framework.AtRecovery(ctx, func(_ context.Context, s *framework.Socket) error {
					if until, _ := expires.Get(s); time.Now().After(until) {
						return framework.Refuse("too late")
					}
					return nil
				})
			}
			return next.ServeEvent(ctx, e)
		})
	})
}
