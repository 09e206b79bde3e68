package jwt

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
)

// token is one that was verified.
type token[C any] struct {
	claims  C
	expires time.Time // with the leeway; zero for never
}

func (t *token[C]) expired(now time.Time) bool { return !t.expires.IsZero() && !now.Before(t.expires) }

// session is a socket's way from token to token.
type session[C any] struct {
	event   string // that tells the client of the end
	current atomic.Pointer[token[C]]

	mu     sync.Mutex
	socket *framework.Socket // the one of the moment, for its client may recover
	timer  *time.Timer       // nil until a token has an end
	ended  bool              // the socket is gone, or about to go
}

func (s *session[C]) token() *token[C] { return s.current.Load() }

// renew puts a fresh token in the place of the current one.
func (s *session[C]) renew(t *token[C]) {
	s.current.Store(t)
	s.watch(t.expires)
}

// watch sets the timer, which is stopped when the socket is gone.
func (s *session[C]) watch(expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
	case expires.IsZero():
		if s.timer != nil {
			s.timer.Stop()
		}
	case s.timer != nil:
		s.timer.Reset(time.Until(expires))
	default:
		s.timer = time.AfterFunc(time.Until(expires), s.expire)
		of := s.socket
		context.AfterFunc(of.Context(), func() { s.end(of) })
	}
}

// resume goes on with another socket, which has recovered the session of the one before.
func (s *session[C]) resume(ctx context.Context, socket *framework.Socket) error {
	t := s.token()
	if t.expired(time.Now()) {
		return refusal(ctx, fmt.Errorf("jwt: %w", gojwt.ErrTokenExpired))
	}
	s.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.socket, s.timer, s.ended = socket, nil, false
	s.mu.Unlock()
	s.watch(t.expires)
	return nil
}

// end stops the timer for good, if the socket is still the one of the moment.
func (s *session[C]) end(of *framework.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != of {
		return
	}
	s.ended, s.socket = true, nil // its client may recover, but not it
	s.timer.Stop()
}

// expire sends the client away, unless it has renewed its token meanwhile.
func (s *session[C]) expire() {
	socket, over := s.over()
	if !over {
		return
	}
	zerolog.Ctx(socket.Context()).Info().Msg("token expired, socket disconnected")
	_ = socket.Emit(s.event) // the client may be gone
	socket.Disconnect()
}

// over tells whether the session's time is up, and ends it. Then it returns the socket.
func (s *session[C]) over() (*framework.Socket, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.token()
	switch {
	case s.ended:
		return nil, false
	case t.expired(time.Now()):
		s.ended = true
		return s.socket, true
	case !t.expires.IsZero(): // renewed, or the clock was set back
		s.timer.Reset(time.Until(t.expires))
	}
	return nil, false
}
