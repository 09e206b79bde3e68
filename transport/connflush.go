package transport

import (
	"errors"
	"os"
	"time"
)

const (
	// pieceSize is how much is written under one deadline, in bytes.
	pieceSize = 64 << 10

	// wholePiece is the same where a piece that is cut short cannot be gone on with:
	// TLS, a poll's answer.
	wholePiece = 16 << 10
)

// flush writes what waits as far as that goes without blocking. If the peer takes
// less, or the connection can only block, a goroutine does the rest.
func (c *conn) flush() {
	c.mu.Lock()
	if c.writing || c.first == nil || c.state <= connCorked || c.stalled && c.state == connOpen {
		c.mu.Unlock()
		return
	}
	c.writing, c.stalled = true, false
	if c.raw == nil {
		buf := c.take()
		c.mu.Unlock()
		go c.drain(buf, 0)
		return
	}
	var err error
	for c.first != nil && err == nil {
		buf := c.take()
		c.mu.Unlock()
		var n int
		n, err = tryWrite(c.raw, buf.b)
		c.mu.Lock()
		c.inflight -= n
		if err == nil && n < len(buf.b) {
			c.mu.Unlock()
			go c.drain(buf, n)
			return
		}
		c.inflight = 0
		c.done(buf)
	}
	c.leave()
	c.mu.Unlock()
	if err != nil {
		c.fail(err)
	}
}

// take hands the first buffer to the caller, who writes.
func (c *conn) take() *buffer {
	buf := c.first
	if c.first = buf.next; c.first == nil {
		c.last = nil
	}
	buf.next = nil
	c.inflight = len(buf.b)
	c.waiting -= c.inflight
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
	patience := c.patience()
	for {
		written, err := c.writePieces(buf.b[n:], patience)
		n += written
		_ = c.Conn.SetWriteDeadline(time.Time{}) // or what is written next may find it passed
		if errors.Is(err, os.ErrDeadlineExceeded) {
			switch {
			case patience == c.timeout():
				err = tookNothing(c.timeout())
			case c.stall(buf, n, time.Now().Add(c.timeout()-patience)):
				return
			default: // closing, which has a limit of its own
				patience = c.timeout()
				continue
			}
		}
		c.done(buf)
		c.mu.Lock()
		c.inflight = 0
		if err != nil || c.first == nil {
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
func (c *conn) writePieces(p []byte, patience time.Duration) (written int, err error) {
	piece := pieceSize
	if c.raw == nil {
		piece = wholePiece
	}
	for written < len(p) {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[written:min(len(p), written+piece)])
		written += n
		c.mu.Lock()
		c.inflight -= n
		c.mu.Unlock()
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return written, err
		}
	}
	return written, nil
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
