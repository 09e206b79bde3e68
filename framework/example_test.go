package framework_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

type Room struct {
	framework.Namespace
}

type Join struct{ Name, Room string }

func (r *Room) OnJoin(s *framework.Socket, in Join) (int, error) {
	if err := s.Join(in.Room); err != nil {
		return 0, err
	}
	return 1, r.To(in.Room).Send(in.Name + " has entered the room.")
}

func Example() {
	srv := framework.New(framework.Options{})
	srv.Register("/chat", &Room{})
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)

	client := connect(r, "/chat") // any Socket.IO client
	fmt.Println("ack:", client.Call("join", Join{"Ann", "kitchen"}))
	fmt.Println("message:", client.Expect("message").Args)
	// Output:
	// ack: [1]
	// message: ["Ann has entered the room."]
}

func ExampleNew() {
	srv := framework.New(framework.Options{
		ConnectTimeout: 20 * time.Second,
		EventName:      framework.CamelCase, // OnMyEvent serves "myEvent"
		Logger:         zerolog.Nop(),
		Transport: transport.Options{
			Origins:      []string{"https://app.example.com"},
			PingInterval: 10 * time.Second,
		},
	})
	http.Handle("/socket.io/", srv)
}

func ExampleServer_On() {
	srv := framework.New(framework.Options{})
	srv.On("sum", func(numbers ...int) (total int) {
		for _, n := range numbers {
			total += n
		}
		return total
	})
	fmt.Println(connect(srv, "/").Call("sum", 1, 2, 3))
	// Output: [6]
}

func ExampleServer_Route() {
	srv := framework.New(framework.Options{})
	srv.Route("/admin", func(r *framework.Router) {
		r.On("whoami", func(s *framework.Socket) string { return s.Namespace().Path() })
		r.On("*", func(e *framework.Event) string { return "nobody handles " + e.Name })
	})
	client := connect(srv, "/admin")
	fmt.Println(client.Call("whoami"), client.Call("other"))
	// Output: ["/admin"] ["nobody handles other"]
}

func ExampleServer_Use() {
	srv := framework.New(framework.Options{})
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			reply, err := next.ServeEvent(ctx, e)
			fmt.Println(e.Name, "replied", reply, err)
			return reply, err
		})
	})
	srv.On("ping", func() string { return "pong" })
	connect(srv, "/").Call("ping")
	// Output:
	// connect replied [] <nil>
	// ping replied [pong] <nil>
}

func ExampleServer_OnError() {
	srv := framework.New(framework.Options{})
	srv.OnError(func(ctx context.Context, e *framework.Event, err error) (reply []any, ok bool) {
		fmt.Printf("%s %v: %v\n", e.Name, e.Args.Len(), err)
		return []any{"sorry"}, true
	})
	srv.On("fail", func(string) error { return errors.New("out of paper") })
	fmt.Println(connect(srv, "/").Call("fail", "x"))
	// Output:
	// fail 1: out of paper
	// ["sorry"]
}

func ExampleServer_Events() {
	srv := framework.New(framework.Options{})
	srv.Register("/chat", &Room{})
	for _, e := range srv.Events() {
		fmt.Println(e.Namespace, e.Event, e.Args, e.Results, e.Handler)
	}
	// Output: /chat join [framework_test.Join] [int] (*framework_test.Room).OnJoin
}

func ExampleServer_Of() {
	srv := framework.New(framework.Options{})
	srv.Register("/chat", &Room{})
	client := connect(srv, "/chat")

	srv.Of("/chat").Emit("news", map[string]int{"visitors": 1}) // from any goroutine
	fmt.Println(client.Expect("news").Args)
	// Output: [{"visitors":1}]
}

func ExampleRefuse() {
	srv := framework.New(framework.Options{})
	srv.On("connect", func(auth struct{ Token string }) error {
		if auth.Token != "secret" {
			return framework.Refuse("not authorized", map[string]int{"code": 7})
		}
		return nil
	})
	fmt.Println(refused(srv, "/", map[string]string{"token": "guess"}))
	// Output: "not authorized" with data {"code":7}
}

func ExampleError() {
	srv := framework.New(framework.Options{})
	srv.On("buy", func(n int) error {
		return &framework.Error{Message: "sold out", Data: n}
	})
	fmt.Println(connect(srv, "/").Call("buy", 3))
	// Output: [{"error":{"message":"sold out","data":3}}]
}

func ExampleNamespace_To() {
	srv := framework.New(framework.Options{})
	srv.On("shout", func(s *framework.Socket, text string) {
		s.Join("hall")
		everybody := s.Namespace()
		everybody.To("hall").Except(s.ID()).Emit("heard", text) // nobody else is there
		everybody.To("hall").Emit("echo", text)
	})
	client := connect(srv, "/")
	client.Emit("shout", "hey")
	fmt.Println(client.Next().Name)
	// Output: echo
}

func ExampleSocket_Emit() {
	srv := framework.New(framework.Options{})
	done := make(chan struct{})
	srv.On("start", func(s *framework.Socket) error {
		return s.Emit("question", "tea?", func(ctx context.Context, answer string, err error) {
			fmt.Println("callback:", answer, err)
			close(done)
		})
	})
	client := connect(srv, "/")
	client.Emit("start")
	client.Expect("question").Ack("please")
	<-done
	// Output: callback: please <nil>
}

func ExampleCall() {
	srv := framework.New(framework.Options{})
	srv.On("start", func(ctx context.Context, s *framework.Socket) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		cups, err := framework.Call[int](ctx, s, "how many?")
		return fmt.Sprint(cups, " cups"), err
	})
	client := connect(srv, "/")
	answer := client.EmitWithAck("start")
	client.Expect("how many?").Ack(2)
	fmt.Println(answer.Wait())
	// Output: ["2 cups"]
}

func ExampleAck() {
	srv := framework.New(framework.Options{})
	srv.On("print", func(ack *framework.Ack, page int) {
		go func() { ack.Reply("printed", page) }() // when it is done
	})
	fmt.Println(connect(srv, "/").Call("print", 4))
	// Output: ["printed",4]
}

func ExampleNewKey() {
	visits := framework.NewKey[int]("visits")

	srv := framework.New(framework.Options{})
	srv.On("visit", func(s *framework.Socket) int {
		n, _ := visits.Get(s)
		visits.Set(s, n+1)
		return n + 1
	})
	client := connect(srv, "/")
	client.Call("visit")
	fmt.Println(client.Call("visit"))
	// Output: [2]
}

func ExampleEventFrom() {
	audit := func(ctx context.Context) { // deep inside
		e := framework.EventFrom(ctx)
		fmt.Printf("%s %s\n", e.Name, e.Args.Raw(0))
	}
	srv := framework.New(framework.Options{})
	srv.On("save", func(ctx context.Context, text string) { audit(ctx) })
	connect(srv, "/").Call("save", "x")
	// Output: save "x"
}

func ExampleArgs() {
	srv := framework.New(framework.Options{})
	srv.On("echo", func(args framework.Args) (framework.Args, error) {
		var first string
		err := args.Decode(0, &first)
		fmt.Println(args.Len(), first)
		return args, err // spread: each of them is an argument of the ack
	})
	fmt.Println(connect(srv, "/").Call("echo", "a", 1, nil))
	// Output:
	// 3 a
	// ["a",1,null]
}

func ExampleServer_Run() {
	srv := framework.New(framework.Options{Logger: zerolog.Nop()})
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // as signal.NotifyContext does on Ctrl-C
	app := http.FileServer(http.Dir("public"))
	fmt.Println(srv.Run(ctx, "127.0.0.1:0", app))
	// Output: <nil>
}

func ExampleSnakeCase() {
	fmt.Println(framework.SnakeCase("HTTPPing"), framework.CamelCase("HTTPPing"), framework.KebabCase("HTTPPing"))
	// Output: http_ping httpPing http-ping
}
