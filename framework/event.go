package framework

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"
)

// Event is what a handler is called for; EventFrom finds it in the handler's
// context. It equals Flask's request.event ("message" and "args") with its
// request.sid and request.namespace.
//
// Middleware that wants other arguments passes a changed copy on. The handler stays
// that of the name under which the event came.
type Event struct {
	// Name is the event's name; "connect" and "disconnect" for those, and for an
	// ack callback the name of the event that was emitted.
	Name string
	// Args are the arguments as they came: at connect the auth payload, at
	// disconnect the reason.
	Args   Args
	Socket *Socket

	kind   Kind
	target Handler // inside the namespace's middleware; nil for an Event that middleware made
	ack    *Ack
	room   *[1]any // for the reply; nil if others than the framework see that
}

// Kind tells an event's sort.
type Kind uint8

// The kinds of events.
const (
	KindEvent      Kind = iota // sent by the client
	KindConnect                // the client joins the namespace
	KindDisconnect             // the socket is gone
	KindAck                    // the client answers a callback
)

// String returns "event", "connect", "disconnect" or "ack".
func (k Kind) String() string {
	switch k {
	case KindConnect:
		return "connect"
	case KindDisconnect:
		return "disconnect"
	case KindAck:
		return "ack"
	}
	return "event"
}

// Kind tells whether the event came from the client or stands for something
// that happened to its socket.
func (e *Event) Kind() Kind { return e.kind }

// WantsAck tells whether the client asked for an acknowledgement.
func (e *Event) WantsAck() bool { return e.ack.Wanted() }

// Ack answers an event later than its handler returns: a handler that takes an
// *Ack sends nothing by itself. It is safe for concurrent use, from anywhere.
type Ack struct {
	socket *Socket
	event  string
	id     uint64
	wanted bool
	handed bool // a handler took it and answers by itself
	alone  bool // its handler runs beside the queue, whose worker does not flush for it
	done   atomic.Bool
	tap    func(reply []any) // hears what is replied; nil unless middleware asked
}

// Wanted tells whether the client asked for an acknowledgement.
func (a *Ack) Wanted() bool { return a != nil && a.wanted }

// Reply sends the acknowledgement: one argument of the client's callback for
// each of args. If the client asked for none it does nothing. The second call
// returns ErrAlreadyAcked, a call after the client has gone ErrClosed.
func (a *Ack) Reply(args ...any) error {
	if !a.Wanted() {
		if a != nil && a.tap != nil {
			a.tap(args)
		}
		return nil
	}
	if a.done.Load() {
		return ErrAlreadyAcked
	}
	p, err := a.encode(args)
	if err != nil {
		return err // others may be sent
	}
	defer p.release()
	if !a.done.CompareAndSwap(false, true) {
		return ErrAlreadyAcked
	}
	if a.tap != nil {
		a.tap(args)
	}
	return a.socket.sendAck(p, true)
}

type eventKey struct{}

// EventFrom returns the event that ctx belongs to: in handlers, their
// middleware, error handlers and ack callbacks. Elsewhere it is nil. It is the
// event as it came, whatever copy of it middleware has passed on.
func EventFrom(ctx context.Context) *Event {
	e, _ := ctx.Value(eventKey{}).(*Event)
	return e
}

// eventContext is the context of one event: the socket's, with the event and a
// logger that is made when somebody asks for it. Holding the event, its ack, its
// place in the queue and room for its arguments, it is the one allocation that an
// event's way to its handler costs, and none where contexts are used again.
type eventContext struct {
	context.Context
	event  Event
	ack    Ack
	task   task
	elems  [roomForArgs][]byte
	logger atomic.Pointer[zerolog.Logger]

	private bool   // used again when the event has been served
	keeps   bool   // but not data: the handler may have kept parts of it
	data    []byte // what the arguments point into
	result  [1]any // room for the reply
}

// roomForArgs is how many arguments an eventContext has room for, the name among them.
const roomForArgs = 4

// roomyContext has room for its data.
type roomyContext struct {
	eventContext
	bytes [128]byte
}

// privates are contexts of events that nobody but the framework has seen: their
// handlers take neither the context nor the event, and there is no middleware.
var privates = sync.Pool{New: func() any { return &eventContext{private: true} }}

// maxPrivate is the size of arguments up to which their bytes are used again.
const maxPrivate = 4 << 10

// recycle gives back a private context whose event was served without a failure.
func (c *eventContext) recycle() {
	data := c.data
	if c.keeps || cap(data) > maxPrivate {
		data = nil
	}
	*c = eventContext{private: true, data: data[:0]}
	privates.Put(c)
}

// loggerKey is the key under which zerolog.Ctx looks for a logger. zerolog does
// not export it, so it is learned by asking for it once.
var loggerKey = learnKey(func(ctx context.Context) { zerolog.Ctx(ctx) })

type keyProbe struct {
	context.Context
	key any
}

func (p *keyProbe) Value(key any) any {
	p.key = key
	return nil
}

// Err makes context.Cause look for a cause.
func (p *keyProbe) Err() error { return context.Canceled }

// learnKey returns the key that ask looks for in a context.
func learnKey(ask func(context.Context)) any {
	probe := &keyProbe{Context: context.Background()}
	ask(probe)
	return probe.key
}

func (c *eventContext) Value(key any) any {
	switch key {
	case eventKey{}:
		return &c.event
	case loggerKey:
		return c.log()
	}
	return c.Context.Value(key)
}

// log returns the event's logger: the one that HTTP or connect middleware left in
// the context, else the server's, with the socket's fields from connecting on
// and the event's name behind it.
func (c *eventContext) log() *zerolog.Logger {
	if l := c.logger.Load(); l != nil {
		return l
	}
	s := c.event.Socket
	var l zerolog.Logger
	if c.event.kind == KindConnect { // what follows inherits it, so it names no event
		l = s.namedLogger(c.Context)
	} else if base, ok := c.Context.Value(loggerKey).(*zerolog.Logger); ok {
		l = base.With().Str("event", logName(c.event.Name)).Logger()
	}
	c.logger.CompareAndSwap(nil, &l)
	return c.logger.Load()
}

// namedLogger is the logger that HTTP middleware left in ctx, else the server's, with
// the socket's fields.
func (s *Socket) namedLogger(ctx context.Context) zerolog.Logger {
	base, ok := ctx.Value(loggerKey).(*zerolog.Logger)
	if !ok {
		base = &s.ns.srv.handlerLog
	}
	return base.With().Str("nsp", s.ns.path).Str("sid", s.logID()).Logger()
}

// contextLogger is the logger in the socket's context: the one that connect
// middleware left there, else one that is made when it is first asked for.
func (s *Socket) contextLogger() *zerolog.Logger {
	if kept := s.keptContext(); kept != nil {
		if l, ok := kept.Value(loggerKey).(*zerolog.Logger); ok {
			return l
		}
	}
	if l := s.logger.Load(); l != nil {
		return l
	}
	l := s.namedLogger(s.conn.values)
	s.logger.CompareAndSwap(nil, &l)
	return s.logger.Load()
}

// logName keeps what a client calls an event from filling the log.
func logName(event string) string {
	const most = 64
	if len(event) <= most {
		return event
	}
	return event[:most] + "..."
}
