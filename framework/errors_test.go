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

// trace is a middleware that notes what passes it.
func trace(name string, log *[]string) framework.Middleware {
	return func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			reply, err := next.ServeEvent(ctx, e)
			*log = append(*log, fmt.Sprintf("%s %s %v", name, e.Name, err))
			return reply, err
		})
	}
}

// Promise 6.

func TestPromise06MiddlewareWrapsConnectAndEventsNotDisconnect(t *testing.T) {
	var log []string
	gone := make(chan struct{})
	srv := quiet()
	srv.Use(trace("server", &log))
	srv.Route("/n", func(r *framework.Router) {
		r.Use(trace("namespace", &log))
		r.On("plain", func() {})
		r.With(trace("with", &log)).On("narrow", func() {})
		r.Group(func(r *framework.Router) {
			r.Use(trace("group", &log))
			r.On("grouped", func() {})
		})
		r.On("disconnect", func() { close(gone) })
	})
	client := sockettest.Connect(t, srv, "/n")
	client.Call("plain")
	client.Call("narrow")
	client.Call("grouped")
	client.Emit("unknown")
	client.Call("plain")
	client.Leave()
	receive(t, gone)
	want := []string{
		"namespace connect <nil>", "server connect <nil>",
		"namespace plain <nil>", "server plain <nil>",
		"with narrow <nil>", "namespace narrow <nil>", "server narrow <nil>",
		"group grouped <nil>", "namespace grouped <nil>", "server grouped <nil>",
		"namespace unknown " + framework.ErrNoHandler.Error(), "server unknown " + framework.ErrNoHandler.Error(),
		"namespace plain <nil>", "server plain <nil>",
	}
	if got := strings.Join(log, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestPromise06MiddlewareMayChangeArgumentsAndAnswer(t *testing.T) {
	srv := quiet()
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			changed := *e
			if e.Name == "echo" {
				changed.Args = framework.ArgsOf("changed", []byte{1})
			}
			reply, err := next.ServeEvent(ctx, &changed)
			if errors.Is(err, framework.ErrNoHandler) {
				return []any{"nobody handles " + e.Name}, nil
			}
			return append(reply, "added"), err
		})
	})
	srv.On("echo", func(s string, b []byte) string { return fmt.Sprintf("%s %v", s, b) })
	client := sockettest.Connect(t, srv, "/")
	equal(t, "echo", client.Call("echo", "sent").JSON(), `["changed [1]","added"]`)
	equal(t, "unknown", client.Call("other").JSON(), `["nobody handles other"]`)
}

func TestPromise06AMiddlewareThatAnswersInOnConnectsPlaceRefuses(t *testing.T) {
	srv := quiet()
	srv.Use(func(framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(context.Context, *framework.Event) ([]any, error) { return nil, nil })
	})
	srv.On("connect", func() { t.Error("OnConnect ran") })
	refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
	equal(t, "message", refusal.Message, "Connection rejected by server")
}

// Promise 11.

type faulty struct{ framework.Namespace }

func (f *faulty) OnPlain() error  { return errors.New("secret detail") }
func (f *faulty) OnPanic()        { panic("secret panic") }
func (f *faulty) OnCount(n int)   {}
func (f *faulty) OnPublic() error { return &framework.Error{Message: "for you", Data: []int{1}} }
func (f *faulty) OnWrapped() error {
	return fmt.Errorf("context: %w", &framework.Error{Message: "inner"})
}
func (f *faulty) OnUnsendable() any     { return func() {} }
func (f *faulty) OnFine() (string, int) { return "one", 2 }

func TestPromise11OnlyChosenTextReachesClients(t *testing.T) {
	srv, log := logged()
	srv.Register("/", &faulty{})
	client := sockettest.Connect(t, srv, "/")
	tests := []struct {
		event  string
		args   []any
		answer string // "" for none
		logged string
	}{
		{"plain", nil, "", "secret detail"},
		{"panic", nil, "", "secret panic"},
		{"count", []any{"x"}, "", "argument 0 of \\\"count\\\": want int, got string"},
		{"count", nil, "", "argument 0 of \\\"count\\\" is missing, want int"},
		{"unsendable", nil, "", "ack \\\"unsendable\\\""},
		{"public", nil, `[{"error":{"message":"for you","data":[1]}}]`, ""},
		{"wrapped", nil, `[{"error":{"message":"inner"}}]`, ""},
		{"fine", nil, `["one",2]`, ""},
		{"fin", nil, "", `"hint":"fine?"`},
	}
	for _, tt := range tests {
		t.Run(tt.event, func(t *testing.T) {
			answer := client.EmitWithAck(tt.event, tt.args...)
			if tt.answer != "" {
				equal(t, "answer", answer.Wait().JSON(), tt.answer)
				return
			}
			client.Call("fine") // behind it
			if answer.Answered() {
				t.Errorf("answered %s, want no answer", answer.Wait())
			}
			if !strings.Contains(log.String(), tt.logged) {
				t.Errorf("the log lacks %s:\n%s", tt.logged, log)
			}
		})
	}
}

func TestPromise11ErrorsGoToTheNamespaceThenTheServerThenTheLog(t *testing.T) {
	var log []string
	note := func(name string) framework.ErrorHandler {
		return func(ctx context.Context, e *framework.Event, err error) ([]any, bool) {
			log = append(log, fmt.Sprintf("%s: %s: %v", name, e.Name, err))
			if framework.EventFrom(ctx) == nil {
				t.Error("an error handler's context has no event")
			}
			return []any{name}, e.Name != "quiet"
		}
	}
	fail := func() error { return errors.New("failed") }
	srv := quiet()
	srv.OnError(note("server"))
	srv.Route("/own", func(r *framework.Router) {
		r.OnError(note("own"))
		r.On("fail", fail)
		r.On("quiet", fail)
		r.On("public", func() error { return &framework.Error{Message: "m"} })
		r.On("error", func() string { return "an ordinary event" })
	})
	srv.Route("/none", func(r *framework.Router) { r.On("fail", fail) })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	own, none := conn.Join("/own"), conn.Join("/none")
	equal(t, "own", own.Call("fail").JSON(), `["own"]`)
	equal(t, "none", none.Call("fail").JSON(), `["server"]`)
	equal(t, "what OnError returns wins", own.Call("public").JSON(), `["own"]`)
	if own.EmitWithAck("quiet").Answered() {
		t.Error("an event was acked though OnError returned nothing")
	}
	equal(t, "an event named error", own.Call("error").JSON(), `["an ordinary event"]`)
	equal(t, "log", strings.Join(log[:3], "; "), "own: fail: failed; server: fail: failed; own: public: m")
}

// failing's OnError is a method; its failures must not end anything.
type failing struct {
	framework.Namespace
	errs chan error
}

func (f *failing) OnPlain() error { return errors.New("plain") }
func (f *failing) OnTwice() error { return errors.New("twice") }
func (f *failing) OnFine() bool   { return true }
func (f *failing) OnError(e *framework.Event, err error) (string, int) {
	f.errs <- err
	if e.Name == "twice" {
		panic("OnError too")
	}
	return "handled", 1
}

func TestPromise11AnErrorHandlerThatFailsIsLogged(t *testing.T) {
	srv, log := logged()
	f := &failing{errs: make(chan error, 3)}
	srv.Register("/", f)
	client := sockettest.Connect(t, srv, "/")
	equal(t, "plain", client.Call("plain").JSON(), `["handled",1]`)
	client.Emit("twice")
	equal(t, "afterwards", client.Call("fine").JSON(), `[true]`)
	for _, want := range []string{"OnError too", `"error":"twice"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

func TestPromise11AnyFailureOfOnConnectButRefuseHasAFixedText(t *testing.T) {
	tests := []struct {
		name    string
		connect any
		message string
		data    string
	}{
		{"error", func() error { return errors.New("secret") }, "Internal server error", ""},
		{"panic", func() { panic("secret") }, "Internal server error", ""},
		{"auth of another shape", func(auth struct{ Token int }) {}, "Internal server error", ""},
		{"Refuse", func() error { return framework.Refuse("no") }, "no", ""},
		{"Refuse without text", func() error { return framework.Refuse("") }, "Connection rejected by server", ""},
		{"Refuse with data", func() error { return framework.Refuse("no", 7) }, "no", "7"},
		{"Refuse with more data", func() error { return framework.Refuse("no", 1, "b") }, "no", `[1,"b"]`},
		{"Refuse wrapped", func() error { return fmt.Errorf("auth: %w", framework.Refuse("no")) }, "no", ""},
		{"Error", func() error { return &framework.Error{Message: "told"} }, "told", ""},
		{"Refuse with data that cannot be sent", func() error { return framework.Refuse("no", func() {}) }, "no", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := quiet()
			srv.On("connect", tt.connect)
			srv.On("disconnect", func() { t.Error("OnDisconnect of a client that was refused") })
			refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/", map[string]string{"token": "x"})
			equal(t, "message", refusal.Message, tt.message)
			equal(t, "data", string(refusal.Data), tt.data)
		})
	}
}

// Promise 14.

func TestPromise14PendingAcksEndWithErrClosed(t *testing.T) {
	srv := quiet()
	errs := make(chan error, 3)
	srv.On("ask", func(s *framework.Socket) {
		s.Emit("callback", func(answer string, err error) { errs <- err })
		s.Emit("no interest", func(answer string) { t.Error("a callback without an error ran") })
		go func() {
			_, err := s.EmitWithAck(context.Background(), "blocking")
			errs <- err
		}()
	})
	client := sockettest.Connect(t, srv, "/")
	client.Call("ask")
	client.Expect("blocking")
	client.Conn().Cut()
	for range 2 {
		if err := receive(t, errs); !errors.Is(err, framework.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
}

func TestPromise14EmitOnAnUnregisteredNamespaceIsAnError(t *testing.T) {
	srv := quiet()
	var loose greeter
	for name, err := range map[string]error{
		"a path nobody registered": srv.Of("/nowhere").Emit("x"),
		"a room there":             srv.Of("/nowhere").To("r").Send("x"),
		"a class value":            loose.Emit("x"),
	} {
		if !errors.Is(err, framework.ErrNotRegistered) {
			t.Errorf("%s: got %v, want ErrNotRegistered", name, err)
		}
	}
	if err := srv.Emit("connect"); !errors.Is(err, framework.ErrReservedEvent) {
		t.Errorf("reserved name: got %v, want ErrReservedEvent", err)
	}
}

func TestEmitWithAckEndsWithItsContext(t *testing.T) {
	errs := make(chan error, 1)
	srv := quiet()
	srv.On("ask", func(ctx context.Context, s *framework.Socket) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		_, err := s.EmitWithAck(ctx, "question")
		errs <- err
	})
	client := sockettest.Connect(t, srv, "/")
	client.Call("ask")
	if err := receive(t, errs); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	client.Expect("question").Ack("too late")
	client.Call("ask") // the late answer did no harm
}
