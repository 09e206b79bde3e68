package framework_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// The seed's sections from Broadcasting on, promise by promise; the ones before
// are in framework_test.go at the top of the module. The numbers are those of
// docs/from-flask-socketio.md.

// seedChat is the class that the seed's snippets about broadcasting and rooms
// add up to.
type seedChat struct{ framework.Namespace }

func (c *seedChat) OnMyEvent(data any) error { return c.Emit("my_response", data) }
func (c *seedChat) OnSay(text string) error  { return c.Send(text) }
func (c *seedChat) OnDone()                  {}

func (c *seedChat) OnOthers(s *framework.Socket, text string) error {
	return s.Broadcast().Send(text)
}

type seedMember struct{ Username, Room string }

func (c *seedChat) OnJoin(s *framework.Socket, in seedMember) error {
	s.Join(in.Room)
	return c.To(in.Room).Send(in.Username + " has entered the room.")
}

func (c *seedChat) OnLeave(s *framework.Socket, in seedMember) error {
	s.Leave(in.Room)
	return c.To(in.Room).Send(in.Username + " has left the room.")
}

func (c *seedChat) OnTell(to string, text string) error { return c.To(to).Send(text) }

// seedClients makes a server with a chat at "/" and at "/chat", and n clients
// at "/".
func seedClients(t *testing.T, n int) (*framework.Server, *seedChat, []*sockettest.Socket) {
	t.Helper()
	srv := quiet()
	chat := &seedChat{}
	srv.Register("/", chat)
	srv.Register("/chat", &seedChat{})
	clients := make([]*sockettest.Socket, n)
	for i := range clients {
		clients[i] = sockettest.Connect(t, srv, "/")
	}
	return srv, chat, clients
}

// expectAll fails unless each client gets the event with these arguments, and
// no other.
func expectAll(t *testing.T, event, args string, clients ...*sockettest.Socket) {
	t.Helper()
	for _, client := range clients {
		equal(t, event, client.Expect(event).Args.JSON(), args)
		client.ExpectNone()
	}
}

// expectNone fails if a client gets anything.
func expectNone(t *testing.T, clients ...*sockettest.Socket) {
	t.Helper()
	for _, client := range clients {
		client.ExpectNone()
	}
}

func TestSeed047TheNamespaceBroadcasts(t *testing.T) {
	_, _, clients := seedClients(t, 2)
	clients[0].Emit("my_event", map[string]int{"data": 1})
	expectAll(t, "my_response", `[{"data":1}]`, clients...)
	clients[0].Emit("say", "hello")
	expectAll(t, "message", `["hello"]`, clients...)
}

func TestSeed048ABroadcastReachesTheSenderToo(t *testing.T) {
	_, _, clients := seedClients(t, 3)
	clients[1].Call("say", "to all three")
	expectAll(t, "message", `["to all three"]`, clients...)

	clients[1].Call("others", "include_self=False")
	expectAll(t, "message", `["include_self=False"]`, clients[0], clients[2])
	expectNone(t, clients[1])
}

func TestSeed049ABroadcastStaysInItsNamespace(t *testing.T) {
	srv, _, clients := seedClients(t, 1)
	both := sockettest.Dial(t, srv, sockettest.Options{})
	root, chat := both.Join("/"), both.Join("/chat")
	chat.Call("say", "in /chat")
	expectAll(t, "message", `["in /chat"]`, chat)
	expectNone(t, root, clients[0])
}

func TestSeed050WithoutNamespacesABroadcastIsInTheRoot(t *testing.T) {
	srv, _, clients := seedClients(t, 2)
	chat := sockettest.Connect(t, srv, "/chat")
	if err := errors.Join(srv.Send("text"), srv.SendJSON(1), srv.Emit("event", 2)); err != nil {
		t.Fatal(err)
	}
	for _, client := range clients {
		for _, want := range []string{`message ["text"]`, `json [1]`, `event [2]`} {
			e := client.Next()
			equal(t, "event", e.Name+" "+e.Args.JSON(), want)
		}
	}
	expectNone(t, chat)
}

func TestSeed051ABroadcastTakesNoCallback(t *testing.T) {
	srv, chat, clients := seedClients(t, 2)
	callback := func() { t.Error("the callback of a broadcast ran") }
	for what, emit := range map[string]func() error{
		"server":    func() error { return srv.Emit("question", callback) },
		"namespace": func() error { return chat.Emit("question", 1, callback) },
		"room":      func() error { return chat.To("room").Emit("question", callback) },
	} {
		if err := emit(); err == nil || !strings.Contains(err.Error(), "a broadcast takes no ack callback") {
			t.Errorf("%s: got %v, want an error that says so", what, err)
		}
	}
	expectNone(t, clients...)
}

func TestSeed052TheServerMayBeTheOriginator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _, clients := seedClients(t, 2)
		timer := time.AfterFunc(time.Minute, func() { _ = srv.Emit("some event", map[string]int{"data": 42}) })
		defer timer.Stop()
		expectNone(t, clients...)
		time.Sleep(time.Minute) // the bubble's clock
		expectAll(t, "some event", `[{"data":42}]`, clients...)
	})
}

func TestSeed053TheServersEmitMeansTheRootEverywhere(t *testing.T) {
	srv := quiet()
	srv.Register("/", &seedChat{})
	srv.Route("/chat", func(r *framework.Router) {
		r.On("announce", func(text string) error { return srv.Send(text) })
	})
	root, chat := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/chat")
	chat.Call("announce", "hello")
	expectAll(t, "message", `["hello"]`, root)
	expectNone(t, chat)
}

func TestSeed054EmittingNeedsNoContext(t *testing.T) {
	srv, chat, clients := seedClients(t, 1)
	other := sockettest.Connect(t, srv, "/chat")
	// In Flask the function of that name works inside a handler only. Here
	// whatever can emit can do so from anywhere.
	s, ok := chat.Socket(clients[0].ID())
	if !ok {
		t.Fatal("the namespace does not know its client")
	}
	for what, emit := range map[string]func() error{
		"socket":        func() error { return s.Send(1) },
		"class":         func() error { return chat.Send(1) },
		"server":        func() error { return srv.Send(1) },
		"the namespace": func() error { return srv.Of("/").Send(1) },
	} {
		if err := emit(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		expectAll(t, "message", `[1]`, clients...)
	}
	if err := srv.Of("/chat").Send(2); err != nil {
		t.Error(err)
	}
	expectAll(t, "message", `[2]`, other)
	if err := srv.Of("/nobody").Send(3); !errors.Is(err, framework.ErrNotRegistered) {
		t.Errorf("a namespace that is not there: got %v, want %v", err, framework.ErrNotRegistered)
	}
}

func TestSeed055BroadcastIsAssumed(t *testing.T) {
	srv := quiet()
	srv.On("to all", func() error { return srv.Emit("news", "from a handler") }) // no flag, though inside a handler
	first, second := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	first.Call("to all")
	expectAll(t, "news", `["from a handler"]`, first, second)
}
