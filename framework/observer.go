package framework

import (
	"encoding/json"

	"github.com/parlor-go/parlor/transport"
)

// Observer is told what happens on a server: the door for metrics, tracing and
// administration. Functions that are nil are not called, and what nobody
// observes costs nothing.
//
// They are called one at a time, in the order in which things happened, on a
// goroutine of their own: a moment later, when a socket that has connected may be
// gone already. So they hold nobody up, but must not block either: what follows is
// kept in memory. Observers that fall a million events behind, or 64 MiB of what is in
// events, do not hear of more events until they have caught up, and that is logged. A
// panic is contained and logged.
//
// They are the reference server's new_namespace, connection and disconnect, its
// adapter's create-room, join-room, leave-room and delete-room, its engine's
// connection, upgrade and close, and onAny and onAnyOutgoing of every socket at once.
type Observer struct {
	// NamespaceMade is called for each namespace that is registered, at the first
	// request, and for a child of a pattern when it is made. NamespaceGone is
	// called for such children only.
	NamespaceMade, NamespaceGone func(ns *Namespace)

	// Connected is called for each socket that was accepted, and Disconnected once
	// for each of those, behind its OnDisconnect; its rooms and session values can
	// still be read. err is that of OnDisconnect: more than reason says, or nil.
	Connected    func(s *Socket)
	Disconnected func(s *Socket, reason Reason, err error)

	// RoomCreated comes before the first Joined of a room, RoomDeleted behind the
	// last Left. Who joins a room that it is in is not told again. The personal
	// room of a socket counts, as in the reference server: it is joined before
	// OnConnect runs, and left when the socket is gone or refused.
	RoomCreated, RoomDeleted func(ns *Namespace, room string)
	Joined, Left             func(s *Socket, room string)

	// Received is called for each event of a client whose turn has come, whatever
	// its middleware makes of it; Sent for each event that a client is sent, of a
	// broadcast for each receiver, with what the client will see. Acks are no
	// events. What OnConnect emits counts as sent though it is held, and dropped
	// if it refuses. args are not to be changed.
	Received, Sent func(s *Socket, event string, args Args)

	// Set is called for each value that a Key with a name stores on a socket, with that
	// and the value in JSON: encoded by who stores it, then and there; nil if it cannot
	// be. What was stored while the socket was connecting is told just before Connected.
	Set func(s *Socket, key string, value json.RawMessage)

	// Opened is called when a client has opened a connection, before it joins any
	// namespace, and Closed when the connection is gone, before its sockets are.
	// Upgraded is called when a client that polled has moved to another transport,
	// UpgradeFailed when it tried and goes on polling.
	Opened, Upgraded func(c Client)
	UpgradeFailed    func(c Client, err error)
	Closed           func(c Client, reason Reason, err error)

	// Traffic, unless nil, counts what all clients send and are sent.
	Traffic *Traffic
}

// Observe has o told what happens. It may be called several times, before the
// first request; observers are called in that order.
func (srv *Server) Observe(o Observer) {
	srv.open("Observe")
	srv.feed.observe(o)
	if o.Traffic != nil {
		srv.traffic = append(srv.traffic, o.Traffic)
	}
}

// What follows notes that something has happened, if anybody wants to know.

func (f *feed) namespaceMade(n *namespace) {
	if f.wants.namespaces {
		f.noteAll(func(o *Observer) { tell1(o.NamespaceMade, &Namespace{n}) })
	}
}

func (f *feed) namespaceGone(n *namespace) {
	if f.wants.namespaces {
		f.noteAll(func(o *Observer) { tell1(o.NamespaceGone, &Namespace{n}) })
	}
}

func (f *feed) connected(s *Socket) {
	if f.wants.sockets {
		f.noteAll(func(o *Observer) { tell1(o.Connected, s) })
	}
}

func (f *feed) disconnected(s *Socket, reason Reason) {
	if f.wants.sockets {
		err := s.closeError()
		f.noteAll(func(o *Observer) { tell3(o.Disconnected, s, reason, err) })
	}
}

func (f *feed) opened(c *conn) {
	if f.wants.clients {
		f.noteAll(func(o *Observer) { tell1(o.Opened, Client{c}) })
	}
}

func (f *feed) upgraded(c *conn) {
	if f.wants.clients {
		f.noteAll(func(o *Observer) { tell1(o.Upgraded, Client{c}) })
	}
}

func (f *feed) upgradeFailed(c *conn, err error) {
	if f.wants.clients {
		f.noteAll(func(o *Observer) { tell2(o.UpgradeFailed, Client{c}, err) })
	}
}

func (f *feed) closed(c *conn, reason Reason, err error) {
	if f.wants.clients {
		f.noteAll(func(o *Observer) { tell3(o.Closed, Client{c}, reason, err) })
	}
}

// joined is called with the lock that makes it so, and of a nil feed too: rooms may do
// without one.
func (f *feed) joined(s *Socket, room string) {
	if f != nil && f.wants.rooms {
		f.note(func() { f.tellJoined(s, room) })
	}
}

// left is called as joined is.
func (f *feed) left(s *Socket, room string) {
	if f != nil && f.wants.rooms {
		f.note(func() { f.tellLeft(s, room) })
	}
}

// tellJoined counts rooms: here a personal room and another of its name are the same.
func (f *feed) tellJoined(s *Socket, room string) {
	in := inRoom{s.ns, room}
	if f.members == nil {
		f.members = make(map[inRoom]int)
	}
	if f.members[in]++; f.members[in] == 1 {
		f.each(func(o *Observer) { tell2(o.RoomCreated, &Namespace{s.ns}, room) })
	}
	f.each(func(o *Observer) { tell2(o.Joined, s, room) })
}

func (f *feed) tellLeft(s *Socket, room string) {
	f.each(func(o *Observer) { tell2(o.Left, s, room) })
	in := inRoom{s.ns, room}
	if f.members[in]--; f.members[in] == 0 {
		delete(f.members, in)
		f.each(func(o *Observer) { tell2(o.RoomDeleted, &Namespace{s.ns}, room) })
	}
}

// received shows an event to observers.
func (f *feed) received(s *Socket, event string, args Args) {
	if f.wants.received {
		f.noteEvent(func() {
			f.each(func(o *Observer) { tell3(o.Received, s, event, args) })
		}, args.size())
	}
}

// sent shows a message to observers and to those who listen to s. Socket.mu is held,
// and the locks of a broadcast may be.
func (f *feed) sent(s *Socket, m *transport.Message) {
	l := s.listeners.Load()
	if !f.wants.sent && (l == nil || len(l.sent) == 0) {
		return
	}
	f.noteMessage(func() {
		what := f.show(m)
		f.each(func(o *Observer) { tell3(o.Sent, s, what.event, what.args) })
		if l != nil {
			f.srv.hear(l.sent, what.event, what.args)
		}
	}, m)
}

func tell1[A any](fn func(A), a A) {
	if fn != nil {
		fn(a)
	}
}

func tell2[A, B any](fn func(A, B), a A, b B) {
	if fn != nil {
		fn(a, b)
	}
}

func tell3[A, B, C any](fn func(A, B, C), a A, b B, c C) {
	if fn != nil {
		fn(a, b, c)
	}
}
