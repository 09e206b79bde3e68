package middleware

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/parlor-go/parlor/framework"
)

// Auth asks verify, at connect only, who the client is. verify finds what the
// client shows in e.Args, the auth payload of the connect ({auth: ...} of the
// JavaScript client), and in the headers and cookies of e.Socket.Handshake;
// BearerToken looks for a token in both. User returns the user in OnConnect
// and in everything that follows for the socket.
//
// An error refuses the client. A *framework.Error, such as one of
// framework.Refuse, is what the client gets to read; any other is logged at
// warn, at debug when there are too many, and the client reads "unauthorized".
//
// A namespace that the same client joins besides is another connect: use Auth
// on each, or on the server.
func Auth[U any](verify func(ctx context.Context, e *framework.Event) (U, error)) framework.Middleware {
	if verify == nil {
		panic("middleware: Auth(nil): want a function that tells who the client is")
	}
	refusals := newAloud()
	return AtConnect(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			user, err := verify(ctx, e)
			if err != nil {
				return nil, unauthorized(ctx, refusals, err)
			}
			return next.ServeEvent(context.WithValue(ctx, userKey[U]{}, user), e)
		})
	})
}

// userKey is a key of its own for each type of user, so that two Auths with
// different types do not meet.
type userKey[U any] struct{}

// User returns what verify returned for the socket that ctx belongs to: in
// handlers, ack callbacks, OnDisconnect, and from Socket.Context. It is false
// where no Auth with that very type stands in front.
func User[U any](ctx context.Context) (U, bool) {
	user, ok := ctx.Value(userKey[U]{}).(U)
	return user, ok
}

// unauthorized keeps err for the middleware outside and hides it from the
// client, unless it was meant for it.
func unauthorized(ctx context.Context, refusals *aloud, err error) error {
	var public *framework.Error
	if errors.As(err, &public) {
		return err
	}
	refusals.warn(ctx).Err(err).Msg("client not authorized")
	return fmt.Errorf("%w: %w", framework.Refuse("unauthorized"), err)
}

// BearerToken returns the token that the client of e shows, or "": the string
// "token" of the auth payload, which is where browsers can put one, else that of
// an "Authorization: Bearer" header (RFC 6750, section 2.1).
func BearerToken(e *framework.Event) string {
	var payload struct {
		Token string `json:"token"`
	}
	if err := e.Socket.Auth().Decode(0, &payload); err == nil && payload.Token != "" {
		return payload.Token
	}
	scheme, token, _ := strings.Cut(e.Socket.Handshake().Header().Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
