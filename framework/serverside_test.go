package framework_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
)

func TestServerSideHandlersAreContained(t *testing.T) {
	var local adapter.Local
	var log logBuffer
	srv := unhurried(framework.Options{Logger: zerolog.New(&log), NewAdapter: func(l adapter.Local) (adapter.Adapter, error) {
		local = l
		return new(fakeCluster), nil
	}})
	srv.Route("/", func(r *framework.Router) {
		r.OnServerSide("answers", func(_ context.Context, n int, more *string) (int, []byte) { return n + 1, []byte{1} })
		r.OnServerSide("fails", func() error { return errors.New("not today") })
		r.OnServerSide("panics", func() { panic("oh") })
		r.OnServerSide("exits", func() { runtime.Goexit() })
		r.OnServerSide("cannot be sent", func() any { return make(chan int) })
	})
	tests := []struct {
		data string
		want string // the answer, or what the error says
	}{
		{`["answers",1]`, `[2,{"_placeholder":true,"num":0}] [[1]]`},
		{`["answers",1,null,"more than it takes"]`, `[2,{"_placeholder":true,"num":0}] [[1]]`},
		{`["answers"]`, `argument 0 of "answers" is missing`},
		{`["answers","x"]`, `argument 0 of "answers"`},
		{`["fails"]`, "not today"},
		{`["panics"]`, "handler panicked: oh"},
		{`["exits"]`, "runtime.Goexit"},
		{`["cannot be sent"]`, "encode argument 0"},
		{`["unknown"]`, "no handler for the event"},
	}
	for _, tt := range tests {
		p, err := local.ServerEvent(t.Context(), adapter.Packet{Data: []byte(tt.data)})
		got := fmt.Sprintf("%s %v", p.Data, p.Attachments)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.data, got, tt.want)
		}
	}
	if lines := strings.Count(log.String(), `"level":"error"`); lines != 6 || !strings.Contains(log.String(), "TestServerSideHandlersAreContained.func") {
		t.Errorf("got %d lines of errors, want 6, a stack among them:\n%s", lines, &log)
	}
}

func TestServerSideHandlersThatDoNotFitPanic(t *testing.T) {
	tests := []struct {
		name    string
		event   string
		handler any
		want    string
	}{
		{"no function", "x", 1, `framework: OnServerSide("x") on "/": handler is int: want func([context.Context], args...) (results..., [error])`},
		{"nil", "x", (func())(nil), "handler is func()"},
		{"a socket", "x", func(*framework.Socket) {}, "takes *framework.Socket behind the arguments, or where there is none"},
		{"an ack", "x", func(*framework.Ack) {}, "takes *framework.Ack"},
		{"no name", "", func() {}, "an event needs a name"},
		{"reserved", "new_namespace", func() {}, "event name is reserved"},
		{"twice", "taken", func() {}, `both serve "taken"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, tt.want) {
					t.Errorf("got %q, want %q", v, tt.want)
				}
			}()
			quiet().Route("/", func(r *framework.Router) {
				r.OnServerSide("taken", func() {})
				r.OnServerSide(tt.event, tt.handler)
			})
		})
	}
}

func TestAServerSideHandlerLogsToTheServersLogger(t *testing.T) {
	var local adapter.Local
	var log logBuffer
	srv := unhurried(framework.Options{Logger: zerolog.New(&log), NewAdapter: func(l adapter.Local) (adapter.Adapter, error) {
		local = l
		return new(fakeCluster), nil
	}})
	srv.Route("/", func(r *framework.Router) {
		r.OnServerSide("x", func(ctx context.Context) { zerolog.Ctx(ctx).Info().Msg("hello") })
	})
	if _, err := local.ServerEvent(t.Context(), adapter.Packet{Data: []byte(`["x"]`)}); err != nil {
		t.Fatal(err)
	}
	if want := `{"level":"info","nsp":"/","event":"x","message":"hello"}`; !strings.Contains(log.String(), want) {
		t.Errorf("got %s, want %s", &log, want)
	}
}

func TestPromise15ShutdownInsideAServerSideHandlerIsAnError(t *testing.T) {
	var a fakeCluster
	srv := clustered(&a)
	got := make(chan error, 1)
	srv.Route("/", func(r *framework.Router) {
		r.OnServerSide("x", func() { got <- srv.Shutdown(context.Background()) })
	})
	if _, err := a.local.ServerEvent(t.Context(), adapter.Packet{Data: []byte(`["x"]`)}); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, got); !errors.Is(err, framework.ErrShutdown) {
		t.Errorf("got %v, want %v: it would wait for its own handler", err, framework.ErrShutdown)
	}
	equal(t, "closed", a.closed, 0)
}
