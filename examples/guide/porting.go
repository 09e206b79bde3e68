package main

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/middleware"
	"github.com/parlor-go/parlor/transport"
)

// region porting
type Chat struct{ framework.Namespace }

func (c *Chat) OnSay(text string) (string, error) { return "ok", c.Emit("said", text) }

func newChat() http.Handler {
	srv := framework.New(framework.Options{Transport: transport.Options{Origins: []string{"https://app.example.com"}}})
	srv.Register("/chat", &Chat{}, middleware.Auth(verify))
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	return r
}

// endregion

func verify(_ context.Context, e *framework.Event) (User, error) {
	if middleware.BearerToken(e) != "secret" {
		return User{}, framework.Refuse("who are you?")
	}
	return User{"ann"}, nil
}
