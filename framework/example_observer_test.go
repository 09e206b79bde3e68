package framework_test

import (
	"context"
	"fmt"

	"github.com/parlor-go/parlor/framework"
)

func ExampleServer_Observe() {
	srv := framework.New(framework.Options{})
	var traffic framework.Traffic
	here := 0 // no lock: observers are called one at a time
	srv.Observe(framework.Observer{
		Connected: func(s *framework.Socket) {
			here++
			fmt.Println("connected by", s.Transport(), "- now", here)
		},
		Disconnected: func(s *framework.Socket, reason framework.Reason, err error) {
			here--
			fmt.Println(reason, "- now", here)
		},
		Received: func(s *framework.Socket, event string, args framework.Args) { fmt.Println("got", event, args.Len()) },
		Sent:     func(s *framework.Socket, event string, args framework.Args) { fmt.Println("sent", event, args.Len()) },
		Traffic:  &traffic,
	})
	srv.On("shout", func(s *framework.Socket, text string) error { return srv.Emit("shouted", text) })

	client := connect(srv, "/")
	client.Emit("shout", "hello")
	client.Expect("shouted")
	fmt.Println(srv.Shutdown(context.Background()), "- packets in:", traffic.PacketsIn.Load())
	// Output:
	// connected by websocket - now 1
	// got shout 1
	// sent shouted 1
	// server shutting down - now 0
	// <nil> - packets in: 2
}

func ExampleSocket_OnAny() {
	srv := framework.New(framework.Options{})
	srv.On("connect", func(s *framework.Socket) {
		off := s.OnAny(func(event string, args framework.Args) { fmt.Println(event, string(args.Raw(0))) })
		s.OnAny(func(event string, args framework.Args) {
			if event == "quiet" {
				off()
			}
		})
	})
	srv.On("*", func() bool { return true })
	client := connect(srv, "/")
	client.Call("hello", "you")
	client.Call("quiet", "please")
	client.Call("unheard")
	// Output:
	// hello "you"
	// quiet "please"
}

func ExampleSocket_OnAnyOutgoing() {
	srv := framework.New(framework.Options{})
	srv.On("connect", func(s *framework.Socket) {
		s.OnAnyOutgoing(func(event string, args framework.Args) { fmt.Println(event, string(args.Raw(0))) })
		s.Emit("welcome", "you")
	})
	connect(srv, "/").Expect("welcome")
	srv.Emit("news", 42)
	srv.Shutdown(context.Background())
	// Output:
	// welcome "you"
	// news 42
}

// A middleware may change the arguments: it passes on a copy of the event.
func ExampleEvent() {
	srv := framework.New(framework.Options{})
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			var text string
			if e.Kind() != framework.KindEvent || e.Args.Decode(0, &text) != nil {
				return next.ServeEvent(ctx, e)
			}
			changed := *e
			changed.Args = framework.ArgsOf(text + ", changed")
			return next.ServeEvent(ctx, &changed)
		})
	})
	srv.On("echo", func(text string) string { return text })
	fmt.Println(connect(srv, "/").Call("echo", "sent"))
	// Output: ["sent, changed"]
}

func ExampleOptions_newID() {
	next := 0
	srv := framework.New(framework.Options{
		NewID: func(h *framework.Handshake) string { // not for programs that trust in ids
			next++
			return fmt.Sprint("eu-", next)
		},
	})
	fmt.Println(connect(srv, "/").ID())
	// Output: eu-1
}

func ExampleSocket_Drained() {
	srv := framework.New(framework.Options{})
	srv.On("download", func(ctx context.Context, s *framework.Socket) (string, error) {
		for i := range 3 { // of many, of which the server holds one
			if err := s.Emit("part", i); err != nil {
				return "", err
			}
			if err := s.Drained(ctx); err != nil {
				return "", err
			}
		}
		return "all of it", nil
	})
	client := connect(srv, "/")
	fmt.Println(client.Call("download"), client.Expect("part").Args)
	// Output: ["all of it"] [0]
}
