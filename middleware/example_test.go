package middleware_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

func ExampleRecoverer() {
	h := middleware.Recoverer(framework.HandlerFunc(
		func(context.Context, *framework.Event) ([]any, error) { panic("no such room") }))

	_, err := h.ServeEvent(context.Background(), &framework.Event{Name: "join"})
	fmt.Println(err)
	// Output: framework: handler panicked: no such room
}

func ExampleLogger() {
	// In a server the context has a logger with nsp, sid and event.
	console := zerolog.ConsoleWriter{Out: os.Stdout, NoColor: true,
		PartsExclude: []string{"time"}, FieldsExclude: []string{"duration"}}
	log := zerolog.New(console).With().Str("nsp", "/chat").Str("event", "join").Logger()
	ctx := log.WithContext(context.Background())

	h := middleware.Logger(framework.HandlerFunc(
		func(context.Context, *framework.Event) ([]any, error) { return nil, fmt.Errorf("no such room") }))
	h.ServeEvent(ctx, &framework.Event{Name: "join"})
	// Output: INF event served error="no such room" ack=false event=join kind=event nsp=/chat
}

func ExampleTimeout() {
	h := middleware.Timeout(time.Millisecond)(framework.HandlerFunc(
		func(ctx context.Context, _ *framework.Event) ([]any, error) {
			<-ctx.Done() // as a query does that was given the context
			return nil, ctx.Err()
		}))

	_, err := h.ServeEvent(context.Background(), &framework.Event{Name: "search"})
	fmt.Println(err)
	// Output: context deadline exceeded
}

func ExampleAtConnect() {
	announce := func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			fmt.Println("serving", e.Name)
			return next.ServeEvent(ctx, e)
		})
	}
	srv := framework.New(framework.Options{})
	srv.Use(middleware.AtConnect(announce))
	srv.On("join", func(room string) string { return "welcome to the " + room })

	tb := new(exampleTB)
	defer tb.end()
	client := sockettest.Connect(tb, srv, "/")
	fmt.Println(client.Call("join", "kitchen"))
	// Output:
	// serving connect
	// ["welcome to the kitchen"]
}

func ExampleAuth() {
	type User struct{ Name string }
	verify := func(_ context.Context, e *framework.Event) (User, error) {
		if middleware.BearerToken(e) != "ann's" {
			return User{}, framework.Refuse("members only")
		}
		return User{Name: "Ann"}, nil
	}

	srv := framework.New(framework.Options{})
	srv.Route("/club", func(r *framework.Router) {
		r.Use(middleware.Auth(verify))
		r.On("whoami", func(ctx context.Context) string {
			user, _ := middleware.User[User](ctx)
			return user.Name
		})
	})

	tb := new(exampleTB)
	defer tb.end()
	client := sockettest.Dial(tb, srv, sockettest.Options{})
	fmt.Println(client.Refused("/club"))
	client = sockettest.Dial(tb, srv, sockettest.Options{})
	fmt.Println(client.Join("/club", map[string]string{"token": "ann's"}).Call("whoami"))
	// Output:
	// "members only"
	// ["Ann"]
}

func ExampleBearerToken() {
	srv := framework.New(framework.Options{})
	srv.On("connect", func(e *framework.Event) { fmt.Println(middleware.BearerToken(e)) })

	tb := new(exampleTB)
	defer tb.end()
	sockettest.Connect(tb, srv, "/", map[string]string{"token": "secret"})
	// Output: secret
}

// exampleTB stands in for the *testing.T that an example does not have.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (tb *exampleTB) Helper()                           {}
func (tb *exampleTB) Logf(string, ...any)               {}
func (tb *exampleTB) Cleanup(f func())                  { tb.cleanups = append(tb.cleanups, f) }
func (tb *exampleTB) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (tb *exampleTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (tb *exampleTB) end() {
	for i := len(tb.cleanups) - 1; i >= 0; i-- {
		tb.cleanups[i]()
	}
}
