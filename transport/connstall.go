package transport

import "time"

const (
	// stallPatience is how long a goroutine waits for a client that takes nothing. Then
	// the client has stalled: it costs no goroutine any more, and is tried now and again.
	stallPatience = 500 * time.Millisecond

	// stallRetry is how often that is, or with the precision of the wheel.
	stallRetry = 250 * time.Millisecond
)

// patience is how long drain may wait until some of a piece has been taken. A probe,
// whose timer is in use, and what cannot be written to without blocking wait on.
func (c *conn) patience() time.Duration {
	if c.raw == nil || c.session.ws.Load() != c {
		return c.timeout()
	}
	return min(c.timeout(), stallPatience)
}

// stall puts back what a writer has taken, from its nth byte on, and ends the time of
// that writer. The client has until then to take some of it. It reports false if the
// connection is being closed: then the writer stays until it is.
func (c *conn) stall(buf *buffer, n int, until time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != connOpen {
		return false
	}
	c.stalled = true
	c.putBack(buf, n)
	c.session.workers.wheel.Set(&c.timer, stallRetry, func() { c.retry(until) })
	c.leave()
	return true
}

// putBack is the reverse of take.
func (c *conn) putBack(buf *buffer, n int) {
	if buf.of != nil {
		buf.b = buf.b[n:]
	} else {
		c.counted(len(buf.b), len(buf.b)-n)
		buf.b = buf.b[:copy(buf.b, buf.b[n:])]
	}
	if buf.next = c.first; buf.next == nil {
		c.last = buf
	}
	c.first = buf
	c.waiting += len(buf.b)
	c.inflight = 0
}

// retry runs on the wheel: it tries to write to a client that has stalled.
func (c *conn) retry(until time.Time) {
	c.mu.Lock()
	if !c.stalled || c.writing || c.state != connOpen {
		c.mu.Unlock()
		return
	}
	c.writing = true
	over := !time.Now().Before(until)
	buf := c.take()
	c.mu.Unlock()

	n, err := tryWrite(c.raw, buf.b)
	switch {
	case err == nil && n == 0 && over:
		err = tookNothing(c.timeout())
	case err == nil && n == 0 && c.stall(buf, 0, until):
		return
	}
	c.mu.Lock()
	c.stalled = false
	c.inflight -= n
	if err == nil {
		c.mu.Unlock()
		go c.drain(buf, n)
		return
	}
	c.inflight = 0
	c.done(buf)
	c.leave()
	c.mu.Unlock()
	c.fail(err)
}
