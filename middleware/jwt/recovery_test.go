package jwt_test

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware/jwt"
)

// lostFor has a client lose its connection for half an hour, of the hour that its token
// lasts, on a server that keeps sessions for as long.
func lostFor(t *testing.T, skip bool) (srv *framework.Server, lost *sockettest.Socket, token payload) {
	t.Helper()
	srv = framework.New(framework.Options{
		Logger:   zerolog.Nop(),
		Recovery: framework.Recovery{MaxDisconnection: 3 * time.Hour, SkipMiddleware: skip},
	})
	t.Cleanup(func() { srv.Shutdown(context.Background()) })
	srv.Use(jwt.Auth(options()))
	srv.On("whoami", whoami)
	token = payload{sign(t, claim("ann", time.Hour, false))}
	lost = sockettest.Dial(t, srv, sockettest.Options{Timeout: 2 * time.Hour}).Join("/", token)
	lost.Conn().Cut()
	time.Sleep(30 * time.Minute)
	return srv, lost, token
}

func TestWhoRecoversShowsATokenAgain(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		srv, lost, token := lostFor(t, false)
		c := sockettest.Dial(t, srv, sockettest.Options{Timeout: 2 * time.Hour})
		s := c.Recover(lost, token)
		if !s.Recovered() {
			t.Error("the client has a new session, want the old one")
		}
		s.Call("whoami")
		s.Expect("token_expired")
		if got, want := s.Disconnected(), "io server disconnect"; got != want {
			t.Errorf("the client reads %q, want %q", got, want)
		}
	})
}

func TestWhoRecoversWithoutMiddlewareIsServedNoLongerThanItsToken(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		srv, lost, _ := lostFor(t, true)
		s := sockettest.Dial(t, srv, sockettest.Options{}).Recover(lost)
		if got, want := s.Call("whoami").JSON(), `["ann false true"]`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		time.Sleep(time.Hour)
		if got, want := s.Call("whoami").JSON(), `[{"error":{"message":"token expired"}}]`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
