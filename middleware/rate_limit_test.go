package middleware_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

// exceeded is the answer to an event that came ms too early.
func exceeded(ms int) string {
	return fmt.Sprintf(`[{"error":{"message":"rate limit exceeded","data":{"retryAfter":%d}}}]`, ms)
}

func TestRateLimitRefusesWhatIsTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, log := newServer(zerolog.WarnLevel)
		srv.Use(middleware.RateLimit(middleware.RateLimitOptions{Rate: 2, Burst: 3}))
		served := 0
		srv.On("ping", func() int { served++; return served })
		s := sockettest.Connect(t, srv, "/")

		for want := range 3 {
			if got, want := s.Call("ping").JSON(), fmt.Sprintf("[%d]", want+1); got != want {
				t.Errorf("within the burst: got %s, want %s", got, want)
			}
		}
		for range 2 { // to be refused costs no token
			if got, want := s.Call("ping").JSON(), exceeded(500); got != want {
				t.Errorf("beyond the burst: got %s, want %s", got, want)
			}
		}
		s.Emit("ping") // dropped
		time.Sleep(499*time.Millisecond + 1)
		if got, want := s.Call("ping").JSON(), exceeded(1); got != want {
			t.Errorf("a little too early: got %s, want %s", got, want)
		}
		time.Sleep(time.Millisecond)
		if got, want := s.Call("ping").JSON(), "[4]"; got != want {
			t.Errorf("half a second later: got %s, want %s", got, want)
		}
		if lines := log.with(t, "message", "rate limit exceeded"); len(lines) != 1 || lines[0]["sid"] != s.ID()[:8] {
			t.Errorf("logged %v, want one line with the socket", lines)
		}
	})
}

func TestEachSocketHasABucketOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := newServer(zerolog.Disabled)
		srv.Use(middleware.RateLimit(middleware.RateLimitOptions{Rate: rate.Every(time.Hour)}))
		srv.On("ping", func() {})
		srv.Route("/other", func(r *framework.Router) { r.On("ping", func() {}) })
		c := sockettest.Dial(t, srv, sockettest.Options{})
		for _, s := range []*sockettest.Socket{c.Join("/"), c.Join("/other"), sockettest.Connect(t, srv, "/")} {
			if got, want := s.Call("ping").JSON(), "[]"; got != want {
				t.Errorf("the first: got %s, want %s", got, want)
			}
			if got, want := s.Call("ping").JSON(), exceeded(3600_000); got != want {
				t.Errorf("the second: got %s, want %s", got, want)
			}
		}
	})
}

func TestARateLimitCountsWhatItStandsInFrontOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		once := func() framework.Middleware {
			return middleware.RateLimit(middleware.RateLimitOptions{Rate: rate.Every(time.Hour)})
		}
		srv, _ := newServer(zerolog.Disabled)
		srv.Route("/", func(r *framework.Router) {
			r.With(once()).On("a", func() {})
			r.With(once()).On("b", func() {})
			r.Group(func(r *framework.Router) {
				r.Use(once())
				r.On("c", func() {})
				r.On("d", func() {})
			})
			r.On("free", func() {})
		})
		s := sockettest.Connect(t, srv, "/")
		var got []string
		for _, event := range []string{"a", "b", "a", "b", "c", "d", "free", "free"} {
			answer := "served"
			if s.Call(event).Len() > 0 {
				answer = "refused"
			}
			got = append(got, event+" "+answer)
		}
		want := "a served, b served, a refused, b refused, c served, d refused, free served, free served"
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestRateLimitDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, log := newServer(zerolog.WarnLevel)
		srv.Use(middleware.RateLimit(middleware.RateLimitOptions{Rate: 1, Burst: 2, DisconnectAfter: 3}))
		reasons := make(chan framework.Reason, 1)
		srv.On("disconnect", func(reason framework.Reason) { reasons <- reason })
		s := sockettest.Connect(t, srv, "/")
		for range 4 { // two served, two refused
			s.Emit("ping")
		}
		synctest.Wait()
		time.Sleep(2 * time.Second) // the bucket is full: what was refused is forgiven
		for range 4 {
			s.Emit("ping")
		}
		synctest.Wait()
		time.Sleep(time.Second) // it is not
		s.Emit("ping")
		synctest.Wait()
		s.ExpectNone()
		s.Emit("ping")
		if got, want := s.Disconnected(), "io server disconnect"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := <-reasons, framework.ServerNamespaceDisconnect; got != want {
			t.Errorf("OnDisconnect: got %q, want %q", got, want)
		}
		if got := log.with(t, "message", "rate limit exceeded, socket disconnected"); len(got) != 1 || got[0]["refused"] != 3.0 {
			t.Errorf("logged %v, want one line with the number", got)
		}
		s.Conn().Join("/") // a new socket, a new bucket
	})
}

func TestRateLimitLetsConnectingThrough(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	srv.Use(middleware.AtConnect(middleware.RateLimit(middleware.RateLimitOptions{Rate: rate.Every(time.Hour)})))
	srv.On("ping", func() {})
	for range 3 {
		s := sockettest.Connect(t, srv, "/")
		for range 3 {
			if got := s.Call("ping").JSON(); got != "[]" {
				t.Errorf("got %s, want []", got)
			}
		}
	}
}

func TestRateLimitFillsInTheBurst(t *testing.T) {
	for limit, want := range map[rate.Limit]int{0.1: 1, 1: 1, 2.5: 3, 1e18: 100} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, _ := newServer(zerolog.Disabled)
				srv.Use(middleware.RateLimit(middleware.RateLimitOptions{Rate: limit}))
				served := 0
				srv.On("ping", func() { served++ })
				s := sockettest.Connect(t, srv, "/")
				for range 100 {
					s.Emit("ping")
				}
				s.EmitWithAck("ping").Wait()
				if served = min(served, 100); served != want {
					t.Errorf("%d were served at once, want %d", served, want)
				}
			})
		})
	}
}

func TestRateLimitPanicsOnWrongOptions(t *testing.T) {
	tests := []struct {
		name string
		opts middleware.RateLimitOptions
		want string
	}{
		{"none", middleware.RateLimitOptions{}, "middleware: RateLimit: Rate is 0: want how many events a second, or no RateLimit"},
		{"negative", middleware.RateLimitOptions{Rate: -1}, "middleware: RateLimit: Rate is -1: want"},
		{"infinite", middleware.RateLimitOptions{Rate: rate.Inf}, "middleware: RateLimit: Rate is 1.7"},
		{"no number", middleware.RateLimitOptions{Rate: rate.Limit(math.NaN())}, "middleware: RateLimit: Rate is NaN"},
		{"negative burst", middleware.RateLimitOptions{Rate: 1, Burst: -1}, "middleware: RateLimit: Burst is -1"},
		{"negative count", middleware.RateLimitOptions{Rate: 1, DisconnectAfter: -1}, "middleware: RateLimit: DisconnectAfter is -1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, tt.want) {
					t.Errorf("got the panic %q, want %q", got, tt.want)
				}
			}()
			middleware.RateLimit(tt.opts)
		})
	}
}
