package framework_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

var errSeed = errors.New("a failure")

func seedFails() error { return errSeed }

// answering is an error handler that acks with who it is.
func answering(who string) framework.ErrorHandler {
	return func(context.Context, *framework.Event, error) ([]any, bool) { return []any{who}, true }
}

// seedGuarded is a class with an error handler.
type seedGuarded struct{ framework.Namespace }

func (c *seedGuarded) OnFail() error { return errSeed }
func (c *seedGuarded) OnError(e *framework.Event, err error) string {
	return "class: " + e.Name + ": " + err.Error()
}

func TestSeed099_100_101ErrorHandlersOfANamespaceAndTheDefault(t *testing.T) {
	srv := quiet()
	srv.Route("/", func(r *framework.Router) { // 99
		r.OnError(answering("root"))
		r.On("fail", seedFails)
	})
	srv.Route("/chat", func(r *framework.Router) { // 100
		r.OnError(answering("chat"))
		r.On("fail", seedFails)
	})
	srv.Register("/class", &seedGuarded{})
	srv.Route("/other", func(r *framework.Router) { r.On("fail", seedFails) })
	srv.OnError(answering("default")) // 101

	c := sockettest.Dial(t, srv, sockettest.Options{})
	for path, want := range map[string]string{
		"/": `["root"]`, "/chat": `["chat"]`, "/class": `["class: fail: a failure"]`, "/other": `["default"]`,
	} {
		equal(t, path, c.Join(path).Call("fail").JSON(), want)
	}

	srv = quiet()
	srv.OnError(answering("first"))
	wantPanic(t, func() { srv.OnError(answering("second")) }, "the server has an OnError already")
}

func TestSeed102AnErrorHandlerTakesTheError(t *testing.T) {
	srv := quiet()
	var got error
	srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
		got = err
		return nil, true
	})
	srv.On("fail", func() error { return fmt.Errorf("in the handler: %w", errSeed) })
	srv.On("panic", func() { panic(errSeed) })
	s := sockettest.Connect(t, srv, "/")
	for _, event := range []string{"fail", "panic"} {
		s.Call(event)
		if !errors.Is(got, errSeed) {
			t.Errorf("%s: got %v, want %v in it", event, got, errSeed)
		}
	}
	var p *framework.PanicError
	if !errors.As(got, &p) || !strings.Contains(string(p.Stack), "seed_errors_test.go") {
		t.Errorf("got %#v, want a PanicError whose stack leads here", got)
	}
}

func TestSeed103WhatItReturnsIsTheAck(t *testing.T) {
	tests := []struct {
		name  string
		reply []any
		ok    bool
		want  string // "" is no ack
	}{
		{"one value", []any{"sorry"}, true, `["sorry"]`},
		{"two values", []any{"sorry", 2}, true, `["sorry",2]`},
		{"no value", nil, true, `[]`},
		{"nothing", nil, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := quiet()
			srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) { return tt.reply, tt.ok })
			srv.On("fail", seedFails)
			srv.On("done", func() {})
			s := sockettest.Connect(t, srv, "/")
			s.Emit("fail") // without a request there is none
			failed := s.EmitWithAck("fail")
			s.Call("done")
			equal(t, "acked", failed.Answered(), tt.want != "")
			if tt.want != "" {
				equal(t, "ack", failed.Wait().JSON(), tt.want)
			}
		})
	}
}

func TestSeed104ItRepliesToTheClientConcerned(t *testing.T) {
	srv := quiet()
	srv.OnError(func(ctx context.Context, e *framework.Event, err error) ([]any, bool) {
		return nil, e.Socket.Emit("my error", err.Error()) == nil && ctx.Err() == nil
	})
	srv.On("fail", seedFails)
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	ann.Call("fail")
	expectAll(t, "my error", `["a failure"]`, ann)
	expectNone(t, bob)
}

func TestSeed105ItCoversWhateverCanFail(t *testing.T) {
	srv := quiet()
	seen := make(chan string, 1)
	srv.OnError(func(_ context.Context, e *framework.Event, err error) ([]any, bool) {
		var arg *framework.ArgError
		seen <- fmt.Sprint(e.Name, " ", errors.Is(err, errSeed), " ", errors.As(err, &arg))
		return nil, false
	})
	srv.On("event", seedFails)
	srv.On("count", func(int) {})
	srv.On("ask", func(s *framework.Socket) error { return s.Emit("question", seedFails) })
	srv.On("ask for a number", func(s *framework.Socket) error { return s.Emit("question", func(int) {}) })
	srv.On("disconnect", seedFails)
	srv.Route("/closed", func(r *framework.Router) { r.On("connect", seedFails) })

	s := sockettest.Connect(t, srv, "/")
	s.Emit("event")
	equal(t, "event", receive(t, seen), "event true false")
	s.Emit("count")
	equal(t, "missing argument", receive(t, seen), "count false true")
	s.Emit("count", "three")
	equal(t, "argument of another type", receive(t, seen), "count false true")
	s.Emit("ask")
	s.Expect("question").Ack()
	equal(t, "ack callback", receive(t, seen), "question true false")
	s.Emit("ask for a number")
	s.Expect("question").Ack("none")
	equal(t, "argument of an ack", receive(t, seen), "question false true")
	s.Conn().Refused("/closed")
	equal(t, "connect", receive(t, seen), "connect true false")
	s.Leave()
	equal(t, "disconnect", receive(t, seen), "disconnect true false")
}

func TestSeed106ARefusalIsNoFailureAtConnect(t *testing.T) {
	srv := quiet()
	srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) {
		t.Error("the error handler got a refusal")
		return nil, false
	})
	srv.On("connect", func() error { return framework.Refuse("no") })
	sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
}

func TestSeed106FromAnEventItIsAnErrorForTheClient(t *testing.T) {
	// Flask logs it and tells the client nothing.
	srv := quiet()
	srv.On("pay", func() error { return framework.Refuse("not enough", 7) })
	srv.Route("/handled", func(r *framework.Router) {
		r.OnError(answering("handled"))
		r.On("pay", func() error { return framework.Refuse("not enough", 7) })
	})
	c := sockettest.Dial(t, srv, sockettest.Options{})
	equal(t, "ack", c.Join("/").Call("pay").JSON(), `[{"error":{"message":"not enough","data":7}}]`)
	equal(t, "OnError decides", c.Join("/handled").Call("pay").JSON(), `["handled"]`)
}

func TestSeed107AFailureInsideItIsLogged(t *testing.T) {
	srv, log := logged()
	srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) { panic("worse") })
	srv.On("fail", seedFails)
	srv.On("done", func() {})
	s := sockettest.Connect(t, srv, "/")
	failed := s.EmitWithAck("fail")
	s.Call("done")
	equal(t, "acked", failed.Answered(), false)
	for _, want := range []string{"worse", "a failure"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
}

func TestSeed108WithoutOneTheClientIsToldNothing(t *testing.T) {
	srv, log := logged()
	srv.On("fail", seedFails)
	srv.On("done", func() {})
	s := sockettest.Connect(t, srv, "/")
	failed := s.EmitWithAck("fail")
	s.Call("done")
	equal(t, "acked", failed.Answered(), false)
	s.ExpectNone()
	if got := log.String(); !strings.Contains(got, `"level":"error"`) || !strings.Contains(got, errSeed.Error()) {
		t.Errorf("the log has no error:\n%s", got)
	}
}

// seedRequest is what Flask keeps in request.event, request.sid and
// request.namespace.
func seedRequest(ctx context.Context) string {
	e := framework.EventFrom(ctx)
	args, err := e.Args.MarshalJSON()
	return fmt.Sprint(e.Name, " ", string(args), " ", e.Socket.ID(), " ", e.Socket.Namespace().Path(), " ", err)
}

func TestSeed109TheEventIsReadableInHandlersAndErrorHandlers(t *testing.T) {
	srv := quiet()
	srv.Route("/test", func(r *framework.Router) {
		r.OnError(func(ctx context.Context, e *framework.Event, _ error) ([]any, bool) {
			return []any{seedRequest(ctx), e == framework.EventFrom(ctx)}, true
		})
		r.On("my event", func(ctx context.Context) string { return seedRequest(ctx) })
		r.On("my error event", seedFails)
	})
	s := sockettest.Connect(t, srv, "/test")
	equal(t, "handler", s.Call("my event", "data", 1).String(0), `my event ["data",1] `+s.ID()+` /test <nil>`)
	equal(t, "error handler", s.Call("my error event", true).JSON(), `["my error event [true] `+s.ID()+` /test <nil>",true]`)
	if framework.EventFrom(t.Context()) != nil {
		t.Error("there is an event outside of handlers")
	}
}

func TestSeed110WhatTheEventIsBesidesEvents(t *testing.T) {
	srv := quiet()
	seen := make(chan string, 1)
	note := func(_ context.Context, e *framework.Event) ([]any, error) {
		args, _ := e.Args.MarshalJSON()
		seen <- fmt.Sprint(e.Name, " ", string(args), " ", e.Kind())
		return nil, nil
	}
	for _, event := range []string{"connect", "disconnect", "*"} {
		srv.On(event, framework.HandlerFunc(note))
	}
	kind := func(k framework.Kind) string { return " " + fmt.Sprint(k) }
	s := sockettest.Connect(t, srv, "/", map[string]string{"token": "abc"})
	equal(t, "connect", receive(t, seen), `connect [{"token":"abc"}]`+kind(framework.KindConnect))
	s.Emit("any name", 1, 2)
	equal(t, "catch-all", receive(t, seen), `any name [1,2]`+kind(framework.KindEvent))
	s.Leave()
	equal(t, "disconnect", receive(t, seen), `disconnect ["client namespace disconnect"]`+kind(framework.KindDisconnect))
}

func TestSeed111EventsAtOneTimeDoNotMix(t *testing.T) {
	srv := quiet()
	const clients = 8
	inside, release := make(chan bool, clients), make(chan struct{})
	srv.On("wait", func(ctx context.Context, n int) string {
		inside <- true
		<-release
		return seedRequest(ctx)
	})
	sockets := make([]*sockettest.Socket, clients)
	pending := make([]*sockettest.Pending, clients)
	for i := range sockets {
		sockets[i] = sockettest.Connect(t, srv, "/")
		pending[i] = sockets[i].EmitWithAck("wait", i)
	}
	for range clients {
		receive(t, inside) // all of them run now
	}
	close(release)
	for i, s := range sockets {
		want := fmt.Sprintf("wait [%d] %s / <nil>", i, s.ID())
		equal(t, "event", pending[i].Wait().String(0), want)
	}
}
