package framework

import (
	"context"
	"errors"
	"fmt"

	"github.com/parlor-go/parlor/framework/internal/codec"
	"github.com/parlor-go/parlor/framework/internal/packet"
)

// connect runs the chain around OnConnect and accepts or refuses. If the connection
// was lost before it began there is nobody to ask for.
func (s *Socket) connect() {
	ctx := &connectContext{values: s.conn.values}
	defer ctx.life.end(nil)
	s.mu.Lock()
	ended := s.ended
	s.opening = ctx
	if s.leaving {
		ctx.life.end(ClientNamespaceDisconnect)
	}
	s.mu.Unlock()
	if ended {
		s.queue.dropped.Store(true)
		return // taskEnd stands behind
	}
	if c := s.ns.child; c != nil && c.refusal != nil {
		s.log().Life().Str("refusal", c.refusal.Message).Msg("socket refused with its namespace")
		s.turnAway(c.refusal)
		return
	}

	ec := &eventContext{Context: ctx}
	ec.event = Event{Name: connectRow, Args: s.Auth(), Socket: s, kind: KindConnect, target: s.ns.admission}
	entry := s.ns.entry
	if r := s.ns.recovery; r != nil {
		if !r.restore(ctx, s) {
			s.queue.dropped.Store(true)
			return
		}
		switch {
		case !r.opts.SkipMiddleware:
		case s.Recovered():
			entry = HandlerFunc(s.ns.readmit)
			ctx.values = keptContext{s.conn.values, s.keptContext()}
		default:
			entry = s.severing(entry)
		}
	}
	err := s.call(ec, s.named(entry))
	if err == nil && !s.admitted {
		err = Refuse("") // a middleware answered in OnConnect's place
	}
	if err != nil {
		s.refuse(ec, err)
		return
	}
	if l := ec.logger.Load(); l != nil {
		s.logger.Store(l) // with what was added to it in place
	}
	s.accept()
}

// admit is the innermost handler of a connect chain.
func (n *namespace) admit(ctx context.Context, e *Event) ([]any, error) {
	s := e.Socket
	if !s.given(ctx) {
		s.mu.Lock()
		s.kept = ctx
		s.mu.Unlock()
	}
	// What OnConnect sends to the namespace includes the newcomer.
	if n.recovery != nil {
		if err := n.recovery.admit(s); err != nil {
			return nil, err
		}
	} else if !n.rooms.add(s) {
		return nil, errDuplicateID
	}
	if n.onConnect != nil {
		if _, err := n.onConnect.handler.ServeEvent(ctx, e); err != nil {
			return nil, err
		}
	}
	s.admitted = true
	return nil, nil
}

// given tells whether a connect's context is the one that middleware was given.
func (s *Socket) given(ctx context.Context) bool {
	if s.rec != nil && s.rec.connect != nil && ctx == s.rec.connect {
		return true
	}
	own, ok := ctx.(*eventContext)
	return ok && own.event.Socket == s
}

// unheard tells, under s.mu, whether the client is past hearing how its connect
// went: it has left, or its connection is lost.
func (s *Socket) unheard() bool {
	return s.leaving || s.ended && s.why != ServerNamespaceDisconnect
}

// accept tells the client, and sends what was held for it.
func (s *Socket) accept() {
	if s.rec != nil {
		s.ns.recovery.admitted(s)
	}
	s.mu.Lock()
	unheard := s.unheard()
	if s.rec != nil {
		s.ns.recovery.welcome(s, !unheard) // with what it has missed
	}
	if !unheard {
		s.conn.send(s.connectPacket()) // if the client just went, end will tell
		for _, m := range s.opening.held {
			_ = s.conn.sendMessage(m)
		}
		if s.ended { // by Disconnect in OnConnect
			s.conn.send(disconnectPacket(s.ns.path))
		}
	}
	s.opening.held = nil // its context may be kept
	s.opening, s.accepted = nil, true
	s.state = connected
	if s.ended {
		s.state = gone
	}
	s.tellValues()
	s.mu.Unlock()
	if !unheard {
		line := s.log().Life().Str("transport", s.Transport())
		if s.Recovered() {
			line.Bool("recovered", true)
		}
		line.Msg("socket connected")
	}
	s.ns.srv.feed.connected(s)
}

// refuse turns the client away and undoes what connecting began, whatever the
// error handler does.
func (s *Socket) refuse(ec *eventContext, err error) {
	public := &Error{Message: failed}
	defer func() { s.turnAway(public) }()
	defer s.contain(ec)
	switch refusal := publicError(err); {
	case refusal != nil:
		public = refusal
		s.log().Life().Str("refusal", refusal.Message).Msg("socket refused")
	case errors.Is(err, ErrClosed) && (s.life.err() != nil || s.conn.session.Closed()) || endedWith(ec, err):
		s.log().Debug().Err(err).Msg("client went away while it was connecting")
	default:
		s.log().Life().Msg("socket refused after a failure")
		s.report(ec, err)
	}
}

// turnAway is the clean-up of refuse.
func (s *Socket) turnAway(public *Error) {
	s.mu.Lock()
	unheard := s.unheard()
	if !s.ended {
		s.ended, s.why = true, ServerNamespaceDisconnect
	}
	s.state = gone
	if s.rec != nil {
		s.rec.refused, s.rec.missed = true, nil
	}
	if s.opening != nil {
		s.opening.held = nil
		s.opening.life.end(cause(s.why, nil))
		s.opening = nil
	}
	pending := s.acks.takeAll()
	s.mu.Unlock()
	defer s.enqueue(&task{kind: taskEnd}) // also behind data that ends the goroutine
	s.conn.forget(s)                      // before the client hears of it: it may try again at once
	s.queue.dropped.Store(true)
	s.ns.rooms.remove(s)
	s.life.end(cause(s.reason(), nil))
	for _, p := range pending {
		p.settle(s, Args{}, ErrClosed)
	}
	if !unheard {
		s.conn.send(s.refusalPacket(public))
	}
}

// depart runs OnDisconnect for a socket whose OnConnect returned nil, and ends it.
func (s *Socket) depart() {
	defer s.conn.finished(s) // behind a handler that ends the goroutine, too
	if !s.admitted || s.departed {
		return
	}
	s.departed = true
	reason := s.reason()
	s.log().Life().Str("reason", string(reason)).Msg("socket disconnected")
	if s.accepted {
		defer s.ns.srv.feed.disconnected(s, reason)
	}
	if s.ns.onEnd == nil {
		return
	}
	ec := &eventContext{Context: context.WithoutCancel(s.Context())}
	ec.event = Event{Name: disconnectRow, Args: ArgsOf(string(reason)), Socket: s, kind: KindDisconnect}
	if err := s.call(ec, s.ns.onEnd.handler); err != nil {
		s.fail(ec, err)
	}
}

func connectPacket(s *Socket) (packet.Head, []byte) {
	data := codec.AppendString([]byte(`{"sid":`), s.id)
	if s.rec != nil {
		data = codec.AppendString(append(data, `,"pid":`...), s.rec.pid)
	}
	return packet.Head{Type: packet.Connect, Namespace: s.ns.path}, append(data, '}')
}

// refusalPacket makes a CONNECT_ERROR. Data that cannot be encoded is left out:
// the client is to hear of its refusal all the same.
func (s *Socket) refusalPacket(e *Error) (packet.Head, []byte) {
	head, data, err := connectError(s.ns.path, s.conn.refusal(e))
	if err != nil {
		s.log().Error().Err(err).Msg("data of the refusal left out")
		head, data, _ = connectError(s.ns.path, s.conn.refusal(&Error{Message: e.Message})) // a string cannot fail
	}
	return head, data
}

// connectError makes a packet with a refusal: the *Error as
// {"message":...,"data":...}, data left out when there is none.
func connectError(path string, refusal any) (head packet.Head, data []byte, err error) {
	defer func() {
		if v := recover(); v != nil { // data may encode itself
			err = fmt.Errorf("data of the refusal panics: %s", textOf(v))
		}
	}()
	head = packet.Head{Type: packet.ConnectError, Namespace: path}
	data, attachments, err := codec.Append(nil, nil, refusal)
	if err == nil && len(attachments) > 0 {
		err = errors.New("a refusal cannot carry binary data")
	}
	return head, data, err
}
