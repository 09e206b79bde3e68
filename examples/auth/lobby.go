package main

import (
	"context"
	"crypto/subtle"
	"strings"
	"unicode/utf8"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/middleware"
)

// User is who a socket belongs to.
type User struct {
	Name  string `json:"name"`
	Login bool   `json:"login"` // came with a session, not with a token
}

// Advice is what a refusal tells the page beside its message.
type Advice struct {
	Hint string `json:"hint"`
}

// verify returns what middleware.Auth asks at every connect: who is this? A
// browser shows the cookie of its session, which Sessions.Middleware has looked
// at already; a program shows the token.
func verify(token string) func(ctx context.Context, e *framework.Event) (User, error) {
	return func(ctx context.Context, e *framework.Event) (User, error) {
		if shown := middleware.BearerToken(e); shown != "" {
			if subtle.ConstantTimeCompare([]byte(shown), []byte(token)) == 1 {
				return User{Name: "robot"}, nil
			}
			return User{}, framework.Refuse("wrong token", Advice{"the server prints the right one when it starts"})
		}
		session, ok := sessionFrom(ctx)
		if !ok {
			return User{}, framework.Refuse("not logged in", Advice{"log in as ann or bob"})
		}
		return session.User, nil
	}
}

// Lobby is where everybody meets who was let in.
type Lobby struct{ framework.Namespace }

// OnConnect runs behind middleware.Auth: there is a user.
func (l *Lobby) OnConnect(ctx context.Context, s *framework.Socket) error {
	user, _ := middleware.User[User](ctx)
	return s.Broadcast().Emit("joined", user)
}

// OnWhoami answers who the server thinks the client is.
func (l *Lobby) OnWhoami(ctx context.Context) User {
	user, _ := middleware.User[User](ctx)
	return user
}

const maxText = 500

// OnSay sends a text to everybody, under the name that the server knows.
func (l *Lobby) OnSay(ctx context.Context, text string) error { return l.tell(ctx, "said", text) }

// Routes has what not everybody may.
func (l *Lobby) Routes(r *framework.Router) {
	r.With(loggedIn).On("announce", func(ctx context.Context, text string) error { return l.tell(ctx, "announced", text) })
}

// tell emits event to everybody: who speaks, and a text.
func (l *Lobby) tell(ctx context.Context, event, text string) error {
	text = strings.TrimSpace(text)
	if text == "" || utf8.RuneCountInString(text) > maxText {
		return &framework.Error{Message: "a message has 1 to 500 characters"}
	}
	user, _ := middleware.User[User](ctx)
	return l.Emit(event, user, text)
}

// loggedIn lets nobody through who came by a token.
func loggedIn(next framework.Handler) framework.Handler {
	return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
		if user, _ := middleware.User[User](ctx); !user.Login {
			return nil, &framework.Error{Message: "log in to announce something"}
		}
		return next.ServeEvent(ctx, e)
	})
}

// disconnect ends the sockets of a session that has ended.
func disconnect(srv *framework.Server, session string) {
	for _, s := range srv.Of("/").Sockets() {
		if own, ok := sessionFrom(s.Context()); ok && own.ID == session {
			s.Disconnect()
		}
	}
}
