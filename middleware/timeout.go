package middleware

import (
	"context"
	"fmt"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// Timeout gives the context of each event, and of connecting, a deadline d from
// now. It never abandons a handler: one that ignores its context runs on, and
// the socket's next event waits for it. What a handler returns because of the
// deadline, context.DeadlineExceeded, is an error like any other: OnError sees
// it, the client is told only what that answers.
//
// The context also ends when the handler returns. Work that goes on behind it
// takes Socket.Context.
//
// It panics if d is not positive.
func Timeout(d time.Duration) framework.Middleware {
	if d <= 0 {
		panic(fmt.Sprintf("middleware: Timeout(%v): want a positive duration, or no Timeout", d))
	}
	return func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			ctx, cancel := context.WithTimeout(ctx, d)
			defer cancel()
			return next.ServeEvent(ctx, e)
		})
	}
}
