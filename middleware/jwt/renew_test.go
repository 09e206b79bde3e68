package jwt_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware/jwt"
)

// inBubble runs a test in which hours pass at once.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func TestAnExpiredTokenEndsTheSocket(t *testing.T) {
	for name, leeway := range map[string]time.Duration{"at once": 0, "after the leeway": time.Minute} {
		inBubble(t, name, func(t *testing.T) {
			opts := options()
			opts.Leeway = leeway
			srv := newServer(opts)
			reasons := make(chan framework.Reason, 1)
			srv.On("disconnect", func(reason framework.Reason) { reasons <- reason })
			start := time.Now()
			s := sockettest.Dial(t, srv, sockettest.Options{Timeout: 2 * time.Hour}).Join("/", payload{sign(t, claim("ann", time.Hour, false))})

			s.Expect("token_expired")
			if got, want := time.Since(start), time.Hour+leeway; got != want {
				t.Errorf("the client was told after %v, want %v", got, want)
			}
			if got, want := s.Disconnected(), "io server disconnect"; got != want {
				t.Errorf("the client reads %q, want %q", got, want)
			}
			if got, want := <-reasons, framework.ServerNamespaceDisconnect; got != want {
				t.Errorf("OnDisconnect: got %q, want %q", got, want)
			}
			if got := s.Conn().Refused("/", payload{sign(t, claim("ann", -2*time.Minute, false))}).Message; got != "token expired" {
				t.Errorf("joining with an old token: got %q", got)
			}
			s.Conn().Join("/", payload{sign(t, claim("ann", time.Hour, false))}).Call("whoami")
		})
	}
}

func TestATokenThatExpiresDuringOnConnectEndsTheSocket(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		srv := newServer(options())
		srv.On("connect", func() { time.Sleep(2 * time.Second) })
		s := sockettest.Connect(t, srv, "/", payload{sign(t, claim("ann", time.Second, false))})
		if got, want := s.Disconnected(), "io server disconnect"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestEventsServedAfterTheEndAreRefused(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		srv := framework.New(framework.Options{Logger: zerolog.Nop()})
		// The socket's life goes on beyond the token: what is outside of Auth waits.
		srv.Use(func(next framework.Handler) framework.Handler {
			return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
				if e.Name == "late" {
					time.Sleep(2 * time.Hour)
				}
				reply, err := next.ServeEvent(ctx, e)
				if e.Name == "late" && (err == nil || err.Error() != "token expired") {
					t.Errorf("the event was served: %v, %v", reply, err)
				}
				return reply, err
			})
		}, jwt.Auth(options()))
		srv.On("late", func() { t.Error("the handler was called") })
		s := sockettest.Dial(t, srv, sockettest.Options{Timeout: 3 * time.Hour}).Join("/", payload{sign(t, claim("ann", time.Hour, false))})
		s.Emit("late")
		s.Disconnected()
		time.Sleep(2 * time.Hour)
	})
}

func TestRenewalChangesTheClaims(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		srv := newServer(options())
		srv.On("renew_token", func() { t.Error("a handler saw the renewal") })
		s := sockettest.Dial(t, srv, sockettest.Options{Timeout: 24 * time.Hour}).Join("/", payload{sign(t, claim("ann", time.Hour, false))})
		start := time.Now()

		for range 3 {
			time.Sleep(50 * time.Minute)
			var expires int64
			s.Call("renew_token", sign(t, claim("ann", time.Hour, true))).Decode(0, &expires)
			if want := time.Now().Add(time.Hour).UnixMilli(); expires != want {
				t.Errorf("the ack is %d, want %d", expires, want)
			}
			if got, want := s.Call("whoami").String(0), "ann true true"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		if got, want := whoami(srv.Of("/").Sockets()[0].Context()), "ann true true"; got != want {
			t.Errorf("Socket.Context: got %q, want %q", got, want)
		}
		s.Expect("token_expired")
		if got, want := time.Since(start), 150*time.Minute+time.Hour; got != want {
			t.Errorf("the socket lasted %v, want %v", got, want)
		}
	})
}

func TestRenewalMayShortenAndLift(t *testing.T) {
	inBubble(t, "shorten", func(t *testing.T) {
		s := sockettest.Dial(t, newServer(options()), sockettest.Options{Timeout: 24 * time.Hour}).
			Join("/", payload{sign(t, claim("ann", time.Hour, false))})
		start := time.Now()
		s.Call("renew_token", sign(t, claim("ann", time.Minute, false)))
		s.Expect("token_expired")
		if got, want := time.Since(start), time.Minute; got != want {
			t.Errorf("the socket lasted %v, want %v", got, want)
		}
	})
	inBubble(t, "lift", func(t *testing.T) {
		s := sockettest.Connect(t, newServer(options()), "/", payload{sign(t, claim("ann", time.Hour, false))})
		if got, want := s.Call("renew_token", sign(t, claim("ann", 0, false))).JSON(), `[null]`; got != want {
			t.Errorf("the ack is %s, want %s", got, want)
		}
		time.Sleep(24 * time.Hour)
		s.Call("whoami")
	})
	inBubble(t, "begin", func(t *testing.T) {
		s := sockettest.Dial(t, newServer(options()), sockettest.Options{Timeout: 24 * time.Hour}).
			Join("/", payload{sign(t, claim("ann", 0, false))})
		s.Call("renew_token", sign(t, claim("ann", time.Hour, false)))
		s.Expect("token_expired")
		s.Disconnected()
	})
}

func TestRenewalIsRefused(t *testing.T) {
	tests := []struct {
		name    string
		subject string // of the first token
		args    []any
		want    string
	}{
		{"without a token", "ann", nil, "unauthorized"},
		{"with something else", "ann", []any{map[string]int{"token": 1}}, "unauthorized"},
		{"with garbage", "ann", []any{"garbage"}, "unauthorized"},
		{"with an empty one", "ann", []any{""}, "unauthorized"},
		{"with an expired one", "ann", []any{sign(t, claim("ann", -time.Hour, true))}, "token expired"},
		{"with another's", "ann", []any{sign(t, claim("bob", time.Hour, true))}, "unauthorized"},
		{"with nobody's", "ann", []any{sign(t, claim("", time.Hour, true))}, "unauthorized"},
		{"with nobody's for nobody", "", []any{sign(t, claim("", time.Hour, true))}, "unauthorized"},
		{"without a signature", "ann", []any{signWith(t, gojwt.SigningMethodNone, gojwt.UnsafeAllowNoneSignatureType, claim("ann", time.Hour, true))}, "unauthorized"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sockettest.Connect(t, newServer(options()), "/", payload{sign(t, claim(tt.subject, time.Hour, false))})
			if got, want := s.Call("renew_token", tt.args...).JSON(), `[{"error":{"message":"`+tt.want+`"}}]`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got, want := s.Call("whoami").String(0), tt.subject+" false true"; got != want {
				t.Errorf("the claims are %q, want %q", got, want)
			}
		})
	}
}

func TestSameDecidesWhoMayRenew(t *testing.T) {
	opts := options()
	opts.RenewEvent, opts.ExpiredEvent = "fresh", "over"
	opts.Same = func(current, fresh claims) bool { return current.Admin == fresh.Admin }
	inBubble(t, "", func(t *testing.T) {
		s := sockettest.Dial(t, newServer(opts), sockettest.Options{Timeout: 24 * time.Hour}).
			Join("/", payload{sign(t, claim("ann", time.Hour, false))})
		s.Call("fresh", sign(t, claim("bob", time.Hour, false)))
		if got, want := s.Call("whoami").String(0), "bob false true"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		s.Call("fresh", sign(t, claim("bob", time.Hour, true)))
		if got, want := s.Call("whoami").String(0), "bob false true"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		s.Expect("over")
	})
}
