package framework

import (
	"context"
	"sync/atomic"
	"time"
)

// AtRecovery returns ctx for connect middleware to pass on, with a function that is
// called in its place when the client comes back to its session and
// Recovery.SkipMiddleware skips middleware: to look at what was true of the client then,
// and to begin anew what ended with the socket that it had, such as a timer. ctx is that
// of the new connect, with the values of the old one; s is the new socket. An error
// refuses, as if it came from the middleware.
//
// Functions are called from the outermost middleware's inwards, and again each time that
// the client comes back.
func AtRecovery(ctx context.Context, f func(ctx context.Context, s *Socket) error) context.Context {
	outer, _ := ctx.Value(recoveryKey{}).(*recoveryCall)
	return context.WithValue(ctx, recoveryKey{}, &recoveryCall{outer, f})
}

type recoveryKey struct{}

type recoveryCall struct {
	outer *recoveryCall
	f     func(context.Context, *Socket) error
}

func (c *recoveryCall) call(ctx context.Context, s *Socket) error {
	if c == nil {
		return nil
	}
	if err := c.outer.call(ctx, s); err != nil {
		return err
	}
	return c.f(ctx, s)
}

// readmit is the connect chain of who recovers where middleware is skipped.
func (n *namespace) readmit(ctx context.Context, e *Event) ([]any, error) {
	calls, _ := ctx.Value(recoveryKey{}).(*recoveryCall)
	if err := calls.call(ctx, e.Socket); err != nil {
		return nil, err
	}
	return n.admit(ctx, e)
}

// keptContext is the values of a new connection's request, and before them those that
// connect middleware gave to the one that was lost.
type keptContext struct {
	context.Context
	kept context.Context // nil without
}

func (c keptContext) Value(key any) any {
	if c.kept != nil && key != loggerKey { // the old logger's fields would come twice
		if v := c.kept.Value(key); v != nil {
			return v
		}
	}
	return c.Context.Value(key)
}

// severable is the context of a connect as middleware gets it whose values may be kept:
// when the connection is lost it is cut off from that and its request, which would
// be kept, too, and hide the next one's.
type severable struct{ connect atomic.Pointer[eventContext] }

func (c *severable) Deadline() (time.Time, bool) { return time.Time{}, false }

func (c *severable) Done() <-chan struct{} {
	if ec := c.connect.Load(); ec != nil {
		return ec.Done()
	}
	return hasEnded.Done()
}

func (c *severable) Err() error {
	if ec := c.connect.Load(); ec != nil {
		return ec.Err()
	}
	return context.Canceled // a connect's context ends with it
}

func (c *severable) Value(key any) any {
	if ec := c.connect.Load(); ec != nil {
		return ec.Value(key)
	}
	return nil
}

func (c *severable) sever() {
	if c != nil {
		c.connect.Store(nil)
	}
}

// hasEnded is a context that has.
var hasEnded = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// severing is a connect chain whose context can be cut off.
func (s *Socket) severing(entry Handler) Handler {
	return HandlerFunc(func(ctx context.Context, e *Event) ([]any, error) {
		ec, ok := ctx.(*eventContext)
		if !ok {
			return entry.ServeEvent(ctx, e)
		}
		s.rec.connect = new(severable)
		s.rec.connect.connect.Store(ec)
		return entry.ServeEvent(s.rec.connect, e)
	})
}
