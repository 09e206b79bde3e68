package framework

import (
	"context"
	"sync"
	"time"

	"github.com/parlor-go/parlor/transport"
)

// lifetime is what can be cancelled in a context, at next to no cost until somebody
// waits for the end: then a real context is made, so that children find it and
// context.Cause reads it. An idle client has none.
type lifetime struct {
	mu    sync.Mutex
	state *lifeState // nil until it is over or somebody asks
}

type lifeState struct {
	cause  error // nil until it is over
	real   context.Context
	cancel context.CancelCauseFunc
}

// end ends it. Only the first call counts; a nil cause is context.Canceled.
func (l *lifetime) end(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == nil {
		l.state = new(lifeState)
	}
	if l.state.cause != nil {
		return
	}
	if l.state.cause = cause; cause == nil {
		l.state.cause = context.Canceled
	}
	if l.state.cancel != nil {
		l.state.cancel(l.state.cause)
	}
}

// context returns the real one.
func (l *lifetime) context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == nil {
		l.state = new(lifeState)
	}
	if l.state.real == nil {
		l.state.real, l.state.cancel = context.WithCancelCause(context.Background())
		if l.state.cause != nil {
			l.state.cancel(l.state.cause)
		}
	}
	return l.state.real
}

// cause is what it ended with; nil before that.
func (l *lifetime) cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == nil {
		return nil
	}
	return l.state.cause
}

func (l *lifetime) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == nil || l.state.cause == nil {
		return nil
	}
	return context.Canceled
}

// cancelKey is the key under which package context looks for a context of its own
// kind, to ask it for the cause or to hang a child on it.
var cancelKey = learnKey(func(ctx context.Context) { context.Cause(ctx) })

// socketContext is a socket as the context of its life, with the values of the
// handshake's request or of what connect middleware made of them. It hides the
// connect event, which is over.
type socketContext Socket

func (c *socketContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *socketContext) Done() <-chan struct{}       { return c.life.context().Done() }
func (c *socketContext) Err() error                  { return c.life.err() }

func (c *socketContext) Value(key any) any {
	switch key {
	case eventKey{}:
		return nil
	case cancelKey:
		return c.life.context().Value(key)
	case loggerKey:
		return (*Socket)(c).contextLogger()
	}
	s := (*Socket)(c)
	if kept := s.keptContext(); kept != nil {
		if v := kept.Value(key); v != nil {
			return v
		}
	}
	return s.conn.values.Value(key)
}

// keptContext is the context that connect middleware passed on, for its values; nil
// if it passed on what it was given.
func (s *Socket) keptContext() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept
}

// connectContext is the context of a socket's connect, and what else it needs until
// then. It ends with the connect, with the socket, or when the client leaves meanwhile.
type connectContext struct {
	life   lifetime
	values context.Context // of the handshake's request

	// Guarded by Socket.mu.
	held      []*transport.Message // until CONNECT has gone out
	heldBytes int
}

func (c *connectContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *connectContext) Done() <-chan struct{}       { return c.life.context().Done() }
func (c *connectContext) Err() error                  { return c.life.err() }

func (c *connectContext) Value(key any) any {
	if key == cancelKey {
		return c.life.context().Value(key)
	}
	return c.values.Value(key)
}
