package framework_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// Promise 11: nothing that user code does, in whatever corner it is called, ends
// the process, and what has to be cleaned up is.

// explosive panics when it is encoded.
type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("MarshalJSON") }

// hollow is an error whose methods cannot bear a nil receiver.
type hollow struct{ inner error }

func (h *hollow) Error() string { return h.inner.Error() }
func (h *hollow) Unwrap() error { return h.inner }

func TestPromise11NoPanicOfUserCodeEndsTheProcess(t *testing.T) {
	tests := map[string]any{
		"result":            func() any { return explosive{} },
		"error data":        func() error { return &framework.Error{Message: "m", Data: explosive{}} },
		"nil error type":    func() error { var h *hollow; return h },
		"nil Error":         func() error { var e *framework.Error; return e },
		"nil ArgError":      func() error { return (*framework.ArgError)(nil) },
		"emit":              func(s *framework.Socket) error { return s.Emit("x", explosive{}) },
		"ack":               func(a *framework.Ack) error { return a.Reply(explosive{}) },
		"callback":          func(s *framework.Socket) error { return s.Emit("ask", func() { panic("callback") }) },
		"callback's Goexit": func(s *framework.Socket) error { return s.Emit("ask", func() { runtime.Goexit() }) },
	}
	for name, handler := range tests {
		for _, onError := range []string{"no OnError", "OnError", "OnError exits"} {
			t.Run(name+"/"+onError, func(t *testing.T) {
				srv := quiet()
				srv.On("bad", handler)
				srv.On("good", func() bool { return true })
				switch onError {
				case "OnError":
					srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) { return []any{explosive{}}, true })
				case "OnError exits":
					srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) { runtime.Goexit(); return nil, false })
				}
				client := sockettest.Connect(t, srv, "/")
				client.EmitWithAck("bad")
				if strings.HasPrefix(name, "callback") {
					client.Expect("ask").Ack()
				}
				equal(t, "afterwards", client.Call("good").JSON(), "[true]")
			})
		}
	}
}

func TestPromise11NoPanicWhileConnectingOrDisconnectingLeavesAnythingBehind(t *testing.T) {
	tests := map[string]func(srv *framework.Server){
		"refusal's data": func(srv *framework.Server) {
			srv.On("connect", func() error { return framework.Refuse("no", explosive{}) })
		},
		"nil Error": func(srv *framework.Server) {
			srv.On("connect", func() error { var e *framework.Error; return e })
		},
		"hollow error": func(srv *framework.Server) {
			srv.On("connect", func() error { var h *hollow; return h })
		},
		"OnError exits": func(srv *framework.Server) {
			srv.On("connect", func() error { return errors.New("x") })
			srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) { runtime.Goexit(); return nil, false })
		},
	}
	for name, register := range tests {
		t.Run(name, func(t *testing.T) {
			srv := quiet()
			register(srv)
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			conn.Refused("/")
			conn.Refused("/")
			conn.Close()
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("OnDisconnect and its OnError exit", func(t *testing.T) {
		srv := quiet()
		srv.On("disconnect", func() error { return errors.New("x") })
		srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) { runtime.Goexit(); return nil, false })
		sockettest.Connect(t, srv, "/").Conn().Close()
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAVetoBehindOnConnectRefusesAndRunsOnDisconnect(t *testing.T) {
	log := make(chan string, 3)
	srv := quiet()
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if _, err := next.ServeEvent(ctx, e); err != nil {
				return nil, err
			}
			return nil, framework.Refuse("on second thoughts")
		})
	})
	srv.On("connect", func() { log <- "connect" })
	srv.On("disconnect", func(r framework.Reason) { log <- string(r) })
	refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
	equal(t, "message", refusal.Message, "on second thoughts")
	equal(t, "first", receive(t, log), "connect")
	equal(t, "second", receive(t, log), "server namespace disconnect")
}

func TestAnAckThatCannotBeSentMayBeRepliedAgain(t *testing.T) {
	srv := quiet()
	srv.On("ask", func(a *framework.Ack) error {
		if err := a.Reply(func() {}); err == nil {
			t.Error("a function was sent")
		}
		if err := a.Reply("ok"); err != nil {
			return err
		}
		if err := a.Reply("again"); !errors.Is(err, framework.ErrAlreadyAcked) {
			t.Errorf("got %v, want ErrAlreadyAcked", err)
		}
		return nil
	})
	equal(t, "answer", sockettest.Connect(t, srv, "/").Call("ask").JSON(), `["ok"]`)
}

func TestErrClosedOutOfOnConnectIsNoFailure(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	srv := quiet()
	srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
		t.Errorf("OnError got %v", err)
		return nil, false
	})
	srv.On("connect", func(s *framework.Socket) error {
		close(started)
		<-s.Context().Done()
		<-release
		return s.Emit("welcome")
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0")
	receive(t, started)
	conn.Cut()
	close(release)
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAnUnknownEventOfAnySizeCostsNoSearchWhileDebugIsOff(t *testing.T) {
	var log logBuffer
	srv := unhurried(framework.Options{Logger: zerolog.New(&log), MaxNameLength: -1})
	srv.On("known", func() {})
	client := sockettest.Connect(t, srv, "/")
	client.Emit(strings.Repeat("x", 500_000))
	client.Call("known")
	if n := len(log.String()); n > 5000 {
		t.Errorf("the log has %d bytes: a client's event name fills it", n)
	}
}
