package framework

import (
	"errors"
	"fmt"
	"strings"

	"github.com/parlor-go/parlor/transport"
)

// What callers tell apart with errors.Is.
var (
	// ErrClosed: the socket is gone. Returned by emits to it, and the end of
	// every ack that it still owed.
	ErrClosed = errors.New("framework: socket is gone")
	// ErrNotConnected: the client cannot answer yet, because its OnConnect has
	// not returned.
	ErrNotConnected = errors.New("framework: socket is not connected yet")
	// ErrNoHandler is what the innermost handler of a middleware chain returns
	// for an event that nobody handles.
	ErrNoHandler = errors.New("framework: no handler for the event")
	// ErrNotRegistered: a Namespace that no server serves was asked to emit.
	ErrNotRegistered = errors.New("framework: namespace is not registered")
	// ErrReservedEvent: names such as "connect" cannot be emitted (protocol v5,
	// "Event").
	ErrReservedEvent = errors.New("framework: event name is reserved")
	// ErrAlreadyAcked: an Ack replies once.
	ErrAlreadyAcked = errors.New("framework: event is acked already")
	// ErrShutdown: the server takes no more work, or Shutdown was called from
	// inside one of its own handlers.
	ErrShutdown = errors.New("framework: server is shutting down")
)

// Error is an error meant for the client. Returned by an event handler it is
// acked as {"error":{"message":...,"data":...}}, unless OnError answers
// otherwise; returned while connecting it refuses, as Refuse does. Message and
// Data are sent as they are: put nothing into them that a stranger may not read.
type Error struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// Error returns the message.
func (e *Error) Error() string {
	if e == nil {
		return "framework: nil *Error"
	}
	return e.Message
}

// Refuse is the error that turns a client away from OnConnect or from a
// middleware around it. The client's connect_error carries message, and as its
// data the one value given, or the list of them. An empty message is
// "Connection rejected by server". A refusal is no failure: OnError does not
// see it.
func Refuse(message string, data ...any) error {
	e := &Error{Message: message}
	if message == "" {
		e.Message = rejected
	}
	switch len(data) {
	case 0:
	case 1:
		e.Data = data[0]
	default:
		e.Data = data
	}
	return e
}

// The texts that clients get in place of what a handler failed with.
const (
	rejected = "Connection rejected by server"
	failed   = "Internal server error"
)

// ArgError says that what a client sent does not fit the handler's parameter.
// It goes to OnError as any failure does.
type ArgError struct {
	Event string
	Index int    // of the argument, from 0
	Want  string // the parameter's Go type
	Err   error  // nil when the argument is missing
}

// Error says which argument, and what was wanted and sent in its place.
func (e *ArgError) Error() string {
	if e == nil {
		return "framework: nil *ArgError"
	}
	if e.Err == nil {
		return fmt.Sprintf("framework: argument %d of %q is missing, want %s", e.Index, e.Event, e.Want)
	}
	return fmt.Sprintf("framework: argument %d of %q: %v", e.Index, e.Event, e.Err)
}

// Unwrap returns Err.
func (e *ArgError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// PanicError is what a handler's panic becomes on the error path. A handler
// that ended its goroutine (runtime.Goexit) reports Value "runtime.Goexit".
type PanicError struct {
	Value any
	Stack []byte // as runtime/debug.Stack gives it
}

// Error returns what the handler panicked with, without the stack.
func (e *PanicError) Error() string { return "framework: handler panicked: " + textOf(e.Value) }

// Unwrap returns Value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Reason tells why a socket is gone, in the reference server's exact words. It
// is an error, so that errors.Is finds it in context.Cause of Socket.Context.
//
// OnDisconnect may take an error beside it that says more (the reference server's
// description), for logs: with TransportError what broke, or which bound was exceeded;
// with TransportClose how the connection ended, if the client did not say goodbye; with
// ParseError, ForcedClose and ForcedServerClose what was wrong with the packet, if it was
// one. Else it is nil.
type Reason string

// The reasons of the reference server (socket.io, "disconnect" event).
const (
	TransportError            = Reason(transport.ReasonTransportError)     // the connection broke, or exceeded a bound
	TransportClose            = Reason(transport.ReasonTransportClose)     // the connection was closed
	PingTimeout               = Reason(transport.ReasonPingTimeout)        // a ping was not answered in time
	ParseError                = Reason(transport.ReasonParseError)         // malformed Engine.IO
	ForcedClose               = Reason(transport.ReasonForcedClose)        // malformed Socket.IO, or nothing joined in time
	ServerShuttingDown        = Reason(transport.ReasonServerShuttingDown) // Server.Shutdown
	ForcedServerClose         = Reason("forced server close")              // well-formed Socket.IO out of turn
	ClientNamespaceDisconnect = Reason("client namespace disconnect")      // the client left the namespace
	ServerNamespaceDisconnect = Reason("server namespace disconnect")      // Socket.Disconnect or Close
)

// Error returns the reason's text.
func (r Reason) Error() string { return string(r) }

// cause is what a socket's context ends with: its reason, and detail if any.
func cause(reason Reason, detail error) error {
	if detail == nil {
		return reason
	}
	return &causeError{reason, detail}
}

// causeError is a reason and the error that says more.
type causeError struct {
	reason Reason
	detail error
}

func (e *causeError) Error() string   { return string(e.reason) + ": " + e.detail.Error() }
func (e *causeError) Unwrap() []error { return []error{e.reason, e.detail} }

// closeError is what there is to say of a socket's end beyond its reason, or nil.
func (s *Socket) closeError() error {
	if e, ok := s.life.cause().(*causeError); ok {
		return e.detail
	}
	return nil
}

// emitError says what was emitted; the package's own errors bring its name already.
func emitError(event string, err error) error {
	return fmt.Errorf("framework: emit %q: %w", event, bare(err))
}

// bare strips the prefix from the text of a sentinel, which stays what it wraps.
func bare(err error) error {
	if text, ok := strings.CutPrefix(err.Error(), "framework: "); ok {
		return &prefixed{text, err}
	}
	return err
}

type prefixed struct {
	text string
	err  error
}

func (p *prefixed) Error() string { return p.text }
func (p *prefixed) Unwrap() error { return p.err }
