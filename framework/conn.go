package framework

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/transport"
)

// conn is one client's connection: it takes Socket.IO packets apart and hands
// them to the sockets, one for each namespace. Message and what it calls run on
// the read loop and never call user code.
type conn struct {
	srv       *Server
	session   *transport.Session
	handshake Handshake
	values    context.Context // of the handshake's request

	// Touched by the read loop only.
	partial *partial // a packet whose attachments are not complete
	recent  *Socket  // the one that the last packet was for

	mu   sync.Mutex
	live []*Socket       // whose clean-up has not ended
	left map[string]bool // namespaces whose late packets are ignored

	awaited  atomic.Uint32 // odd while a packet is not complete; each has a number of its own
	watching atomic.Bool   // a timer looks after that

	// Guarded by mu.
	minute uint32 // of the clock, in which the client last joined
	joins  uint16 // that were logged aloud in it
	closed bool

	broken bool // the client broke the protocol: nothing more is read; the read loop's
}

// attachmentOverhead is what an attachment costs beside its bytes: it may have none.
const attachmentOverhead = 32

// partial is a binary packet on its way in. What has come of it counts as backlog.
type partial struct {
	packet      packet.Packet
	bytes       []byte // where it is
	attachments [][]byte
	size        int
}

func newConn(srv *Server, session *transport.Session, r *http.Request) *conn {
	c := &conn{srv: srv, session: session, handshake: newHandshake(r), values: lasting(r.Context())}
	srv.feed.opened(c)
	c.awaitJoin()
	if c.protocol4() {
		c.joinRoot()
	}
	return c
}

// Message takes one Engine.IO message.
func (c *conn) Message(data []byte, binary bool) {
	if c.broken {
		return
	}
	if c.srv.traffic != nil {
		c.countIn(len(data))
	}
	if err := c.message(data, binary); err != nil {
		c.breakOff(err)
	}
}

// errState marks a packet that is well-formed and out of place; the reference
// tells the two apart in the reason.
var errState = errors.New("out of place")

// breakOff ends the connection of a client that broke the protocol, or went beyond a
// bound.
func (c *conn) breakOff(err error) {
	c.dropPartial()
	c.broken = true
	reason := ForcedClose
	if errors.Is(err, errState) {
		reason = ForcedServerClose
	}
	c.srv.logViolation(c.handshake.RemoteAddr, err)
	c.session.CloseWith(transport.Reason(reason), err)
}

func (c *conn) message(data []byte, binary bool) error {
	if binary {
		return c.attachment(data)
	}
	if c.partial != nil {
		return fmt.Errorf("text packet while %d attachments are awaited", c.partial.missing())
	}
	p, err := packet.Decode(data, c.srv.opts.MaxAttachments)
	if err != nil {
		return err
	}
	if p.Attachments == 0 {
		return c.handle(p, nil)
	}
	c.partial = newPartial(p)
	c.await()
	c.session.Hold(c.partial.size)
	return nil
}

// partials are used again: what is kept of them are the attachments.
var partials = sync.Pool{New: func() any { return new(partial) }}

// newPartial copies p, which outlives its message, whose bytes are the transport's.
func newPartial(p packet.Packet) *partial {
	t := partials.Get().(*partial)
	t.bytes = append(append(t.bytes, p.Namespace...), p.Data...)
	n := len(p.Namespace)
	p.Namespace, p.Data = t.bytes[:n:n], t.bytes[n:]
	t.packet, t.size = p, taskOverhead+len(t.bytes)
	t.attachments = make([][]byte, 0, min(p.Attachments, maxKept)) // they have yet to come
	return t
}

func (p *partial) free() {
	if cap(p.bytes) <= maxScratch {
		*p = partial{bytes: p.bytes[:0]}
		partials.Put(p)
	}
}

// dropPartial forgets a packet the rest of which will not come.
func (c *conn) dropPartial() {
	if c.partial != nil {
		c.session.Release(c.partial.size)
		c.partial = nil
	}
}

func (p *partial) missing() int { return p.packet.Attachments - len(p.attachments) }

func (c *conn) attachment(data []byte) error {
	p := c.partial
	if p == nil {
		return errors.New("binary message while no attachment is awaited")
	}
	p.attachments = append(p.attachments, append([]byte{}, data...))
	p.size += len(data) + attachmentOverhead
	c.session.Hold(len(data) + attachmentOverhead)
	if p.missing() > 0 {
		return nil
	}
	c.partial = nil
	c.session.Release(p.size) // its event will hold it
	c.arrived()
	err := c.handle(p.packet, p.attachments)
	p.free()
	return err
}

func (c *conn) handle(p packet.Packet, attachments [][]byte) error {
	switch p.Type {
	case packet.Connect:
		return c.join(p)
	case packet.ConnectError:
		return fmt.Errorf("CONNECT_ERROR from a client: %w", errState)
	}
	s := c.addressee(p.Namespace)
	if s == nil {
		return c.stray(p)
	}
	switch p.Type {
	case packet.Disconnect:
		c.leave(s)
		return nil
	case packet.Event, packet.BinaryEvent:
		return c.event(s, p, attachments)
	}
	args, err := parseArgs(slices.Clone(p.Data), nil, attachments, c.srv.opts.MaxDepth)
	if err != nil {
		return fmt.Errorf("ack: %w", err)
	}
	s.acked(p.ID, args)
	return nil
}

// event queues an event for its socket.
func (c *conn) event(s *Socket, p packet.Packet, attachments [][]byte) error {
	r := s.ns.routeOf(packet.PeekName(p.Data))
	ec := r.newContext()
	ec.data = append(ec.data, p.Data...)
	args, err := parseArgs(ec.data, ec.elems[:0], attachments, c.srv.opts.MaxDepth)
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	e := &ec.event
	var kind taskKind
	if r != nil {
		e.Name, e.target, kind = r.event, r.serve, r.kind
	} else if kind, err = s.ns.resolve(e, args); err != nil {
		return err
	}
	args.elems = args.elems[1:]
	if c.srv.draining.Load() {
		return nil
	}
	e.Args, e.Socket, e.ack = args, s, &ec.ack
	ec.ack.socket, ec.ack.event = s, e.Name
	ec.ack.id, ec.ack.wanted = p.ID, p.HasID

	size := len(p.Data) + heldFor(args)
	for _, b := range attachments {
		size += len(b) + attachmentOverhead
	}
	c.session.Hold(size)
	ec.task = task{kind: kind, ec: ec, size: size}
	s.enqueue(&ec.task)
	return nil
}

// stray judges a packet for a namespace that the client is not in: late ones
// are ignored, others break the protocol.
func (c *conn) stray(p packet.Packet) error {
	c.mu.Lock()
	late := c.closed || c.left[string(p.Namespace)]
	c.mu.Unlock()
	if !late {
		f, _ := c.srv.families.match(string(p.Namespace))
		late = f != nil // of children nobody remembers which were left
	}
	if late {
		c.srv.log.Debug().Str("nsp", logName(string(p.Namespace))).Msg("packet for a namespace that the client has left")
		return nil
	}
	return fmt.Errorf("packet for namespace %q, which the client has not joined: %w", logName(string(p.Namespace)), errState)
}

// addressee is find for the read loop, which mostly has packets for one namespace.
func (c *conn) addressee(path []byte) *Socket {
	if s := c.recent; s != nil && s.ns.path == string(path) && s.current.Load() {
		return s
	}
	c.recent = c.find(path)
	return c.recent
}

// find returns the socket that packets for a namespace are meant for.
func (c *conn) find(path []byte) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.live {
		if s.current.Load() && s.ns.path == string(path) {
			return s
		}
	}
	return nil
}

// close disconnects all namespaces and then the client.
func (c *conn) close() {
	c.mu.Lock()
	sockets := slices.Clone(c.live)
	c.mu.Unlock()
	for _, s := range sockets {
		s.Disconnect()
	}
	c.session.Close(transport.Reason(ForcedServerClose))
}

// Upgraded and UpgradeFailed are told of the client's moves between transports.
func (c *conn) Upgraded() { c.srv.feed.upgraded(c) }

func (c *conn) UpgradeFailed(err error) { c.srv.feed.upgradeFailed(c, err) }

// Closed ends every socket.
func (c *conn) Closed(reason transport.Reason, err error) {
	c.dropPartial()
	c.srv.feed.closed(c, Reason(reason), err)
	c.mu.Lock()
	c.closed = true
	sockets := slices.Clone(c.live)
	c.mu.Unlock()
	if len(sockets) == 0 {
		c.srv.connGone()
		return
	}
	for _, s := range sockets {
		s.end(Reason(reason), err)
	}
}
