package framework

import (
	"fmt"
	"slices"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/transport"
)

// awaitJoin closes a client that joins no namespace for the connect timeout.
func (c *conn) awaitJoin() {
	c.session.CloseAfter(c.srv.opts.ConnectTimeout, transport.ReasonForcedClose, c.srv.unjoined)
}

// join answers a CONNECT packet.
func (c *conn) join(p packet.Packet) error {
	if c.protocol4() {
		p = connectOfV4(p)
	}
	var auth Args
	if p.Data != nil {
		data := slices.Clone(p.Data)
		if err := packet.Valid(data, c.srv.opts.MaxDepth); err != nil {
			return fmt.Errorf("auth payload: %w", err)
		}
		auth.elems = [][]byte{data}
	}
	if n, most := len(p.Namespace), c.srv.opts.MaxNameLength; n > most {
		c.exceed("MaxNameLength", "namespace %.32q... has %d bytes, %d are the most", p.Namespace, n, most)
		return c.turnAway(string(p.Namespace), unknownNamespace)
	}
	way, ok := c.srv.door(p.Namespace)
	if !ok {
		c.srv.logUnknown(c.handshake.RemoteAddr, string(p.Namespace))
		return c.turnAway(string(p.Namespace), unknownNamespace)
	}
	if c.srv.draining.Load() {
		return nil
	}

	s, err := c.add(way, auth)
	if err != nil || s == nil {
		return err
	}
	s.start()
	return nil
}

// add makes the socket, unless the client has one there. It returns nil too while
// a socket that has left the same namespace is still being cleaned up: leave, then
// join. The new one is started behind that, by finished.
func (c *conn) add(way door, auth Args) (*Socket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil
	}
	path := way.path()
	var before *Socket
	in := 0 // namespaces
	for _, other := range c.live {
		if !other.waiting {
			in++
		}
		switch {
		case other.ns.path != path: // a child may have become another, of the same path
		case !other.current.Load():
			before = other
		case other.Connected():
			return nil, fmt.Errorf("second CONNECT for namespace %q: %w", path, errState)
		default:
			return nil, c.turnAway(path, "Already connecting")
		}
	}
	if before == nil && in >= c.srv.opts.MaxNamespaces {
		c.exceed("MaxNamespaces", "the client is in %d namespaces already", in)
		return nil, c.turnAway(path, tooMany)
	}
	ns := way.enter()
	if ns == nil {
		c.exceed("MaxChildren", "there are %d children of %q", c.srv.opts.MaxChildren, way.family.pattern)
		return nil, c.turnAway(path, tooMany)
	}
	s := newSocket(c, ns, auth)
	c.live = append(c.live, s)
	c.session.CloseAfter(0, "", nil)
	if before == nil {
		return s, nil
	}
	before.successor, s.waiting = s, true
	return nil, nil
}

func newSocket(c *conn, ns *namespace, auth Args) *Socket {
	s := &Socket{ns: ns, conn: c, quiet: !c.loud()}
	if c.srv.opts.NewID == nil || c.protocol4() {
		s.id = c.socketID(ns)
	}
	if auth.Len() > 0 {
		given := auth // or auth itself would be on the heap, given or not
		s.auth = &given
	}
	if ns.recovery != nil {
		s.rec = new(recoverable)
	}
	s.current.Store(true)
	s.queue.busy = true // until it is started
	s.size = s.holdArgs(auth)
	return s
}

// start begins with the connect, unless another socket of the client's session has to
// end before.
func (s *Socket) start() {
	if r := s.ns.recovery; r == nil || r.arrive(s) {
		s.begin()
	}
}

// begin queues the connect, in front of what has arrived meanwhile.
func (s *Socket) begin() {
	s.queue.pushFront(&task{kind: taskConnect, size: s.size})
	if c := s.ns.child; c != nil && !c.turn(s) {
		return
	}
	s.ns.srv.workers.run(s)
}

func (c *conn) turnAway(path, message string) error {
	head, data, err := connectError(path, &Error{Message: message})
	if err != nil {
		return err
	}
	c.send(head, data)
	return nil
}

// leave takes the client's DISCONNECT its place behind the events that it sent
// before. A connect that still runs is told by its context; one that has not begun
// never does.
func (c *conn) leave(s *Socket) {
	if c.unlink(s) {
		return
	}
	c.forget(s)
	s.leave()
	s.enqueue(&task{kind: taskLeave})
}

// unlink takes away a socket that waits for the one before it, so that no more than
// one ever does.
func (c *conn) unlink(s *Socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.waiting {
		return false
	}
	s.current.Store(false)
	for _, other := range c.live {
		if other.successor == s {
			other.successor = nil
		}
	}
	c.live = slices.DeleteFunc(c.live, func(other *Socket) bool { return other == s })
	c.session.Release(s.size + s.queue.abandon())
	s.ns.leave()
	s.end(ClientNamespaceDisconnect, nil)
	return true
}

// forget makes later packets for the namespace no longer s's.
func (c *conn) forget(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.current.CompareAndSwap(true, false) || s.ns.child != nil {
		return // of children there may be any number: stray knows them by their pattern
	}
	if c.left == nil {
		c.left = make(map[string]bool)
	}
	c.left[s.ns.path] = true
}

// finished forgets a socket whose last handler has returned, and lets the one
// that waits behind it connect.
func (c *conn) finished(s *Socket) {
	c.forget(s)
	c.mu.Lock()
	i := slices.Index(c.live, s)
	if i < 0 {
		c.mu.Unlock()
		return
	}
	if s.ns.recovery != nil {
		c.srv.came() // until it is known whether its session is kept
	} else {
		s.ns.leave() // while the connection is still counted
	}
	c.live = slices.Delete(c.live, i, i+1)
	next := s.successor
	s.successor = nil
	if next != nil {
		next.waiting = false
	}
	empty, closed := len(c.live) == 0, c.closed
	if empty && !closed && !s.accepted {
		c.awaitJoin()
	}
	c.mu.Unlock()
	if r := s.ns.recovery; r != nil {
		r.finished(s)
		s.ns.leave()
		c.srv.connGone()
	}
	switch {
	case next != nil:
		next.start()
	case empty && closed:
		c.srv.connGone()
	}
}
