package framework

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/transport"
)

// Socket is one client in one namespace. The same client has another Socket,
// with another id, in each namespace that it joins (Of). Its methods are safe
// for concurrent use, also after the client has gone.
//
// A Socket speaks to its client; to reach everybody use the Namespace.
type Socket struct {
	id   string
	ns   *namespace
	conn *conn
	auth *Args        // nil without
	rec  *recoverable // nil unless its client may recover

	life lifetime // ends with the socket

	mu      sync.Mutex
	kept    context.Context // what connect middleware passed on; nil if that was what it got
	state   state
	leaving bool   // its DISCONNECT packet is queued
	ended   bool   // no longer delivered to; OnDisconnect is queued or has run
	quiet   bool   // its life is logged at debug; set before anybody else sees it
	lastAck uint32 // the id of what it was last asked: from 1, for older Python clients lose id 0
	why     Reason
	opening *connectContext // while OnConnect runs
	values  map[*keyID]any
	acks    pendingAcks

	listeners atomic.Pointer[listeners] // nil without; written under mu

	logger atomic.Pointer[zerolog.Logger] // of its context; nil until somebody asks

	// Of rooms: present and place guarded by crowd.mu, absent and joined by mu.
	present, absent bool // added, and removed for good
	waiting         bool // guarded by conn.mu: another's successor, which has not begun to connect
	place           int32
	joined          []string

	queue queue
	size  int // bytes that connecting holds in the session's backlog

	// Touched by the socket's worker only.
	admitted bool // OnConnect returned nil
	accepted bool // so did its middleware, and the client has been told; set under mu
	departed bool // OnDisconnect has run, or is running
	corked   bool // an ack was appended and not yet flushed

	current atomic.Bool // what the client sends to the path is for this socket; set under conn.mu

	successor *Socket // guarded by conn.mu
}

type state uint8

const (
	connecting state = iota // OnConnect has not returned
	connected
	gone
)

// ID is the socket's id: 20 characters, unguessable, also the name of a room
// with just this socket in it. It is not the Engine.IO session id, which is the
// client's secret, except with clients of Engine.IO 3, whose sockets' ids have that in
// them (transport.Options.AllowEIO3). Of ids that Options.NewID has not made, logs have
// the first 8 characters.
func (s *Socket) ID() string { return s.id }

// Namespace is where the socket is connected.
func (s *Socket) Namespace() *Namespace { return &Namespace{s.ns} }

// Context ends when the socket is gone; context.Cause then tells the Reason. It
// holds the values of the handshake's HTTP request, chi's route context among
// them, and those that connect middleware added.
func (s *Socket) Context() context.Context { return (*socketContext)(s) }

// Connected tells whether the client is there: OnConnect accepted it and it has
// not gone.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == connected
}

// Handshake is what the client's first HTTP request said.
func (s *Socket) Handshake() *Handshake { return &s.conn.handshake }

// Auth is the payload of the CONNECT packet: no argument, or one.
func (s *Socket) Auth() Args {
	if s.auth == nil {
		return Args{}
	}
	return *s.auth
}

// Transport names how the client is connected at the moment: transport.Polling
// or transport.WebSocket.
func (s *Socket) Transport() string { return s.conn.session.Transport() }

// Emit sends event to this one client. Args become JSON; a []byte at any depth
// travels as a binary attachment. It never blocks, and args may be changed once
// it returned. Inside OnConnect what is emitted is held until the client has
// been accepted.
//
// A last argument of func type is the ack callback: func([ctx], args..., [error]),
// its arguments decoded like a handler's. It runs once, on the socket's queue
// behind the events that came before the answer, with ErrClosed as its error if
// the client goes.
//
// It returns ErrClosed when the client has gone, ErrReservedEvent, and for a callback more
// than Options.MaxPendingAcks an error that wraps a *transport.LimitError. Where clients may
// recover (Options.Recovery) what is emitted after the loss of a connection is kept for
// the client's return, unless it asks for an ack.
func (s *Socket) Emit(event string, args ...any) error {
	if n := len(args); n > 0 && isFunc(args[n-1]) {
		return s.emitCallback(event, args[:n-1], args[n-1])
	}
	if s.ns.recovery != nil {
		return s.emitLogged(event, args)
	}
	m, err := s.ns.encodeEvent(event, 0, args)
	if err != nil {
		return err
	}
	if err := s.deliver(m, false); err != nil {
		return emitError(event, err)
	}
	s.log().Debug().Str("event", event).Int("bytes", m.Len()).Msg("event sent")
	return nil
}

// Send emits the event "message".
func (s *Socket) Send(args ...any) error { return s.Emit("message", args...) }

// SendJSON emits the event "json".
func (s *Socket) SendJSON(args ...any) error { return s.Emit("json", args...) }

// Join adds the socket to rooms, and counts from its return. Rooms exist while
// somebody is in them. It does nothing once the socket is gone.
//
// An error wraps a *transport.LimitError: the socket would be in more rooms than
// Options.MaxRooms, or a name is longer than Options.MaxNameLength; then it has joined
// none of them. That is counted (Server.Exceeded) and logged once a minute, so who joins
// rooms that no client has a say in may ignore it.
func (s *Socket) Join(rooms ...string) error {
	if err := s.mayJoin(rooms); err != nil {
		return fmt.Errorf("framework: join rooms: %w", err)
	}
	s.ns.rooms.join(s, rooms)
	s.log().Debug().Strs("rooms", rooms).Msg("rooms joined")
	return nil
}

// Leave takes the socket out of rooms; one that it is not in is no matter. Its
// personal room, named by its id, cannot be left.
func (s *Socket) Leave(rooms ...string) {
	s.ns.rooms.leave(s, rooms)
	s.log().Debug().Strs("rooms", rooms).Msg("rooms left")
}

// Rooms lists the rooms the socket is in, its id first. In OnDisconnect they
// can still be read.
func (s *Socket) Rooms() []string { return append([]string{s.id}, s.ns.rooms.of(s)...) }

// To selects the members of rooms without this socket (JavaScript's socket.to,
// Flask's include_self=False). Namespace.To includes it.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// Broadcast selects everybody in the namespace but this socket.
func (s *Socket) Broadcast() Broadcast {
	return Broadcast{ns: s.ns, target: target{sender: s}}
}

// In is To by its other name.
func (s *Socket) In(rooms ...string) Broadcast { return s.To(rooms...) }

// Except selects everybody in the namespace but this socket and the members of
// rooms.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Volatile selects this one client, if nothing is queued for it. With To or
// Except it becomes the others, as JavaScript's socket.volatile does.
func (s *Socket) Volatile() Broadcast {
	return Broadcast{ns: s.ns, target: target{only: s}, volatile: true}
}

// Of finds the same client in another namespace. false when it has not joined
// it, or is not accepted there yet.
func (s *Socket) Of(path string) (*Socket, bool) {
	other := s.conn.find([]byte(path))
	if other == nil || !other.Connected() {
		return nil, false
	}
	return other, true
}

// Disconnect makes the client leave the namespace; its connection stays for
// others. It returns at once: what was emitted before still arrives, events
// that are queued are dropped, and OnDisconnect follows when the handler that
// runs now has returned.
func (s *Socket) Disconnect() {
	s.conn.forget(s)
	s.queue.dropped.Store(true)
	s.end(ServerNamespaceDisconnect, nil)
}

// Close disconnects the client from all namespaces and closes its connection.
func (s *Socket) Close() { s.conn.close() }

// deliver appends m to what the client is sent.
func (s *Socket) deliver(m *transport.Message, volatile bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.silent():
		return ErrClosed
	case s.state == connecting && !volatile:
		if err := s.hold(m); err != nil {
			return err
		}
	case !volatile:
		if err := s.conn.sendMessage(m); err != nil {
			return err
		}
	case s.state == connecting || !s.conn.sendVolatile(m):
		return errDropped
	}
	if f := &s.ns.srv.feed; f.wants.sent || s.listeners.Load() != nil {
		f.sent(s, m)
	}
	return nil
}

var errDropped = fmt.Errorf("framework: volatile packet dropped")

// hold keeps m until the client is accepted, within the bound of what a client
// may be owed.
func (s *Socket) hold(m *transport.Message) error {
	if s.opening.heldBytes > s.ns.srv.sendBound {
		s.conn.session.Abort(transport.ReasonTransportError, fmt.Errorf("more than %d bytes emitted while OnConnect runs", s.ns.srv.sendBound))
		return ErrClosed
	}
	s.opening.held = append(s.opening.held, m)
	s.opening.heldBytes += m.Len()
	return nil
}

// sendAck sends a's answer. What the worker sends for a handler that returned is only
// appended: the worker flushes when the queue is empty.
func (s *Socket) sendAck(p *encoded, flush bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != connected || s.silent() {
		return ErrClosed
	}
	if flush {
		return s.conn.sendMessage(transport.NewMessage(p.text, p.attachments...))
	}
	s.corked = true
	return s.conn.appendAck(p)
}

// end takes the socket away from delivery, lists and rooms, and queues its
// OnDisconnect. Only the first call counts.
func (s *Socket) end(reason Reason, detail error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	if s.leaving { // it said so, whatever became of its connection then
		reason, detail = ClientNamespaceDisconnect, nil
	}
	s.ended, s.why = true, reason
	if s.state == connected {
		s.state = gone
		if reason == ServerNamespaceDisconnect {
			s.conn.send(disconnectPacket(s.ns.path))
		}
	}
	pending, opening := s.acks.takeAll(), s.opening
	s.mu.Unlock()

	s.ns.rooms.remove(s)
	s.life.end(cause(reason, detail))
	if opening != nil {
		opening.life.end(cause(reason, detail))
	}
	for _, p := range pending {
		p.settle(s, Args{}, ErrClosed)
	}
	s.enqueue(&task{kind: taskEnd})
}

// leave notes that the client has left. Handlers of what it sent before still run;
// it is told nothing more, for it would take that for its next socket's. It will
// not answer any more either, and the handler that waits for that is one of those
// that its leave stands behind.
func (s *Socket) leave() {
	s.mu.Lock()
	s.leaving = true
	if s.opening != nil {
		s.opening.life.end(ClientNamespaceDisconnect)
	}
	pending := s.acks.takeAll()
	s.mu.Unlock()
	for _, p := range pending {
		p.settle(s, Args{}, ErrClosed)
	}
}

// silent tells, under s.mu, whether the client is to hear nothing any more.
func (s *Socket) silent() bool { return s.state == gone || s.ended || s.leaving }

func (s *Socket) reason() Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

func disconnectPacket(path string) (packet.Head, []byte) {
	return packet.Head{Type: packet.Disconnect, Namespace: path}, nil
}

// log is the server's logger with the socket's fields added to one line; it
// costs nothing while the level is off.
func (s *Socket) log() *socketLog { return (*socketLog)(s) }

type socketLog Socket

func (l *socketLog) Debug() *zerolog.Event { return l.fields(l.ns.srv.log.Debug()) }
func (l *socketLog) Info() *zerolog.Event  { return l.fields(l.ns.srv.log.Info()) }
func (l *socketLog) Warn() *zerolog.Event  { return l.fields(l.ns.srv.log.Warn()) }
func (l *socketLog) Error() *zerolog.Event { return l.fields(l.ns.srv.log.Error()) }

// Life is for what happens once in a socket's life.
func (l *socketLog) Life() *zerolog.Event {
	if l.quiet {
		return l.Debug()
	}
	return l.Info()
}

func (l *socketLog) fields(e *zerolog.Event) *zerolog.Event {
	return e.Str("nsp", l.ns.path).Str("sid", (*Socket)(l).logID())
}
