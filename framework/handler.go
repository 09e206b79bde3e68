package framework

import "context"

// Handler serves one event. reply is the acknowledgement, an element for each
// argument of the client's callback; it is sent when the client asked for one
// and err is nil. At connect an error refuses and reply is ignored.
type Handler interface {
	ServeEvent(ctx context.Context, e *Event) (reply []any, err error)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, e *Event) (reply []any, err error)

// ServeEvent calls f.
func (f HandlerFunc) ServeEvent(ctx context.Context, e *Event) ([]any, error) { return f(ctx, e) }

// Middleware wraps a Handler, as in chi. It runs at connect and at each event
// of what it was registered for, not at disconnect; e.Kind tells which. The
// context it passes to next at connect gives its values to all later events of
// the socket. It sees reply and error as values, and may change both.
//
// It is called once for a namespace (With and Group: for each event), so state
// that it makes is shared by that namespace's sockets. An error that it returns
// at connect refuses the client even if OnConnect has accepted it; OnDisconnect
// then runs, to undo what OnConnect did.
type Middleware = func(next Handler) Handler

// ErrorHandler handles what went wrong in a handler. With ok it answers the
// event with reply; else nothing is sent, unless err is an *Error.
type ErrorHandler func(ctx context.Context, e *Event, err error) (reply []any, ok bool)

// chain wraps h so that the first middleware is the outermost.
func chain(h Handler, mw ...[]Middleware) Handler {
	for i := len(mw) - 1; i >= 0; i-- {
		for j := len(mw[i]) - 1; j >= 0; j-- {
			if h = mw[i][j](h); h == nil {
				panic("framework: a middleware returned a nil Handler: return next, or something around it")
			}
		}
	}
	return h
}
