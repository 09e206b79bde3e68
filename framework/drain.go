package framework

import (
	"context"
	"time"

	"github.com/parlor-go/parlor/transport"
)

// farewell is how much of Shutdown's time is kept for who does not have a handler that
// runs, where others have: to be sent what is owed, and closed as they should be. It is
// a quarter of that time if it is short.
const farewell = 3 * time.Second

// finishHandlers returns when all handlers have. Those that take nearly all the time
// there is keep only their own clients.
func (srv *Server) finishHandlers(ctx context.Context) error {
	srv.engine.Settle() // an event that was let in before draining is queued behind this
	early, cancel := beforeTheEnd(ctx)
	defer cancel()
	if srv.workers.wait(early) == nil {
		return nil
	}
	if ctx.Err() == nil {
		srv.log.Warn().Msg("shutdown: handlers still run, who waits for none of them is closed")
		srv.engine.ShutdownWhere(func(h transport.Handler) bool { return h.(interface{ idle() bool }).idle() })
	}
	return srv.workers.wait(ctx)
}

// beforeTheEnd returns a context that ends a farewell before ctx does.
func beforeTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(farewell, time.Until(deadline)/4)))
}

// idle tells whether the client has no handler that runs or waits to.
func (c *conn) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.live {
		if s.queue.working() {
			return false
		}
	}
	return true
}

func (q *queue) working() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.busy || q.beside > 0
}
