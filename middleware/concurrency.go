package middleware

import (
	"context"
	"fmt"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// Concurrency lets at most n of the handlers that it stands in front of run at a
// time, whichever sockets they are for: all of the server or of a namespace with
// Use, connecting only inside AtConnect, a few expensive events with With or in a
// Group. Its one value counts together whatever it is used on.
//
// An event beyond that waits for its turn, and the socket's other events behind
// it: for wait at most and no longer than its context lasts, with a negative wait
// as long as its context lasts, with 0 not at all. What does not get its turn
// fails with the *framework.Error "server busy", which refuses at connect; what
// waits for a client that is gone meanwhile is dropped.
//
// A turn lasts until the handler returns, so a handler that waits for its client
// (Call) keeps it, and one that answers later through an *Ack gives it back.
//
// It panics if n is not positive.
func Concurrency(n int, wait time.Duration) framework.Middleware {
	if n < 1 {
		panic(fmt.Sprintf("middleware: Concurrency(%d, %v): want at least 1 handler at a time, or no Concurrency", n, wait))
	}
	turns := make(chan struct{}, n)
	return func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if err := takeTurn(ctx, e, turns, wait); err != nil {
				return nil, err
			}
			defer func() { <-turns }()
			return next.ServeEvent(ctx, e)
		})
	}
}

func takeTurn(ctx context.Context, e *framework.Event, turns chan<- struct{}, wait time.Duration) error {
	select {
	case turns <- struct{}{}:
		return nil
	default:
	}
	var late <-chan time.Time
	switch {
	case wait == 0:
		return errBusy()
	case wait > 0:
		timer := time.NewTimer(wait)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case turns <- struct{}{}:
		return nil
	case <-late:
	case <-ctx.Done():
		if e.Socket.Context().Err() != nil {
			return fmt.Errorf("middleware: waiting for a turn: %w", framework.ErrClosed)
		}
	}
	return errBusy()
}

func errBusy() error { return &framework.Error{Message: "server busy"} }
