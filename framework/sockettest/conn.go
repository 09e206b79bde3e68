package sockettest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire is a transport behind its handshake. One goroutine reads, one writes.
type wire interface {
	read() ([]frame, error)     // waits for what the server sends next
	write(frames []frame) error // an error ends the connection
	close()                     // ends read and write, from any goroutine
}

// ended is how a connection came to its end, without a mistake in the protocol.
type ended string

func (e ended) Error() string { return string(e) }

// Conn is one client: an Engine.IO connection, and the namespaces joined over it.
//
// What a Conn and its Sockets send is queued and leaves in order, as with the
// clients in browsers: sending never waits for the server. What waits for the
// server fails the test after Options.Timeout, so these methods belong on the
// test's goroutine. The connection is closed when the test ends.
type Conn struct {
	tb         testing.TB
	timeout    time.Duration
	noPong     bool
	open       openPacket
	header     http.Header
	host       *host
	wire       wire
	goroutines sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something below changes
	sockets map[string]*Socket
	partial *packet // waits for its attachments
	queue   []frame // to be written
	writing bool
	polling bool // a GET is with the server
	log     []string
	probes  int
	raw     bool // the test has sent packets of its own: state is no longer judged

	leaving string // how the test itself ends the connection; "" while it does not
	over    bool
	how     string // how it ended
	fault   error  // the server's mistake that ended it
	blamed  bool   // the test has failed with it
}

func newConn(tb testing.TB, h *host, opts Options, o *opened) *Conn {
	c := &Conn{
		tb:      tb,
		timeout: opts.Timeout,
		noPong:  opts.NoPong,
		open:    o.packet,
		header:  o.header,
		host:    h,
		wire:    o.wire,
		changed: make(chan struct{}),
		sockets: make(map[string]*Socket),
		log:     o.exchange,
	}
	tb.Cleanup(c.cleanUp)
	if p, ok := o.wire.(*polling); ok {
		p.pending = c.setPolling
	}
	err := c.receiveAll(o.first)
	c.goroutines.Go(func() { c.readAll(err) })
	c.goroutines.Go(c.writeAll)
	return c
}

// SID is the Engine.IO session id. Sockets have ids of their own.
func (c *Conn) SID() string { return c.open.SID }

// Header is that of the server's answer to the handshake: cookies, CORS, what
// middleware has set.
func (c *Conn) Header() http.Header { return c.header }

// Frames is what went over the connection so far, oldest first: "> " or "< "
// for sent or received, then the Engine.IO packet as text ("< 42[\"news\"]") or
// "binary" with the first 64 bytes in hexadecimal. The last thousand are
// kept. It is meant for failure messages and for tests of the protocol itself.
func (c *Conn) Frames() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.log)
}

// Join connects to the namespace path ("" means "/") and returns the socket
// there. A client may send one auth value with it, an object in JSON. Join
// fails the test when the server refuses; see Refused.
func (c *Conn) Join(path string, auth ...any) *Socket {
	c.tb.Helper()
	return c.accepted(c.join(path, auth, claim{}))
}

// accepted fails the test unless s was let in.
func (c *Conn) accepted(s *Socket) *Socket {
	c.tb.Helper()
	if s.refusal != nil {
		c.tb.Fatalf("sockettest: joining %q was refused: %s%s", s.path, s.refusal, c.story())
	}
	return s
}

// Refused asks for the namespace path as Join does, and returns the server's
// refusal. It fails the test when the server lets the client in.
func (c *Conn) Refused(path string, auth ...any) *Refusal {
	c.tb.Helper()
	s := c.join(path, auth, claim{})
	if s.refusal == nil {
		c.tb.Fatalf("sockettest: joining %q was not refused: the socket has the id %q%s", s.path, s.id, c.story())
	}
	return s.refusal
}

// Refusal is a server's CONNECT_ERROR.
type Refusal struct {
	Message string
	Data    json.RawMessage // nil when there is none
}

// String is the message in quotes, and the data if there is any, for a test's
// own failures.
func (r *Refusal) String() string {
	if r.Data == nil {
		return fmt.Sprintf("%q", r.Message)
	}
	return fmt.Sprintf("%q with data %s", r.Message, clip(string(r.Data)))
}

func (c *Conn) join(path string, auth []any, back claim) *Socket {
	c.tb.Helper()
	if path == "" {
		path = "/"
	}
	if path[0] != '/' || strings.Contains(path, ",") {
		c.tb.Fatalf("sockettest: namespace %q: want a path that begins with / and has no comma", path)
	}
	if len(auth) > 1 {
		c.tb.Fatalf("sockettest: joining %q with %d auth values: want one at most", path, len(auth))
	}
	var payload []byte
	if len(auth) == 1 && auth[0] != nil {
		var err error
		if payload, err = encodeJSON(auth[0]); err != nil {
			c.tb.Fatalf("sockettest: auth for %q: %v", path, err)
		}
	}
	s := c.startJoin(path, payload, back)
	if s == nil {
		c.tb.Fatalf("sockettest: %q is joined already; leave it first", path)
	}
	var answered bool
	c.await(func() bool {
		answered = s.state != joining
		return answered || c.over
	})
	if !answered {
		c.fail("joining %q was not answered", path)
	}
	return s
}

// startJoin sends CONNECT; back says what the payload claims. It returns nil if path is
// joined.
func (c *Conn) startJoin(path string, payload []byte, back claim) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &Socket{c: c, path: path, claimed: back.pid, offset: back.offset, pending: make(map[int]*Pending)}
	if before := c.sockets[path]; before != nil {
		if before.state != left {
			return nil
		}
		s.again = true
	}
	c.sockets[path] = s
	c.enqueue(textFrame("4" + encodePacket(kindConnect, 0, path, noID, payload)))
	return s
}

// Send sends packet as it stands: a Socket.IO packet, such as `2["news"]`,
// without the 4 that makes it an Engine.IO message. It is there for what a
// client does not send, and from then on the Conn takes what it did not ask
// for from the server.
func (c *Conn) Send(packet string, attachments ...[]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = true
	c.enqueue(textFrame("4" + packet))
	for _, data := range attachments {
		c.enqueue(frame{op: opBinary, data: slices.Clone(data)})
	}
}

// Close ends the connection as a browser does whose tab is closed: behind what
// was sent before, with a close frame of status 1001, or the packet "1" when
// polling. It returns when the server has closed its side.
func (c *Conn) Close() {
	c.mu.Lock()
	if c.leaving == "" && !c.over {
		if _, ok := c.wire.(*polling); ok {
			c.enqueue(textFrame("1"))
		} else {
			c.enqueue(frame{op: opClose, data: []byte{1001 >> 8, 1001 & 0xFF}})
		}
		c.leaving = "closed by the test"
	}
	c.mu.Unlock()
	c.await(func() bool { return c.over && c.idle() })
	c.host.stop()
}

// Cut ends the connection as a broken network does: behind what was sent
// before, the server reads the end of its TCP connections and nothing else. A
// polling client is cut while it polls: between two polls, or with an answer
// under way, there is nothing that a server could notice before its ping timeout.
func (c *Conn) Cut() {
	_, polls := c.wire.(*polling)
	c.await(func() bool { return c.over || c.idle() && (c.polling || !polls) })
	c.mu.Lock()
	if c.leaving == "" {
		c.leaving = "cut by the test"
	}
	c.mu.Unlock()
	c.host.cut()
	c.await(func() bool { return c.over })
}

// Closed waits until the server closes the connection and returns how it did:
// "close frame 1009" (1005 is one without status), "eof" for a TCP connection
// that just ended, "close packet" for Engine.IO's own, or "status 400" when a
// polling request was refused.
func (c *Conn) Closed() string {
	c.tb.Helper()
	var closed bool
	c.await(func() bool {
		closed = c.over && c.fault == nil
		return c.over
	})
	if !closed {
		c.fail("the server did not close the connection")
	}
	return c.how
}

// cleanUp leaves nothing behind. A polling client that just vanished would
// stay with the server until its next ping.
func (c *Conn) cleanUp() {
	c.tb.Helper()
	c.Close()
	c.host.stop()
	c.goroutines.Wait()
	if c.fault != nil && !c.blamed {
		c.tb.Errorf("sockettest: %v%s", c.fault, c.story())
	}
}

// await waits until done, which is called with c.mu held, returns true. It
// returns false when that takes longer than the timeout.
func (c *Conn) await(done func() bool) bool {
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	for {
		c.mu.Lock()
		ok, changed := done(), c.changed
		c.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			c.mu.Lock()
			defer c.mu.Unlock()
			return done() // behind a standstill both are there
		}
	}
}

// roundTrip returns when the server has answered a packet: all it had sent
// before has then arrived. The packet asks for a namespace that nobody has.
func (c *Conn) roundTrip() {
	c.tb.Helper()
	c.mu.Lock()
	c.probes++
	path := fmt.Sprintf("/sockettest-%d", c.probes)
	c.mu.Unlock()
	s := c.startJoin(path, nil, claim{})
	var in bool
	answered := c.await(func() bool {
		in = s.state == joined
		return s.state != joining || c.over
	})
	if !answered {
		c.fail("the server did not answer a request for the namespace %q", path)
	}
	if in {
		s.Leave() // a pattern of the server took it
	}
}

func (c *Conn) setPolling(pending bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.polling = pending
	c.notify()
}

// notify wakes everybody in await. c.mu is held.
func (c *Conn) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// fail ends the test because of what did not happen, and says why it did not.
func (c *Conn) fail(format string, args ...any) {
	c.tb.Helper()
	c.mu.Lock()
	why := c.why()
	c.mu.Unlock()
	c.tb.Fatalf("sockettest: %s%s%s", fmt.Sprintf(format, args...), why, c.story())
}

// why goes behind what did not happen: the connection's end when it has ended,
// else how long the test has waited. c.mu is held.
func (c *Conn) why() string {
	switch {
	case c.fault != nil:
		c.blamed = true
		return ": " + c.fault.Error()
	case c.over:
		return ": the connection ended: " + c.how
	}
	return fmt.Sprintf(" within %v", c.timeout)
}

// story is the end of the log, for a failure message.
func (c *Conn) story() string {
	const most = 12
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.log
	if len(lines) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nthe connection's last packets (> sent, < received):")
	for _, line := range lines[max(0, len(lines)-most):] {
		b.WriteString("\n    " + clip(line))
	}
	return b.String()
}

// protocolError is a mistake of the server.
func protocolError(what string, err error) error {
	return fmt.Errorf("the server broke the protocol: %s: %w", what, err)
}

var (
	errUnasked   = errors.New("nobody asked for it")
	errNotJoined = errors.New("the client has not joined the namespace")
)
