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
	srv := framework.New(framework.Options{Logger: zerolog.New(&log), NewAdapter: func(l adapter.Local) (adapter.Adapter, error) {
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
