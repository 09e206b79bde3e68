package transport

import (
	"crypto/tls"
	"io"
	"time"
)

// closeGrace is how long a WebSocket that is being closed may take to send some of
// what is queued, and to answer the close frame.
const closeGrace = 2 * time.Second

// fail ends a connection that cannot be written to. The session hears of it before
// the reader does, who could not tell the reason.
func (c *conn) fail(err error) {
	c.mu.Lock()
	dead := c.state == connDead
	c.mu.Unlock()
	if dead {
		return // it was closed under the writer's hands
	}
	c.session.connFailed(c, err)
	c.kill()
}

// end closes the connection as WebSocket has it: what waits is sent, then a close
// frame; the peer answers that, and the goroutine that reads sees it. It takes
// something within each grace and answers in one, or the connection is killed. A stream, which has no close frame,
// is finished.
func (c *conn) end() {
	c.mu.Lock()
	if c.state >= connEnding {
		c.mu.Unlock()
		return
	}
	stream, isStream := c.Conn.(streamConn)
	if !isStream {
		c.put(closeFrame, nil)
	}
	c.state = connEnding
	c.mu.Unlock()
	c.giveGrace(c.buffered())
	c.flush()
	if isStream {
		go func() {
			c.awaitWriter()
			stream.Finish()
		}()
	}
}

// ending tells whether nothing more is taken.
func (c *conn) ending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state >= connEnding
}

// abort closes the connection at once. The peer is sent a close frame if that can
// be done without waiting, and without cutting a frame in two.
func (c *conn) abort() {
	c.mu.Lock()
	if c.state == connOpen && !c.writing && !c.stalled && c.raw != nil {
		_, _ = tryWrite(c.raw, closeFrame)
	}
	c.mu.Unlock()
	c.kill()
}

// kill closes the connection and wakes whoever reads or writes.
func (c *conn) kill() {
	c.mu.Lock()
	c.state = connDead
	for buf := c.first; buf != nil; {
		next := buf.next
		buf.next = nil
		if buf.mark != nil {
			buf.mark.pass(ErrClosed)
			buf.mark = nil
		}
		c.done(buf)
		buf = next
	}
	c.first, c.last, c.waiting = nil, nil, 0
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
	c.cameIn()
	c.mu.Lock()
	alive := c.state != connDead
	c.state = max(c.state, connEnding)
	c.mu.Unlock()
	if alive {
		c.giveGrace(c.buffered())
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
	if c.source != nil {
		c.source.free()
	}
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
