package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/parlor-go/parlor/transport/internal/wheel"
)

const (
	// pieceSize is how much is written under one deadline, in bytes.
	pieceSize = 64 << 10

	// closeGrace is how long a WebSocket that is being closed may take to send what
	// is queued and to answer the close frame.
	closeGrace = 2 * time.Second
)

// errSlow is wrapped in what ends the session of a client that does not keep up.
var errSlow = errors.New("slow client")

// conn is the net.Conn below a WebSocket. Everything that is written to it, by
// sessions and by gws, gathers in one buffer and leaves in as few writes as can be,
// none of which makes the caller wait.
type conn struct {
	net.Conn
	raw     syscall.RawConn // nil if a write cannot be tried without blocking
	session *Session
	limit   int           // bytes
	timeout time.Duration // for one piece

	// These belong to the goroutine that reads.
	head       []byte // what the HTTP server had read already
	extra      []byte // header lines for the 101 response
	phase      probePhase
	hungUp     bool  // gws has closed the connection
	readFailed bool  // there is nobody to send a close frame to
	readErr    error // what gws reported

	mu       sync.Mutex
	state    connState
	out      *buffer       // what waits; nil when nothing does
	inflight int           // bytes that a writer has taken and not yet written
	writing  bool          // somebody writes, and will see what is appended
	left     chan struct{} // closed when the writer leaves; made by who waits for it

	timer wheel.Timer // of the upgrade, then of closing
}

// connState only ever grows.
type connState uint8

const (
	connHandshake connState = iota // writes go straight through: the 101 response
	connCorked                     // writes gather, nothing leaves
	connOpen
	connEnding // nothing more is taken, what waits still leaves
	connDead
)

// buffer is a pooled byte slice.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 1024)} }}

func (b *buffer) free() {
	if cap(b.b) > pieceSize {
		return // it has served its peak
	}
	b.b = b.b[:0]
	buffers.Put(b)
}

// Read reads for gws.
func (c *conn) Read(p []byte) (int, error) {
	if c.hungUp {
		return 0, io.EOF
	}
	if len(c.head) > 0 {
		n := copy(p, c.head)
		if c.head = c.head[n:]; len(c.head) == 0 {
			c.head = nil
		}
		return n, nil
	}
	n, err := c.Conn.Read(p)
	if err != nil {
		c.readFailed = true
	}
	return n, err
}

// Write takes what gws writes: one frame a call, on the goroutine that reads.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.state == connHandshake {
		c.mu.Unlock()
		return c.writeResponse(p)
	}
	if c.state >= connEnding {
		c.mu.Unlock()
		return len(p), nil
	}
	if owed := c.owed(); owed > c.limit {
		c.mu.Unlock()
		err := c.overflow(owed)
		c.fail(err)
		return 0, err
	}
	if p[0] == frameClose {
		// The reason that gws gives is the text of an error and may name addresses.
		// It calls Close next, and finish flushes.
		if len(p) >= 4 && !c.readFailed {
			c.put([]byte{frameClose, 2, p[2], p[3]})
		} else if !c.readFailed {
			c.put(closeFrame)
		}
		c.state = connEnding
		c.mu.Unlock()
		return len(p), nil
	}
	c.put(p)
	c.mu.Unlock()
	c.flush()
	return len(p), nil
}

// writeResponse writes the 101 response, with more header lines than gws knows.
func (c *conn) writeResponse(p []byte) (int, error) {
	response := append(p[:len(p)-2:len(p)-2], c.extra...)
	c.extra = nil
	if _, err := c.Conn.Write(append(response, '\r', '\n')); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close is called by gws once it has written a close frame. The connection is
// closed when that has left, by finish.
func (c *conn) Close() error {
	c.hungUp = true
	return nil
}

// append takes frames to be written at the next flush.
func (c *conn) append(frames []byte) error {
	c.mu.Lock()
	if c.state >= connEnding {
		c.mu.Unlock()
		return ErrClosed
	}
	if owed := c.owed(); owed > c.limit {
		c.mu.Unlock()
		return c.overflow(owed)
	}
	c.put(frames)
	c.mu.Unlock()
	return nil
}

// appendIdle is append for frames that may be lost: they are if anything waits.
func (c *conn) appendIdle(frames []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state >= connEnding || c.owed() > 0 {
		return false
	}
	c.put(frames)
	return true
}

func (c *conn) put(frames []byte) {
	if c.out == nil {
		c.out = buffers.Get().(*buffer)
	}
	c.out.b = append(c.out.b, frames...)
}

// owed returns how many bytes wait or are being written.
func (c *conn) owed() int {
	if c.out == nil {
		return c.inflight
	}
	return c.inflight + len(c.out.b)
}

func (c *conn) overflow(owed int) error {
	return fmt.Errorf("%w: %d bytes wait for it, Options.MaxSendBuffer is %d", errSlow, owed, c.limit)
}

// buffered is owed with the lock.
func (c *conn) buffered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owed()
}

// flush writes what waits as far as that goes without blocking. If the peer takes
// less, or the connection can only block, a goroutine does the rest.
func (c *conn) flush() {
	c.mu.Lock()
	if c.writing || c.out == nil || c.state <= connCorked {
		c.mu.Unlock()
		return
	}
	c.writing = true
	if c.raw == nil {
		buf := c.take()
		c.mu.Unlock()
		go c.drain(buf, 0)
		return
	}
	var err error
	for c.out != nil && err == nil {
		buf := c.take()
		c.mu.Unlock()
		var n int
		n, err = tryWrite(c.raw, buf.b)
		if err == nil && n < len(buf.b) {
			go c.drain(buf, n)
			return
		}
		buf.free()
		c.mu.Lock()
		c.inflight = 0
	}
	c.leave()
	c.mu.Unlock()
	if err != nil {
		c.fail(err)
	}
}

// take hands all that waits to the caller, who writes.
func (c *conn) take() *buffer {
	buf := c.out
	c.out, c.inflight = nil, len(buf.b)
	return buf
}

// leave ends the time of a writer.
func (c *conn) leave() {
	c.writing = false
	if c.left != nil {
		close(c.left)
		c.left = nil
	}
}

// drain writes buf from its nth byte on, and whatever gathers meanwhile.
func (c *conn) drain(buf *buffer, n int) {
	for {
		err := c.writePieces(buf.b[n:])
		buf.free()
		if c.raw != nil {
			_ = c.Conn.SetWriteDeadline(time.Time{}) // or tryWrite fails once it has passed
		}
		c.mu.Lock()
		c.inflight = 0
		if err != nil || c.out == nil {
			c.leave()
			c.mu.Unlock()
			if err != nil {
				c.fail(err)
			}
			return
		}
		buf, n = c.take(), 0
		c.mu.Unlock()
	}
}

// writePieces writes p under a deadline that each piece, and each bit of progress,
// renews: a slow peer is no stalled one.
func (c *conn) writePieces(p []byte) error {
	for len(p) > 0 {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
			return err
		}
		n, err := c.Conn.Write(p[:min(len(p), pieceSize)])
		p = p[n:]
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if n > 0 {
				err = nil
			} else {
				err = fmt.Errorf("%w: it took nothing for %v, Options.WriteTimeout", errSlow, c.timeout)
			}
		}
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.inflight -= n
		c.mu.Unlock()
	}
	return nil
}

// fail ends a connection that cannot be written to.
func (c *conn) fail(err error) {
	c.mu.Lock()
	dead := c.state == connDead
	c.mu.Unlock()
	if dead {
		return // it was closed under the writer's hands
	}
	c.kill()
	c.session.connFailed(c, err)
}

// uncork lets writes through that have gathered.
func (c *conn) uncork() {
	c.mu.Lock()
	if c.state == connCorked {
		c.state = connOpen
	}
	c.mu.Unlock()
	c.flush()
}

// end closes the connection as WebSocket has it: what waits is sent, then a close
// frame; the peer answers that, and the goroutine that reads sees it. It does so
// within the grace, or the connection is killed.
func (c *conn) end() {
	c.mu.Lock()
	if c.state >= connEnding {
		c.mu.Unlock()
		return
	}
	c.put(closeFrame)
	c.state = connEnding
	c.mu.Unlock()
	c.session.workers.wheel.Set(&c.timer, closeGrace, c.kill)
	c.flush()
}

// abort closes the connection at once. The peer is sent a close frame if that can
// be done without waiting, and without cutting a frame in two.
func (c *conn) abort() {
	c.mu.Lock()
	if c.state == connOpen && !c.writing && c.raw != nil {
		_, _ = tryWrite(c.raw, closeFrame)
	}
	c.mu.Unlock()
	c.kill()
}

// kill closes the connection and wakes whoever reads or writes.
func (c *conn) kill() {
	c.mu.Lock()
	c.state = connDead
	if c.out != nil {
		c.out.free()
		c.out = nil
	}
	c.mu.Unlock()
	if t, ok := c.Conn.(*tls.Conn); ok {
		_ = t.NetConn().Close() // its own Close may wait for the peer
		return
	}
	_ = c.Conn.Close()
}

// finish ends the connection after the last read, on the goroutine that read. What
// waits may still leave. If the peer was broken off it may be in the middle of
// sending, and closing then would make its kernel drop what we have sent: so what
// it sends is thrown away until it has seen the close frame.
func (c *conn) finish(brokenOff bool) {
	w := c.session.workers.wheel
	c.mu.Lock()
	alive := c.state != connDead
	c.state = max(c.state, connEnding)
	c.mu.Unlock()
	if alive {
		w.Set(&c.timer, closeGrace, c.kill)
		c.flush()
		c.awaitWriter()
	}
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && alive && brokenOff {
		if half.CloseWrite() == nil {
			_, _ = io.Copy(io.Discard, c.Conn)
		}
	}
	w.Stop(&c.timer)
	c.kill()
	c.awaitWriter()
}

// awaitWriter returns when nobody writes any more.
func (c *conn) awaitWriter() {
	c.mu.Lock()
	if !c.writing {
		c.mu.Unlock()
		return
	}
	if c.left == nil {
		c.left = make(chan struct{})
	}
	left := c.left
	c.mu.Unlock()
	<-left
}
