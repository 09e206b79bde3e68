package framework_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// seedCustom is the seed's MyCustomNamespace.
type seedCustom struct {
	framework.Namespace
	left chan string
}

func (c *seedCustom) OnConnect(s *framework.Socket, auth *struct{ Token string }) error {
	if auth != nil && auth.Token == "wrong" {
		return framework.Refuse("unauthorized!")
	}
	return s.Emit("welcome", s.ID())
}

func (c *seedCustom) OnDisconnect(s *framework.Socket) {
	if c.left != nil {
		c.left <- s.ID()
	}
}

func (c *seedCustom) OnMyEvent(s *framework.Socket, data any) error {
	return s.Emit("my_response", data)
}

func TestSeed087AClassIsRegisteredAtItsPath(t *testing.T) {
	srv := quiet()
	custom := &seedCustom{}
	equal(t, "path before", custom.Path(), "")
	srv.Register("/test", custom)
	equal(t, "path", custom.Path(), "/test")
	r := chi.NewRouter()
	r.Get("/", func(http.ResponseWriter, *http.Request) {})
	r.Mount("/socket.io", srv)

	s := sockettest.Connect(t, r, "/test")
	equal(t, "welcome", s.Expect("welcome").Args.String(0), s.ID())
	s.Emit("my_event", map[string]int{"a": 1})
	equal(t, "my_response", s.Expect("my_response").Args.JSON(), `[{"a":1}]`)
	wantPanic(t, func() { quiet().Register("test", &seedCustom{}) }, `does not begin with a slash: want "/test"`)
}

func TestSeed088ClassesAndFunctionsStandBesideEachOther(t *testing.T) {
	srv := quiet()
	srv.Register("/", &seedChat{})
	srv.On("function", func() string { return "function" })
	srv.Route("/functions", func(r *framework.Router) {
		r.On("function", func() string { return "elsewhere" })
	})
	c := sockettest.Dial(t, srv, sockettest.Options{})
	root := c.Join("/")
	equal(t, "method", root.Call("done").JSON(), `[]`)
	equal(t, "function", root.Call("function").JSON(), `["function"]`)
	equal(t, "other namespace", c.Join("/functions").Call("function").JSON(), `["elsewhere"]`)
}

type SeedBase struct{ framework.Namespace }

func (b *SeedBase) OnShared() string { return "inherited by " + b.Path() }

type seedDerived struct{ SeedBase }

func (d *seedDerived) OnMyEvent() string { return "own" }
func (d *seedDerived) Once() string      { return "not a handler" }

func TestSeed089AnEventIsDispatchedToTheMethodOfItsName(t *testing.T) {
	srv := quiet()
	srv.Register("/test", &seedDerived{})
	s := sockettest.Connect(t, srv, "/test")
	equal(t, "my_event", s.Call("my_event").JSON(), `["own"]`)
	equal(t, "inherited", s.Call("shared").JSON(), `["inherited by /test"]`)
	for _, name := range []string{"My_Event", "OnMyEvent", "MyEvent", "on_my_event", "ce", "once", "path", "emit"} {
		other := s.EmitWithAck(name)
		s.Call("shared")
		equal(t, name+" served", other.Answered(), false)
	}
}

func TestSeed090AnEventWithoutAMethodIsIgnored(t *testing.T) {
	srv, log := logged()
	srv.OnError(func(_ context.Context, e *framework.Event, err error) ([]any, bool) {
		t.Errorf("%s is no failure: %v", e.Name, err)
		return nil, false
	})
	srv.Register("/test", &seedDerived{})
	s := sockettest.Connect(t, srv, "/test")
	unknown := s.EmitWithAck("my_evnt")
	s.Call("my_event")
	equal(t, "acked", unknown.Answered(), false)
	if !strings.Contains(log.String(), `"hint":"my_event?"`) {
		t.Errorf("the log has no hint at my_event:\n%s", log)
	}
}

type seedSpeaker struct{ framework.Namespace }

func (*seedSpeaker) OnMyEvent() string { return "method" }

func (c *seedSpeaker) Routes(r *framework.Router) {
	r.On("my event", func() string { return "with a space, at " + c.Path() })
}

func TestSeed091NamesThatNoMethodCanHaveAreRouted(t *testing.T) {
	srv := quiet()
	srv.Register("/test", &seedSpeaker{})
	s := sockettest.Connect(t, srv, "/test")
	equal(t, "my_event", s.Call("my_event").JSON(), `["method"]`)
	equal(t, "my event", s.Call("my event").JSON(), `["with a space, at /test"]`)

	srv = framework.New(framework.Options{EventName: framework.CamelCase})
	srv.Register("/test", &seedSpeaker{})
	equal(t, "myEvent", sockettest.Connect(t, srv, "/test").Call("myEvent").JSON(), `["method"]`)
}

func TestSeed092AClassConnectsAndDisconnects(t *testing.T) {
	srv := quiet()
	custom := &seedCustom{left: make(chan string, 1)}
	srv.Register("/test", custom)
	c := sockettest.Dial(t, srv, sockettest.Options{})
	equal(t, "refusal", c.Refused("/test", map[string]string{"token": "wrong"}).Message, "unauthorized!")
	s := sockettest.Connect(t, srv, "/test", map[string]string{"token": "right"})
	equal(t, "welcome", s.Expect("welcome").Args.String(0), s.ID())
	id := s.ID()
	s.Conn().Close()
	equal(t, "left", receive(t, custom.left), id)
}

func TestSeed093AClassNeedsNoOnConnect(t *testing.T) {
	srv := quiet()
	srv.Register("/test", &seedDerived{})
	sockettest.Connect(t, srv, "/test")
}

// seedSpokesman has what a method can do through its class and its client.
type seedSpokesman struct{ framework.Namespace }

func (c *seedSpokesman) OnReply(s *framework.Socket) error {
	return errors.Join(s.Send("one client"), s.Emit("named", 1))
}

func (c *seedSpokesman) OnAll(s *framework.Socket) error {
	s.Join("room")
	return errors.Join(c.Emit("named", 2), c.Send("all"), c.SendJSON(3),
		c.To("room").Emit("room", 4), c.Except("room").Emit("others", 5))
}

func (c *seedSpokesman) OnState(s *framework.Socket) (rooms, all []string, clients int, known bool) {
	_, known = c.Socket(s.ID())
	return s.Rooms()[1:], c.Rooms(), len(c.Sockets()), known
}

func (c *seedSpokesman) OnClose()                           { c.CloseRoom("room") }
func (c *seedSpokesman) OnRemember(s *framework.Socket)     { seedSession.Set(s, "remembered") }
func (c *seedSpokesman) OnDisconnectMe(s *framework.Socket) { s.Disconnect() }

func (c *seedSpokesman) OnRecall(s *framework.Socket) (string, bool) { return seedSession.Get(s) }

func (c *seedSpokesman) OnAsk(ctx context.Context, s *framework.Socket) (string, error) {
	return framework.Call[string](ctx, s, "question", "who?")
}

func TestSeed094AMethodRepliesToItsClient(t *testing.T) {
	srv := quiet()
	srv.Register("/test", &seedSpokesman{})
	ann, bob := sockettest.Connect(t, srv, "/test"), sockettest.Connect(t, srv, "/test")
	ann.Call("reply")
	equal(t, "message", ann.Expect("message").Args.JSON(), `["one client"]`)
	equal(t, "named", ann.Expect("named").Args.JSON(), `[1]`)
	expectNone(t, ann, bob)
}

func TestSeed095AClassSpeaksToItsNamespace(t *testing.T) {
	srv := quiet()
	srv.Register("/test", &seedSpokesman{})
	srv.Register("/", &seedSpokesman{})
	root := sockettest.Connect(t, srv, "/")
	ann, bob := sockettest.Connect(t, srv, "/test"), sockettest.Connect(t, srv, "/test")
	ann.Call("all")
	for _, want := range []string{`named [2]`, `message ["all"]`, `json [3]`, `room [4]`} {
		e := ann.Next()
		equal(t, "ann", e.Name+" "+e.Args.JSON(), want)
	}
	for _, want := range []string{`named [2]`, `message ["all"]`, `json [3]`, `others [5]`} {
		e := bob.Next()
		equal(t, "bob", e.Name+" "+e.Args.JSON(), want)
	}
	expectNone(t, ann, bob, root)

	equal(t, "state", ann.Call("state").JSON(), `[["room"],["room"],2,true]`)
	ann.Call("close")
	equal(t, "state without the room", ann.Call("state").JSON(), `[[],[],2,true]`)

	equal(t, "nothing remembered", ann.Call("recall").JSON(), `["",false]`)
	ann.Call("remember")
	equal(t, "remembered", ann.Call("recall").JSON(), `["remembered",true]`)
	equal(t, "by each client for itself", bob.Call("recall").JSON(), `["",false]`)

	answer := ann.EmitWithAck("ask")
	question := ann.Expect("question")
	equal(t, "question", question.Args.JSON(), `["who?"]`)
	question.Ack("ann")
	equal(t, "answer", answer.Wait().JSON(), `["ann"]`)

	ann.Emit("disconnect_me")
	equal(t, "reason", ann.Disconnected(), "io server disconnect")
	equal(t, "state of the others", bob.Call("state").JSON(), `[[],[],1,true]`)
}

func TestSeed096AFunctionWinsOverAMethod(t *testing.T) {
	var calls atomic.Int32
	function := func() string {
		calls.Add(1)
		return "function"
	}
	for _, order := range []string{"class first", "function first"} {
		t.Run(order, func(t *testing.T) {
			srv := quiet()
			if order == "function first" {
				srv.On("my_event", function)
			}
			srv.Register("/", &seedDerived{})
			if order == "class first" {
				srv.On("my_event", function)
			}
			srv.On("*", func() string { return "catch-all" }) // in Flask it beats methods, too
			calls.Store(0)
			s := sockettest.Connect(t, srv, "/")
			equal(t, "my_event", s.Call("my_event").JSON(), `["function"]`)
			equal(t, "calls of the function", calls.Load(), 1)
			equal(t, "a method besides", s.Call("shared").JSON(), `["inherited by /"]`)
			equal(t, "neither", s.Call("other").JSON(), `["catch-all"]`)
		})
	}
}

type seedCounter struct {
	framework.Namespace
	n atomic.Int32
}

func (c *seedCounter) OnNext() int32 { return c.n.Add(1) }

func TestSeed097OneValueServesAllClients(t *testing.T) {
	srv := quiet()
	srv.Register("/test", &seedCounter{})
	ann, bob := sockettest.Connect(t, srv, "/test"), sockettest.Connect(t, srv, "/test")
	equal(t, "ann", ann.Call("next").JSON(), `[1]`)
	equal(t, "bob", bob.Call("next").JSON(), `[2]`)

	// In Flask the second registration of a path replaces the first.
	srv = quiet()
	srv.Register("/test", &seedCounter{})
	wantPanic(t, func() { srv.Register("/test", &seedCounter{}) }, "OnNext", `both serve "next"`)
	srv = quiet()
	srv.Register("/test", &seedCounter{})
	srv.Register("/test", &seedDerived{}) // no event in common
	s := sockettest.Connect(t, srv, "/test")
	equal(t, "first class", s.Call("next").JSON(), `[1]`)
	equal(t, "second class", s.Call("shared").JSON(), `["inherited by /test"]`)
}

func TestSeed098DispatchIsWrappedByMiddleware(t *testing.T) {
	srv := quiet()
	var seen []string
	srv.Register("/test", &seedDerived{}, func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			seen = append(seen, e.Name)
			if e.Name == "forbidden" {
				return []any{"no"}, nil
			}
			reply, err := next.ServeEvent(ctx, e)
			return append(reply, "seen"), err
		})
	})
	s := sockettest.Connect(t, srv, "/test")
	equal(t, "wrapped", s.Call("my_event").JSON(), `["own","seen"]`)
	equal(t, "answered in its place", s.Call("forbidden").JSON(), `["no"]`)
	if want := []string{"connect", "my_event", "forbidden"}; !slices.Equal(seen, want) {
		t.Errorf("the middleware saw %q, want %q", seen, want)
	}
}
