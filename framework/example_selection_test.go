package framework_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
)

func ExampleBroadcast_EmitWithAck() {
	srv := framework.New(framework.Options{})
	srv.On("ask", func(ctx context.Context, s *framework.Socket) string {
		answers, err := s.Broadcast().Timeout(5*time.Second).EmitWithAck(ctx, "ready?")
		if missing := (*framework.MissingAcksError)(nil); errors.As(err, &missing) {
			return fmt.Sprintf("%d said nothing", len(missing.Missing))
		}
		var word string
		for _, a := range answers {
			_ = a.Args.Decode(0, &word)
		}
		return word
	})

	ann, bob := connect(srv, "/"), connect(srv, "/")
	call := ann.EmitWithAck("ask")
	bob.Expect("ready?").Ack("yes")
	fmt.Println(call.Wait())
	// Output: ["yes"]
}

func ExampleBroadcast_Fetch() {
	name := framework.NewKey[string]("name")
	srv := framework.New(framework.Options{})
	srv.On("join", func(s *framework.Socket, who, room string) {
		name.Set(s, who)
		s.Join(room)
	})
	srv.On("who", func(ctx context.Context, room string) (string, error) {
		members, err := srv.To(room).Fetch(ctx)
		list := ""
		for _, m := range members { // on whatever server of a cluster they are
			who, _, _ := name.From(m)
			list += who
		}
		return list, err
	})

	ann := connect(srv, "/")
	ann.Call("join", "Ann", "kitchen")
	fmt.Println(ann.Call("who", "kitchen"), ann.Call("who", "cellar"))
	// Output: ["Ann"] [""]
}

func ExampleBroadcast_Count() {
	srv := framework.New(framework.Options{})
	srv.On("join", func(ctx context.Context, s *framework.Socket, room string) (int, error) {
		s.Join(room)
		return srv.To(room).Count(ctx)
	})
	fmt.Println(connect(srv, "/").Call("join", "kitchen"), connect(srv, "/").Call("join", "kitchen"))
	// Output: [1] [2]
}

func ExampleBroadcast_Join() {
	srv := framework.New(framework.Options{})
	srv.On("gather", func(ctx context.Context) error {
		if err := srv.To("kitchen", "cellar").Join(ctx, "house"); err != nil {
			return err
		}
		return srv.To("cellar").Disconnect(ctx)
	})
	srv.On("join", func(s *framework.Socket, room string) { s.Join(room) })

	ann, bob := connect(srv, "/"), connect(srv, "/")
	ann.Call("join", "kitchen")
	bob.Call("join", "cellar")
	ann.Call("gather")
	fmt.Println(bob.Disconnected(), len(srv.Of("/").Members("house")))
	// Output: io server disconnect 1
}

func ExampleNamespace_Members() {
	srv := framework.New(framework.Options{})
	srv.On("join", func(s *framework.Socket, room string) { s.Join(room) })
	srv.On("typing", func(s *framework.Socket, room string) {
		for _, member := range s.Namespace().Members(room) {
			if member != s {
				_ = member.Volatile().Emit("typing", s.ID())
			}
		}
	})
	ann := connect(srv, "/")
	ann.Call("join", "kitchen")
	fmt.Println(len(srv.Of("/").Members("kitchen")))
	// Output: 1
}

func ExampleRouter_OnServerSide() {
	srv := framework.New(framework.Options{
		NewAdapter: func(local adapter.Local) (adapter.Adapter, error) { return nil, nil }, // of your cluster
	})
	srv.Route("/", func(r *framework.Router) {
		r.OnServerSide("config changed", func(ctx context.Context, version int) string { return "reloaded" })
	})
	// On another server:
	answers, err := srv.ServerSideEmitWithAck(context.Background(), "config changed", 2)
	fmt.Println(len(answers), err)
	// Output: 0 <nil>
}
