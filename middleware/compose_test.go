package middleware_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

// store is a class with a method, and a Routes method that narrows.
type store struct {
	framework.Namespace
	till till
}

func (c *store) OnConnect(_ *framework.Socket, table cup) error { return nil }

func (c *store) OnDrink(ctx context.Context, _ cup) string { return name(ctx) }

func (c *store) Routes(r *framework.Router) {
	r.With(middleware.Once(middleware.OnceOptions{})).On("pay", c.till.sell)
	r.Group(func(r *framework.Router) {
		r.Use(middleware.RateLimit(middleware.RateLimitOptions{Rate: 0.001}), middleware.Concurrency(1, 0))
		r.On("report", func() string { return "report" })
	})
}

// As in chi: With and Group inside Use, a class inside of both, each where it was
// put and nowhere else.
func TestEverythingComposes(t *testing.T) {
	srv, log := newServer(zerolog.InfoLevel)
	srv.Use(middleware.RateLimit(middleware.RateLimitOptions{Rate: 1000}), middleware.Logger, middleware.Recoverer)
	srv.Check(middleware.Validate)
	srv.Route("/store", func(r *framework.Router) {
		r.Use(middleware.Cookie("sid", bySession), middleware.Timeout(time.Minute))
		r.Attach(&store{})
	})

	cookie := sockettest.Options{Header: http.Header{"Cookie": {"sid=s1"}}}
	if got, want := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/store").String(), `"unauthorized"`; got != want {
		t.Errorf("without a cookie: got %s, want %s", got, want)
	}
	if got, want := sockettest.Dial(t, srv, cookie).Refused("/store", cup{"broken"}).Message, "this cup is broken"; got != want {
		t.Errorf("with a wrong payload: got %q, want %q", got, want)
	}
	s := sockettest.Dial(t, srv, cookie).Join("/store", cup{"clean"})
	steps := []struct {
		name, event string
		arg         any
		want        string
	}{
		{"a method", "drink", cup{"clean"}, `["ann true"]`},
		{"a check", "drink", cup{"dirty"}, `[{"error":{"message":"invalid argument"}}]`},
		{"once", "pay", pay("a"), `[1]`},
		{"once, again", "pay", pay("a"), `[1]`},
		{"a group", "report", nil, `["report"]`},
		{"a group's limit", "report", nil, exceeded(1000_000)},
		{"which is the group's", "pay", pay("b"), `[2]`},
	}
	for _, step := range steps {
		got := s.Call(step.event, step.arg).JSON()
		if step.want == exceeded(1000_000) {
			if len(got) < 60 || got[:40] != step.want[:40] { // real time has passed
				t.Errorf("%s: got %s, want %s or less", step.name, got, step.want)
			}
		} else if got != step.want {
			t.Errorf("%s: got %s, want %s", step.name, got, step.want)
		}
	}
	if got := log.with(t, "message", "event served"); len(got) != len(steps) {
		t.Errorf("Logger wrote %d lines, want %d", len(got), len(steps))
	}
}
