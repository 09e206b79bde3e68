package middleware_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

func TestRecovererMakesAPanicAnError(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  string
		is    error
	}{
		{"a string", "boom", "framework: handler panicked: boom", nil},
		{"an error", io.ErrUnexpectedEOF, "framework: handler panicked: unexpected EOF", io.ErrUnexpectedEOF},
		{"nil", nil, "framework: handler panicked: panic called with nil argument", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := middleware.Recoverer(framework.HandlerFunc(
				func(context.Context, *framework.Event) ([]any, error) { panic(tt.value) }))

			reply, err := h.ServeEvent(t.Context(), &framework.Event{Name: "join"})
			if reply != nil {
				t.Errorf("got the reply %v, want none", reply)
			}
			var p *framework.PanicError
			if !errors.As(err, &p) {
				t.Fatalf("got the error %v, want a *framework.PanicError", err)
			}
			if p.Error() != tt.want {
				t.Errorf("got %q, want %q", p, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
			if !strings.Contains(string(p.Stack), "recoverer_test.go") {
				t.Errorf("the stack does not lead to the handler:\n%s", p.Stack)
			}
		})
	}
}

func TestRecovererLeavesResultsAlone(t *testing.T) {
	h := middleware.Recoverer(framework.HandlerFunc(
		func(context.Context, *framework.Event) ([]any, error) { return []any{1}, io.EOF }))
	reply, err := h.ServeEvent(t.Context(), &framework.Event{Name: "join"})
	if len(reply) != 1 || reply[0] != 1 || err != io.EOF {
		t.Errorf("got %v and %v, want [1] and EOF", reply, err)
	}
}

func TestRecovererRefusesAtConnect(t *testing.T) {
	srv, log := newServer(zerolog.InfoLevel)
	srv.Use(middleware.Logger, middleware.Recoverer)
	srv.On("connect", func() { panic("secret") })

	refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
	if got, want := refusal.Message, "Internal server error"; got != want {
		t.Errorf("the client reads %q, want %q", got, want)
	}
	if got := log.with(t, "message", "connect refused"); len(got) != 1 || got[0]["error"] != "framework: handler panicked: secret" {
		t.Errorf("Logger wrote %v, want the panic", got)
	}
}
