package jwt_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware/jwt"
)

// A client that comes back to its session is not let in, nor let stay, by a token that
// has expired.

func recovering(skip bool) *framework.Server {
	srv := framework.New(framework.Options{
		Logger:   zerolog.Nop(),
		Recovery: framework.Recovery{MaxDisconnection: time.Hour, SkipMiddleware: skip},
	})
	srv.Use(jwt.Auth(options()))
	srv.On("whoami", whoami)
	return srv
}

func TestAnExpiredTokenDoesNotComeBack(t *testing.T) {
	for name, skip := range map[string]bool{"middleware runs": false, "middleware is skipped": true} {
		inBubble(t, name, func(t *testing.T) {
			srv := recovering(skip)
			token := payload{sign(t, claim("ann", time.Minute, false))}
			lost := sockettest.Connect(t, srv, "/", token)
			lost.Conn().Cut()
			time.Sleep(2 * time.Minute)
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			refused := conn.Refused("/", map[string]string{"pid": lost.PID(), "token": token.Token})
			if got, want := refused.Message, "token expired"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			conn.Close()
			srv.Shutdown(t.Context())
		})
	}
}

func TestAClientThatComesBackGoesWhenItsTokenExpires(t *testing.T) {
	for name, skip := range map[string]bool{"middleware runs": false, "middleware is skipped": true} {
		inBubble(t, name, func(t *testing.T) {
			srv := recovering(skip)
			token := payload{sign(t, claim("ann", time.Hour, false))}
			start := time.Now()
			s := sockettest.Connect(t, srv, "/", token)
			for range 2 {
				s.Conn().Cut()
				time.Sleep(time.Minute)
				conn := sockettest.Dial(t, srv, sockettest.Options{Timeout: 2 * time.Hour})
				if s = conn.Recover(s, token); !s.Recovered() {
					t.Fatal("it has not recovered")
				}
				if got, want := s.Call("whoami").String(0), "ann false true"; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				synctest.Wait()
			}
			s.Expect("token_expired")
			s.Disconnected()
			if got, want := time.Since(start), time.Hour; got != want {
				t.Errorf("it went after %v, want %v", got, want)
			}
			s.Conn().Close()
			srv.Shutdown(t.Context())
		})
	}
}

func TestARenewedTokenLastsWhenItsClientComesBack(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		srv := recovering(true)
		s := sockettest.Connect(t, srv, "/", payload{sign(t, claim("ann", time.Minute, false))})
		s.Call("renew_token", sign(t, claim("ann", 3*time.Minute, true)))
		s.Conn().Cut()
		time.Sleep(2 * time.Minute)
		s = sockettest.Dial(t, srv, sockettest.Options{Timeout: time.Hour}).Recover(s)
		if got, want := s.Call("whoami").String(0), "ann true true"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		start := time.Now()
		s.Call("renew_token", sign(t, claim("ann", 5*time.Minute, false)))
		s.Expect("token_expired")
		if got := time.Since(start); got != 5*time.Minute {
			t.Errorf("it went after %v, want 5m", got)
		}
		s.Conn().Close()
		srv.Shutdown(t.Context())
	})
}
