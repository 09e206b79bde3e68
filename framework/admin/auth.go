package admin

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"golang.org/x/crypto/bcrypt"
)

// Auth decides who may administer. The zero Auth is none, see NoAuth.
type Auth struct {
	check func(ctx context.Context, username, password string) error
	open  bool // whoever comes may: there is nobody to keep a session for
}

// NoAuth lets everybody in: for a server that nobody else can reach.
func NoAuth() Auth {
	return Auth{check: func(context.Context, string, string) error { return nil }, open: true}
}

// Basic lets in one user. hash is the bcrypt hash of the password, "$2b$10$...", as
// npm's bcrypt and Apache's htpasswd -B make it; it panics if it is none. One password
// is checked at a time: who guesses gets no more than one of the processor's cores. Of one
// address one waits for its turn, and of all 16: others are refused at once, so that
// who guesses keeps an admin at another address waiting for a second or two at most.
func Basic(username, hash string) Auth {
	if _, err := bcrypt.Cost([]byte(hash)); err != nil {
		panic(fmt.Sprintf("admin: Basic(%q, ...): the password's hash is none of bcrypt's: %v: want $2b$10$... of 60 characters", username, err))
	}
	turn := make(chan struct{}, 1)
	waiting := &queue{from: make(map[string]bool)}
	return AuthFunc(func(ctx context.Context, name, password string) error {
		from := origin(ctx)
		if !waiting.enter(from) {
			return errors.New("too many logins at a time")
		}
		defer waiting.leave(from)
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		// Also for another name, which nobody can then find by the time that it takes.
		err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
		if subtle.ConstantTimeCompare([]byte(name), []byte(username)) != 1 {
			return errors.New("unknown user")
		}
		return err
	})
}

// AuthFunc lets in whom check returns nil for. What it returns otherwise is logged and
// not told. It runs beside others, with the context of the connect event:
// framework.EventFrom finds the client's handshake there.
func AuthFunc(check func(ctx context.Context, username, password string) error) Auth {
	if check == nil {
		panic("admin: AuthFunc(nil): want a function that checks a username and a password")
	}
	return Auth{check: check}
}
