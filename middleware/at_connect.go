package middleware

import (
	"context"

	"github.com/parlor-go/parlor/framework"
)

// AtConnect narrows mw to connecting: events pass it by. What mw puts into the
// context at connect is in the context of every later event of the socket all
// the same.
func AtConnect(mw framework.Middleware) framework.Middleware {
	if mw == nil {
		panic("middleware: AtConnect(nil): want a middleware")
	}
	return func(next framework.Handler) framework.Handler {
		connecting := mw(next)
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				return connecting.ServeEvent(ctx, e)
			}
			return next.ServeEvent(ctx, e)
		})
	}
}
