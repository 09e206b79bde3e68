package middleware_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

func TestLoggerWritesALineForEachEvent(t *testing.T) {
	srv, log := newServer(zerolog.InfoLevel)
	srv.Use(middleware.Logger, middleware.Recoverer)
	srv.Route("/chat", func(r *framework.Router) {
		r.On("join", func(room string) string { return room })
		r.On("fail", func() error { return errors.New("no such room") })
		r.On("panic", func() { panic("boom") })
	})

	s := sockettest.Connect(t, srv, "/chat")
	s.Emit("fail")
	s.EmitWithAck("panic")
	s.Emit("unknown")
	s.Call("join", "kitchen")

	want := []struct {
		event   string
		kind    string
		message string
		ack     any
		err     any
	}{
		{"connect", "connect", "connect served", nil, nil},
		{"fail", "event", "event served", false, "no such room"},
		{"panic", "event", "event served", true, "framework: handler panicked: boom"},
		{"unknown", "event", "event served", false, "framework: no handler for the event"},
		{"join", "event", "event served", true, nil},
	}
	for _, w := range want {
		var line map[string]any
		for _, l := range log.with(t, "event", w.event) {
			if l["kind"] == w.kind {
				line = l
			}
		}
		if line == nil {
			t.Errorf("%s: no line", w.event)
			continue
		}
		got := []any{line["message"], line["ack"], line["error"], line["nsp"], line["sid"], line["level"]}
		wanted := []any{w.message, w.ack, w.err, "/chat", s.ID()[:8], "info"}
		for i := range got {
			if got[i] != wanted[i] {
				t.Errorf("%s: got %v, want %v", w.event, got, wanted)
				break
			}
		}
		if d, ok := line["duration"].(float64); !ok || d < 0 {
			t.Errorf("%s: the duration is %v, want milliseconds", w.event, line["duration"])
		}
	}
}

func TestLoggerTellsWhyAConnectWasRefused(t *testing.T) {
	srv, log := newServer(zerolog.InfoLevel)
	srv.Use(middleware.Logger)
	srv.On("connect", func() error { return framework.Refuse("members only") })

	sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
	got := log.with(t, "message", "connect refused")
	if len(got) != 1 || got[0]["error"] != "members only" || got[0]["event"] != "connect" {
		t.Errorf("got %v, want one line with the refusal", got)
	}
}

func TestLoggerUsesTheLoggerThatConnectMiddlewareLeft(t *testing.T) {
	srv, log := newServer(zerolog.InfoLevel)
	srv.Use(middleware.AtConnect(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			named := zerolog.Ctx(ctx).With().Str("user", "ann").Logger()
			return next.ServeEvent(named.WithContext(ctx), e)
		})
	}), middleware.Logger)
	srv.On("join", func() {})

	sockettest.Connect(t, srv, "/").Call("join")
	for _, event := range []string{"connect", "join"} {
		lines := log.with(t, "event", event)
		if len(lines) != 1 || lines[0]["user"] != "ann" {
			t.Errorf("%s: got %v, want one line with the user", event, lines)
		}
	}
}

func TestLoggerPassesResultsOn(t *testing.T) {
	failure := errors.New("late")
	h := middleware.Logger(framework.HandlerFunc(
		func(context.Context, *framework.Event) ([]any, error) { return []any{1}, failure }))
	reply, err := h.ServeEvent(t.Context(), &framework.Event{Name: "join"})
	if len(reply) != 1 || reply[0] != 1 || err != failure {
		t.Errorf("got %v and %v, want [1] and %v", reply, err, failure)
	}
}
