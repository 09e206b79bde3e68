package framework_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// handlerFunc is a middleware's handler that looks at the event and goes on.
func handlerFunc(look func(*framework.Event), next framework.Handler) framework.Handler {
	return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
		look(e)
		return next.ServeEvent(ctx, e)
	})
}

// heard writes what a listener is called with into a diary.
func heard(d *diary, name string) func(string, framework.Args) {
	return func(event string, args framework.Args) {
		text, err := args.MarshalJSON()
		if err != nil {
			text = fmt.Append(nil, args.Len(), " with attachments")
		}
		d.write(name, event, string(text))
	}
}

func TestOnAnyHearsEachEventBeforeItsMiddleware(t *testing.T) {
	srv := quiet()
	d := newDiary()
	srv.Use(func(next framework.Handler) framework.Handler {
		return handlerFunc(func(e *framework.Event) {
			if e.Kind() == framework.KindEvent {
				heard(d, "middleware")(e.Name, e.Args)
			}
		}, next)
	})
	srv.On("connect", func(s *framework.Socket) {
		s.OnAny(heard(d, "first"))
		s.OnAny(heard(d, "second"))
		s.PrependAny(heard(d, "zeroth"))
	})
	srv.On("known", func(n int) int { return n })
	srv.On("done", func() bool { return true })
	client := sockettest.Connect(t, srv, "/")
	client.Call("known", 1)
	client.Emit("unknown", "x", []int{2})
	client.Call("done")
	same(t, "heard", d.since(t, "middleware done []"), []string{
		"zeroth known [1]", "first known [1]", "second known [1]", "middleware known [1]",
		`zeroth unknown ["x",[2]]`, `first unknown ["x",[2]]`, `second unknown ["x",[2]]`, `middleware unknown ["x",[2]]`,
		"zeroth done []", "first done []", "second done []", "middleware done []",
	})
}

func TestOnAnyOutgoingHearsEmitsAndBroadcastsAndNoAcks(t *testing.T) {
	srv := quiet()
	d := newDiary()
	srv.On("connect", func(s *framework.Socket) error {
		s.OnAnyOutgoing(heard(d, "first"))
		s.OnAnyOutgoing(heard(d, "second"))
		s.PrependAnyOutgoing(heard(d, "zeroth"))
		return s.Emit("held")
	})
	srv.On("act", func(s *framework.Socket) (string, error) {
		s.Join("room")
		return "an ack", errors.Join(
			s.Emit("alone", "x", 1),
			s.Namespace().To("room", s.ID()).Emit("once", framework.ArgsOf(1, 2)),
			s.Emit("asked", func() {}),
			s.Namespace().Emit("binary", []byte{1}),
			s.Broadcast().Emit("others"),
			s.To("room").Emit("others"),
		)
	})
	client := sockettest.Connect(t, srv, "/")
	client.Call("act")
	client.Expect("asked").Ack()
	var want []string
	for _, line := range []string{"held []", `alone ["x",1]`, "once [1,2]", "asked []", "binary 1 with attachments"} {
		want = append(want, "zeroth "+line, "first "+line, "second "+line)
	}
	same(t, "heard", d.since(t, want[len(want)-1]), want)
}

func TestAnOutgoingListenerHearsNothingThatTheClientDoesNotGet(t *testing.T) {
	srv := quiet()
	sockets := make(chan *framework.Socket, 1)
	left := make(chan bool, 1)
	d := newDiary()
	srv.On("connect", func(s *framework.Socket) {
		s.OnAnyOutgoing(heard(d, "the client gets"))
		sockets <- s
	})
	srv.On("disconnect", func() { left <- true })
	client := sockettest.Connect(t, srv, "/")
	s := receive(t, sockets)
	_ = s.Emit("unsendable", make(chan int))
	client.Leave()
	receive(t, left)
	if err := s.Emit("late"); !errors.Is(err, framework.ErrClosed) {
		t.Errorf("got %v, want %v", err, framework.ErrClosed)
	}
	_ = s.Volatile().Emit("late")
	_ = srv.Emit("late")
	_ = s.Emit("connect")
	other := sockettest.Connect(t, srv, "/") // behind what would have been told
	receive(t, sockets)
	_ = srv.Emit("last")
	other.Expect("last")
	same(t, "heard", d.since(t, "the client gets last []"), []string{"the client gets last []"})
}

func TestAListenerIsRemovedOnceAndForAll(t *testing.T) {
	srv := quiet()
	in, out := newDiary(), newDiary()
	srv.On("connect", func(s *framework.Socket) {
		var once func()
		once = s.OnAny(func(event string, args framework.Args) {
			heard(in, "once")(event, args)
			once()
			once()
		})
		s.OnAny(heard(in, "always"))
		s.OnAnyOutgoing(heard(out, "always"))
		off := s.OnAnyOutgoing(heard(out, "until last"))
		s.OnAny(func(event string, _ framework.Args) {
			if event == "last" {
				off()
			}
		})
	})
	srv.On("*", func(s *framework.Socket, e *framework.Event) (bool, error) { return true, s.Emit(e.Name + "'s answer") })
	client := sockettest.Connect(t, srv, "/")
	for _, event := range []string{"one", "two", "last"} {
		client.Call(event)
	}
	same(t, "in", in.since(t, "always last []"), []string{"once one []", "always one []", "always two []", "always last []"})
	same(t, "out", out.since(t, "always last's answer []"), []string{
		"always one's answer []", "until last one's answer []", "always two's answer []", "until last two's answer []",
		"always last's answer []",
	})
}

func TestListenersAreOfOneSocket(t *testing.T) {
	srv := quiet()
	d := newDiary()
	srv.On("connect", func(s *framework.Socket, name string) { s.OnAny(heard(d, name)) })
	srv.On("hi", func() bool { return true })
	ann, bob := sockettest.Connect(t, srv, "/", "ann"), sockettest.Connect(t, srv, "/", "bob")
	ann.Call("hi")
	bob.Call("hi")
	same(t, "heard", d.since(t, "bob hi []"), []string{"ann hi []", "bob hi []"})
}

func TestAListenersPanicIsLoggedAndTheEventGoesOn(t *testing.T) {
	srv, log := logged()
	srv.On("connect", func(s *framework.Socket) {
		s.OnAny(func(string, framework.Args) { panic("incoming") })
		s.OnAnyOutgoing(func(string, framework.Args) { panic("outgoing") })
	})
	srv.On("hi", func(s *framework.Socket) (string, error) { return "hi yourself", s.Emit("greeting") })
	client := sockettest.Connect(t, srv, "/")
	equal(t, "ack", client.Call("hi").JSON(), `["hi yourself"]`)
	client.Expect("greeting")
	if err := srv.Shutdown(context.Background()); err != nil { // by then all has been told
		t.Fatal(err)
	}
	for _, want := range []string{`"panic":"incoming"`, `"panic":"outgoing"`, `"in":"catch-all listener"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s", want)
		}
	}
}

func TestANilListenerPanicsWhereItIsGiven(t *testing.T) {
	srv := quiet()
	srv.On("listen", func(s *framework.Socket) { s.OnAny(nil) })
	failed := make(chan string, 1)
	srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
		failed <- err.Error()
		return nil, false
	})
	sockettest.Connect(t, srv, "/").Emit("listen")
	if got, want := receive(t, failed), "the listener is nil"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}

func TestListenersMayComeAndGoBesideEventsBothWays(t *testing.T) {
	srv := quiet()
	sockets := make(chan *framework.Socket, 1)
	srv.On("connect", func(s *framework.Socket) { sockets <- s })
	srv.On("echo", func(s *framework.Socket, n int) (int, error) { return n, s.Namespace().Emit("echoed", n) })
	client := sockettest.Connect(t, srv, "/")
	s := receive(t, sockets)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				in, out := s.OnAny(func(string, framework.Args) {}), s.PrependAnyOutgoing(func(string, framework.Args) {})
				in()
				out()
			}
		})
	}
	for i := range 100 {
		client.Call("echo", i)
	}
	wg.Wait()
}

// What is sent may be nested deeper than what is taken.
func TestArgumentsDeeperThanWhatIsTakenAreSentAndShown(t *testing.T) {
	srv := quiet()
	shown := make(chan error, 1)
	srv.On("connect", func(s *framework.Socket) {
		s.OnAnyOutgoing(func(_ string, args framework.Args) {
			var v any
			shown <- args.Decode(0, &v)
		})
	})
	srv.On("dig", func(s *framework.Socket) error {
		return s.Emit("deep", framework.ArgsOf(nested(400)))
	})
	client := sockettest.Connect(t, srv, "/")
	client.Emit("dig")
	if err := receive(t, shown); err != nil {
		t.Error(err)
	}
	client.Expect("deep")
}

func nested(depth int) any {
	var v any
	for range depth {
		v = []any{v}
	}
	return v
}
