package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

// Order is what ExampleValidate checks.
type Order struct {
	Dish  string `json:"dish"`
	Count int    `json:"count"`
}

func (o Order) Validate() error {
	if o.Count < 1 {
		return middleware.Invalid("count", "nothing ordered")
	}
	return nil
}

func ExampleValidate() {
	srv := framework.New(framework.Options{})
	srv.Check(middleware.Validate)
	srv.On("order", func(o Order) string { return "one moment" })

	tb := new(exampleTB)
	defer tb.end()
	client := sockettest.Connect(tb, srv, "/")
	fmt.Println(client.Call("order", Order{"soup", 1}))
	fmt.Println(client.Call("order", Order{"soup", 0}))
	// Output:
	// ["one moment"]
	// [{"error":{"message":"nothing ordered","data":{"field":"count"}}}]
}

func ExampleInvalid() {
	fmt.Println(middleware.Invalid("count", "nothing ordered"))
	// Output: nothing ordered
}

func ExampleOnce() {
	type Payment struct{ Amount int }
	srv := framework.New(framework.Options{})
	srv.Route("/shop", func(r *framework.Router) {
		r.With(middleware.Once(middleware.OnceOptions{})).On("pay", func(p Payment) string {
			fmt.Println("paid", p.Amount)
			return "receipt 1"
		})
	})

	tb := new(exampleTB)
	defer tb.end()
	client := sockettest.Connect(tb, srv, "/shop")
	for range 2 { // as a client does that has missed the answer
		fmt.Println(client.Call("pay", map[string]any{"amount": 5, "once": "0b8f4f1e"}))
	}
	// Output:
	// paid 5
	// ["receipt 1"]
	// ["receipt 1"]
}

func ExampleRateLimit() {
	srv := framework.New(framework.Options{})
	srv.Use(middleware.RateLimit(middleware.RateLimitOptions{Rate: 10, Burst: 20, DisconnectAfter: 1000}))
	srv.On("message", func(text string) { fmt.Println(text) })

	tb := new(exampleTB)
	defer tb.end()
	sockettest.Connect(tb, srv, "/").Call("message", "hello")
	// Output: hello
}

func ExampleConcurrency() {
	srv := framework.New(framework.Options{})
	reports := middleware.Concurrency(4, 10*time.Second)
	srv.Route("/", func(r *framework.Router) {
		r.With(reports).On("report", func(year int) string { return fmt.Sprint("report of ", year) })
	})

	tb := new(exampleTB)
	defer tb.end()
	fmt.Println(sockettest.Connect(tb, srv, "/").Call("report", 2026))
	// Output: ["report of 2026"]
}

func ExampleCookie() {
	type User struct{ Name string }
	sessions := map[string]User{"s1": {"Ann"}}

	srv := framework.New(framework.Options{})
	srv.Use(middleware.Cookie("session", func(_ context.Context, value string) (User, error) {
		user, ok := sessions[value]
		if !ok {
			return User{}, framework.Refuse("log in first")
		}
		return user, nil
	}))
	srv.On("whoami", func(ctx context.Context) string {
		user, _ := middleware.User[User](ctx)
		return user.Name
	})

	tb := new(exampleTB)
	defer tb.end()
	for _, value := range []string{"s1", "s2"} {
		c := sockettest.Dial(tb, srv, sockettest.Options{Header: http.Header{"Cookie": {"session=" + value}}})
		if value == "s1" {
			fmt.Println(c.Join("/").Call("whoami"))
		} else {
			fmt.Println(c.Refused("/"))
		}
	}
	// Output:
	// ["Ann"]
	// "log in first"
}
