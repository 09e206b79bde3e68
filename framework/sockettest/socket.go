package sockettest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Socket is a client in one namespace.
//
// Events wait in the order they arrived until Expect or Next takes them.
type Socket struct {
	c    *Conn
	path string

	// Guarded by c.mu.
	id      string
	pid     string
	claimed string // the PID that the client came with
	offset  string
	state   state
	again   bool     // the client was here before: events of that time may still come
	refusal *Refusal // nil: not refused
	reason  string   // of the disconnect; "" while there is none, or the connection's end is the reason
	events  []*Event
	pending map[int]*Pending // calls by id; answered ones stay, to notice a second answer
}

type state int

const (
	joining state = iota
	joined
	left // by the client
	gone // refused, or disconnected by the server
)

// Conn is the connection that carries the socket, and the client's other
// namespaces.
func (s *Socket) Conn() *Conn { return s.c }

// ID is the socket's id, which the server gave it in this namespace.
func (s *Socket) ID() string { return s.id }

// Path is the namespace's path.
func (s *Socket) Path() string { return s.path }

// Emit sends event. Arguments become JSON; a []byte, also inside a slice, map
// or struct, goes as a binary attachment.
func (s *Socket) Emit(event string, args ...any) {
	s.c.tb.Helper()
	s.emit(event, args, nil)
}

// Send sends data as the event "message".
func (s *Socket) Send(data any) {
	s.c.tb.Helper()
	s.emit("message", []any{data}, nil)
}

// Call sends event, waits for the acknowledgement and returns what is in it.
// It fails the test when none comes.
func (s *Socket) Call(event string, args ...any) Args {
	s.c.tb.Helper()
	return s.EmitWithAck(event, args...).Wait()
}

// EmitWithAck is Call that does not wait.
func (s *Socket) EmitWithAck(event string, args ...any) *Pending {
	s.c.tb.Helper()
	p := &Pending{s: s, event: event}
	s.emit(event, args, p)
	return p
}

// emit sends an event; with a call it asks for the acknowledgement.
func (s *Socket) emit(event string, args []any, call *Pending) {
	s.c.tb.Helper()
	text, attachments, err := encodeArgs(append([]any{event}, args...))
	if err != nil {
		s.c.tb.Fatalf("sockettest: emit %q: %v", event, err)
	}
	s.c.mu.Lock()
	hasLeft := s.state == left
	if !hasLeft {
		id := noID
		if call != nil {
			id = len(s.pending)
			s.pending[id] = call
		}
		s.sendMessage(kindEvent, id, text, attachments)
	}
	s.c.mu.Unlock()
	if hasLeft {
		s.c.tb.Fatalf("sockettest: emit %q: the socket has left %q", event, s.path)
	}
}

// sendMessage sends an EVENT or ACK, unless the server has disconnected the
// socket: then it is lost, as on any client. c.mu is held.
func (s *Socket) sendMessage(kind byte, id int, text []byte, attachments [][]byte) {
	if s.state != joined {
		return
	}
	if len(attachments) > 0 {
		kind += kindBinaryEvent - kindEvent
	}
	s.c.enqueue(textFrame("4" + encodePacket(kind, len(attachments), s.path, id, text)))
	for _, data := range attachments {
		s.c.enqueue(frame{op: opBinary, data: data})
	}
}

// receive takes an EVENT or ACK. c.mu is held.
func (s *Socket) receive(p *packet) error {
	if s.state == left || s.state == joining && s.again {
		return nil // of the time before the client left
	}
	if s.state == joining && (s.claimed == "" || !p.isEvent()) { // else it was missed
		if s.c.raw {
			return nil
		}
		return protocolError(fmt.Sprintf("the event %q for %q", p.name, s.path),
			errors.New("it came before the answer to CONNECT"))
	}
	args := Args{c: s.c, event: p.name, list: p.args, attachments: p.attachments}
	if p.isEvent() {
		s.heard(p)
		s.events = append(s.events, &Event{Name: p.name, Args: args, s: s, id: p.id})
		return nil
	}
	call := s.pending[p.id]
	if call == nil || call.answered {
		return s.c.unasked(p)
	}
	args.event, args.answer = call.event, true
	call.args, call.answered = args, true
	return nil
}

// Expect waits for the next event of that name and returns it. Events of other
// names that came before stay for later calls. It fails the test when none comes.
func (s *Socket) Expect(event string) *Event {
	s.c.tb.Helper()
	e := s.next(func(e *Event) bool { return e.Name == event })
	if e == nil {
		s.fail(fmt.Sprintf("no event %q for %q came", event, s.path), "")
	}
	return e
}

// Next waits for the next event, whatever its name, and returns it. It fails
// the test when none comes.
func (s *Socket) Next() *Event {
	s.c.tb.Helper()
	e := s.next(func(*Event) bool { return true })
	if e == nil {
		s.fail(fmt.Sprintf("no event for %q came", s.path), "")
	}
	return e
}

func (s *Socket) next(wanted func(*Event) bool) *Event {
	var found *Event
	s.c.await(func() bool {
		if i := slices.IndexFunc(s.events, wanted); i >= 0 {
			found = s.events[i]
			s.events = slices.Delete(s.events, i, i+1)
		}
		return found != nil || s.ended()
	})
	return found
}

// ExpectNone fails the test when an event waits for Expect or Next, or arrives
// before the server has answered one more packet of this connection. That
// packet asks for a namespace nobody has, "/sockettest-1" and so on; parlor's
// log then has a line "namespace unknown" of it.
//
// That covers all that the server has sent to this client so far, without any
// sleep. It cannot cover what a handler has not begun yet: where one may still
// be at work, end it first, by a Call to the same namespace (handlers of one
// socket run in order) or, in a synctest bubble, by synctest.Wait.
func (s *Socket) ExpectNone() {
	s.c.tb.Helper()
	s.c.mu.Lock()
	check := !s.ended()
	s.c.mu.Unlock()
	if check {
		s.c.roundTrip()
	}
	s.c.mu.Lock()
	waiting := s.waiting()
	s.c.mu.Unlock()
	if waiting != "" {
		s.c.tb.Fatalf("sockettest: want no event for %q, got %s%s", s.path, waiting, s.c.story())
	}
}

// Leave leaves the namespace, the connection stays. Events that nobody took
// are dropped.
func (s *Socket) Leave() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.state != joined {
		return
	}
	s.state, s.events = left, nil
	s.c.enqueue(textFrame("4" + encodePacket(kindDisconnect, 0, s.path, noID, nil)))
	s.c.notify()
}

// Disconnected waits until the socket is disconnected and returns the reason
// that a client in JavaScript would give: "io server disconnect" when the
// server sent it away, "io client disconnect" after Leave, or "transport close"
// or "transport error" when the connection is gone; see Conn.Closed for how.
func (s *Socket) Disconnected() string {
	s.c.tb.Helper()
	var ended bool
	s.c.await(func() bool {
		ended = s.ended() && s.c.fault == nil
		return s.ended()
	})
	if !ended {
		s.fail(fmt.Sprintf("the socket in %q was not disconnected", s.path), "")
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	switch {
	case s.reason != "":
		return s.reason
	case s.state == left, s.c.leaving == "closed by the test":
		return "io client disconnect"
	case strings.HasPrefix(s.c.how, "status"):
		return "transport error"
	}
	return "transport close"
}

// ended reports that nothing more will come. c.mu is held.
func (s *Socket) ended() bool { return s.c.over || s.state == left || s.state == gone }

// waiting describes the events that nobody has taken. c.mu is held.
func (s *Socket) waiting() string {
	const most = 8
	var list []string
	for _, e := range s.events[:min(most, len(s.events))] {
		list = append(list, fmt.Sprintf("%q %s", e.Name, clip(e.Args.JSON())))
	}
	if n := len(s.events) - most; n > 0 {
		list = append(list, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(list, ", ")
}

// fail ends the test because of what did not happen: it says why it did not,
// and what there is instead. The hint is for a wait that was in vain.
func (s *Socket) fail(what, hint string) {
	s.c.tb.Helper()
	s.c.mu.Lock()
	switch {
	case s.reason != "" && s.c.fault == nil:
		what += ": " + s.reason
	case s.state == left:
		what += ": the socket has left"
	case s.c.over:
		what += s.c.why()
	default:
		what += s.c.why() + hint
	}
	if waiting := s.waiting(); waiting != "" {
		what += "; waiting: " + waiting
	}
	s.c.mu.Unlock()
	s.c.tb.Fatalf("sockettest: %s%s", what, s.c.story())
}
