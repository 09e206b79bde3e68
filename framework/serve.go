package framework

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/parlor-go/parlor/framework/internal/codec"
	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/transport"
)

// serve runs the chain for one event and answers it.
func (s *Socket) serve(ec *eventContext, h Handler) {
	e := &ec.event
	s.log().Debug().Str("event", logName(e.Name)).Int("args", e.Args.Len()).Msg("event received")
	reply, err := s.call(ec, h)
	if err == nil && e.WantsAck() && !ec.ack.handed {
		err = s.answer(e, reply)
	}
	if err != nil {
		s.fail(ec, err)
	}
}

// call runs h and turns its panic into an error. runtime.Goexit cannot be
// stopped: it is reported here, and the worker's own deferred call goes on with
// the queue.
func (s *Socket) call(ec *eventContext, h Handler) (reply []any, err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			reply, err = nil, &PanicError{Value: v, Stack: debug.Stack()}
			return
		}
		s.exited(ec)
	}()
	reply, err = h.ServeEvent(ec, &ec.event)
	returned = true
	return reply, err
}

var errGoexit = errors.New("runtime.Goexit")

// exited finishes what a handler left when it ended its goroutine.
func (s *Socket) exited(ec *eventContext) {
	err := &PanicError{Value: errGoexit, Stack: debug.Stack()}
	switch ec.event.kind {
	case KindConnect:
		s.refuse(ec, err)
	case KindDisconnect:
		s.fail(ec, err)
		s.conn.finished(s)
	default:
		s.fail(ec, err)
	}
}

func (s *Socket) answer(e *Event, reply []any) error {
	if !e.ack.done.CompareAndSwap(false, true) {
		return nil
	}
	err := s.sendAck(e.ack, reply, false)
	if errors.Is(err, ErrClosed) {
		return nil // the client has gone, and its answer with it
	}
	if err != nil {
		e.ack.done.Store(false) // the results cannot be sent: what OnError returns may
	}
	return err
}

// fail takes an error where it belongs: the namespace's OnError, else the
// server's, else the log.
func (s *Socket) fail(ec *eventContext, err error) {
	e := &ec.event
	switch {
	case errors.Is(err, ErrNoHandler):
		line := s.log().Debug().Str("event", logName(e.Name))
		if hint := s.ns.hint(e.Name); hint != "" {
			line.Str("hint", hint)
		}
		line.Msg("no handler for the event")
		return
	case errors.Is(err, ErrClosed):
		s.log().Debug().Str("event", logName(e.Name)).Err(err).Msg("client went away meanwhile")
		return
	}
	var public *Error
	reply, ok := s.report(ec, err)
	if !ok && errors.As(err, &public) {
		reply, ok = []any{errorReply{public}}, true
	}
	if ok && e.WantsAck() {
		if err := s.answer(e, reply); err != nil {
			s.log().Error().Err(err).Str("event", logName(e.Name)).Msg("error answer not sent")
		}
	}
}

// errorReply is how an *Error is acked.
type errorReply struct {
	Error *Error `json:"error"`
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
		s.unhandled(ec, err)
		s.unhandled(ec, &PanicError{Value: recover(), Stack: debug.Stack()})
	}()
	reply, ok = h(ec, &ec.event, err)
	returned = true
	return reply, ok
}

// unhandled logs what no error handler took. An *Error was meant for the client
// and needs nobody else.
func (s *Socket) unhandled(ec *eventContext, err error) {
	var public *Error
	line := s.log().Error()
	if errors.As(err, &public) {
		line = s.log().Debug()
	}
	var p *PanicError
	if errors.As(err, &p) {
		line.Bytes("stack", p.Stack)
	}
	line.Str("event", logName(ec.event.Name)).Err(err).Msg("handler failed")
}

// connect runs the chain around OnConnect and accepts or refuses.
func (s *Socket) connect(ec *eventContext) {
	_, err := s.call(ec, s.ns.connecting)
	if err == nil && !s.admitted {
		err = Refuse("") // a middleware answered in OnConnect's place
	}
	if err != nil {
		s.refuse(ec, err)
		return
	}
	s.accept()
}

// admit is the innermost handler of a connect chain.
func (n *namespace) admit(ctx context.Context, e *Event) ([]any, error) {
	s := e.Socket
	s.mu.Lock()
	s.ctx = socketContext{Context: s.root, values: context.WithoutCancel(ctx)}
	s.mu.Unlock()
	n.rooms.add(s) // what OnConnect sends to the namespace includes the newcomer
	if n.onConnect != nil {
		if _, err := n.onConnect.handler.ServeEvent(ctx, e); err != nil {
			return nil, err
		}
	}
	s.admitted = true
	return nil, nil
}

// accept tells the client, and sends what was held for it.
func (s *Socket) accept() {
	session := s.conn.session
	s.mu.Lock()
	lost := s.ended && s.why != ServerNamespaceDisconnect
	if !lost {
		_ = session.Send(connectPacket(s.ns.path, s.id)) // fails if the client just went, of which end will tell
		for _, m := range s.held {
			_ = session.Send(m)
		}
	}
	s.held = nil
	s.state = connected
	if s.ended {
		s.state = gone
		if !lost {
			_ = session.Send(disconnectPacket(s.ns.path))
		}
	}
	s.mu.Unlock()
	s.log().Info().Str("transport", session.Transport()).Msg("socket connected")
}

// refuse turns the client away and undoes what connecting began.
func (s *Socket) refuse(ec *eventContext, err error) {
	public := &Error{Message: failed}
	var refusal *Error
	if errors.As(err, &refusal) {
		public = refusal
		s.log().Info().Str("refusal", public.Message).Msg("socket refused")
	} else {
		s.report(ec, err)
		s.log().Info().Msg("socket refused after a failure")
	}

	s.mu.Lock()
	lost := s.ended && s.why != ServerNamespaceDisconnect
	s.ended, s.state, s.held = true, gone, nil
	pending := s.acks.takeAll()
	s.mu.Unlock()
	s.conn.forget(s) // before the client hears of it: it may try again at once
	s.queue.drop()
	s.ns.rooms.remove(s)
	s.cancel(cause(ServerNamespaceDisconnect, err))
	for _, p := range pending {
		p.settle(s, Args{}, ErrClosed)
	}
	if !lost {
		_ = s.conn.session.Send(s.refusalPacket(public))
	}
	s.conn.finished(s)
}

// depart runs OnDisconnect for a socket that was accepted, and ends it.
func (s *Socket) depart() {
	if !s.admitted {
		s.conn.finished(s)
		return
	}
	reason := s.reason()
	s.log().Info().Str("reason", string(reason)).Msg("socket disconnected")
	if s.ns.onEnd == nil {
		s.conn.finished(s)
		return
	}
	ec := &eventContext{Context: context.WithoutCancel(s.Context())}
	ec.event = Event{Name: "disconnect", Args: ArgsOf(string(reason)), Socket: s, kind: KindDisconnect}
	if _, err := s.call(ec, s.ns.onEnd.handler); err != nil {
		s.fail(ec, err)
	}
	s.conn.finished(s)
}

func noHandler(context.Context, *Event) ([]any, error) { return nil, ErrNoHandler }

func connectPacket(path, sid string) *transport.Message {
	b := packet.AppendHeader(nil, packet.Head{Type: packet.Connect, Namespace: path})
	b = append(b, `{"sid":"`...)
	b = append(b, sid...)
	return transport.NewMessage(append(b, `"}`...))
}

// refusalPacket makes a CONNECT_ERROR. Data that cannot be encoded is left out:
// the client is to hear of its refusal all the same.
func (s *Socket) refusalPacket(e *Error) *transport.Message {
	m, err := connectError(s.ns.path, e)
	if err != nil {
		s.log().Error().Err(err).Msg("data of the refusal left out")
		m, _ = connectError(s.ns.path, &Error{Message: e.Message}) // a string cannot fail
	}
	return m
}

// connectError makes the packet {"message":...,"data":...}, data left out when
// there is none.
func connectError(path string, e *Error) (*transport.Message, error) {
	b := packet.AppendHeader(nil, packet.Head{Type: packet.ConnectError, Namespace: path})
	b, attachments, err := codec.Append(b, nil, e)
	if err == nil && len(attachments) > 0 {
		err = errors.New("a refusal cannot carry binary data")
	}
	if err != nil {
		return nil, err
	}
	return transport.NewMessage(b), nil
}
