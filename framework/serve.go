package framework

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/transport"
)

// serve runs one event, or ack callback, in its whole chain.
func (s *Socket) serve(ec *eventContext) {
	e := &ec.event
	ec.Context = s.Context()
	h := e.target
	if e.kind == KindEvent {
		s.log().Debug().Str("event", logName(e.Name)).Int("args", e.Args.Len()).Msg("event received")
		h = s.ns.entry
		if f := &s.ns.srv.feed; f.wants.received || s.listeners.Load() != nil {
			s.witnessed(e)
		}
	}
	if err := s.call(ec, h); err != nil {
		s.fail(ec, err)
	} else if ec.private {
		ec.recycle()
	}
}

// call runs h and sends its reply. A panic in either, for a value may encode
// itself, becomes an error. runtime.Goexit cannot be stopped: it is reported here,
// and the worker's own deferred call goes on with the queue.
func (s *Socket) call(ec *eventContext, h Handler) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
			return
		}
		s.exited(ec)
	}()
	reply, err := h.ServeEvent(ec, &ec.event)
	if err == nil && ec.event.WantsAck() && !ec.ack.handed {
		err = s.answer(ec.event.ack, reply)
	}
	returned = true
	return err
}

var errGoexit = errors.New("runtime.Goexit")

// exited finishes what a handler left when it ended its goroutine.
func (s *Socket) exited(ec *eventContext) {
	err := &PanicError{Value: errGoexit, Stack: debug.Stack()}
	switch ec.event.kind {
	case KindConnect:
		s.refuse(ec, err)
	default: // depart has deferred the rest
		s.fail(ec, err)
	}
}

// answer sends reply, unless the event has been answered. After an error it has not
// been: the results cannot be sent, what OnError returns may.
func (s *Socket) answer(a *Ack, reply []any) error {
	if a.done.Load() {
		return nil
	}
	p, err := a.encode(reply)
	if err != nil {
		return err
	}
	defer p.release()
	if a.done.CompareAndSwap(false, true) {
		_ = s.sendAck(p, a.alone) // a client that has gone needs none
	}
	return nil
}

// fail takes an error where it belongs: the namespace's OnError, else the
// server's, else the log.
func (s *Socket) fail(ec *eventContext, err error) {
	defer s.contain(ec)
	e := &ec.event
	switch {
	case errors.Is(err, ErrNoHandler):
		if line := s.log().Debug(); line.Enabled() {
			line.Str("event", logName(e.Name)).Str("hint", s.ns.hint(e.Name)).Msg("no handler for the event")
		}
		return
	case errors.Is(err, ErrClosed) && s.unreachable() || endedWith(ec, err): // another client's going is a failure like any
		s.log().Debug().Str("event", logName(e.Name)).Err(err).Msg("client went away meanwhile")
		return
	}
	reply, ok := s.report(ec, err)
	if public := publicError(err); !ok && public != nil {
		reply, ok = []any{errorReply{public}}, true
	}
	if ok && e.WantsAck() {
		if err := s.answer(e.ack, reply); err != nil {
			s.log().Error().Err(err).Str("event", logName(e.Name)).Msg("error answer not sent")
		}
	}
}

// unreachable tells whether the socket is gone, or about to hear that its connection is.
func (s *Socket) unreachable() bool { return !s.Connected() || s.conn.session.Closed() }

// endedWith tells whether err is that ctx has ended, which the context of an event does
// with its client: what was being done for that was given up.
func endedWith(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)))
}

// contain stops the panic of an error or an answer that cannot bear being looked
// at, such as a nil pointer in an error.
func (s *Socket) contain(ec *eventContext) {
	if v := recover(); v != nil {
		s.log().Error().Str("event", logName(ec.event.Name)).Str("panic", textOf(v)).Bytes(stackField, debug.Stack()).
			Msg("failure not handled")
	}
}

// errorReply is how an *Error is acked.
type errorReply struct {
	Error *Error `json:"error"`
}

// publicError finds what an error has for the client, or nil.
func publicError(err error) *Error {
	var public *Error
	errors.As(err, &public)
	return public
}

// report calls the error handler that applies. What that does wrong itself is
// logged.
func (s *Socket) report(ec *eventContext, err error) (reply []any, ok bool) {
	h := s.ns.errorHandler()
	if h == nil {
		s.unhandled(ec, err)
		return nil, false
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		reply, ok = nil, false
		s.unhandled(ec, &PanicError{Value: recover(), Stack: debug.Stack()})
		s.unhandled(ec, err)
	}()
	reply, ok = h(ec, &ec.event, err)
	returned = true
	return reply, ok
}

// unhandled logs what no error handler took. An *Error was meant for the client
// and needs nobody else.
func (s *Socket) unhandled(ec *eventContext, err error) {
	srv := s.ns.srv
	var line *zerolog.Event
	switch {
	case publicError(err) != nil:
		line = srv.log.Debug()
	case errors.As(err, new(*ArgError)), errors.As(err, new(*transport.LimitError)): // clients can make as many as they like
		line = srv.throttles.misfits.line(&srv.log, zerolog.ErrorLevel, loudMisfits)
	default:
		line = srv.log.Error()
	}
	line = s.log().fields(line)
	var p *PanicError
	if errors.As(err, &p) {
		line.Bytes(stackField, p.Stack)
	}
	line.Str("event", logName(ec.event.Name)).Err(err).Msg("handler failed")
}

// route is the innermost handler of the namespace's chain.
func (n *namespace) route(ctx context.Context, e *Event) ([]any, error) {
	if e.target != nil {
		return e.target.ServeEvent(ctx, e)
	}
	if r := n.routeFor(e.Name); r != nil {
		return r.serve.ServeEvent(ctx, e)
	}
	return nil, ErrNoHandler
}

func noHandler(context.Context, *Event) ([]any, error) { return nil, ErrNoHandler }
