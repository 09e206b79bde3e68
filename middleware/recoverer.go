package middleware

import (
	"context"
	"runtime/debug"

	"github.com/parlor-go/parlor/framework"
)

// Recoverer turns a panic of what it wraps into a *framework.PanicError, with
// the stack, that the middleware outside of it sees as the handler's error. At
// connect that refuses the client.
//
// The server survives a handler's panic without it, and reports it in the same
// way; but then the panic passes through the middleware, and Logger has no line
// for the event. It stands inside Logger:
//
//	srv.Use(middleware.Logger, middleware.Recoverer)
func Recoverer(next framework.Handler) framework.Handler {
	return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) (reply []any, err error) {
		defer func() {
			if v := recover(); v != nil {
				reply, err = nil, &framework.PanicError{Value: v, Stack: debug.Stack()}
			}
		}()
		return next.ServeEvent(ctx, e)
	})
}
