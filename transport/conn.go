package transport

import (
	"bufio"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/parlor-go/parlor/transport/internal/wheel"
)

// readAhead is how much is read from a connection at a time, in bytes.
const readAhead = 16 << 10

// conn is the net.Conn below a WebSocket. Everything that is written to it, by
// sessions and by gws, gathers in one queue and leaves in as few writes as can be,
// none of which makes the caller wait. Flushing it and closing it have files of
// their own.
type conn struct {
	net.Conn
	raw     syscall.RawConn // nil if a write cannot be tried without blocking
	session *Session

	// These belong to the goroutine that reads.
	source     source      // nil of a stream
	early      *early      // nil once all of it has been used
	begun      *unfinished // nil between messages
	readErr    error       // what gws reported
	piece      uint32      // bytes of payload that are to come before the next head
	phase      probePhase
	unflushed  bool   // gws has written: it leaves before reading waits for more
	hungUp     bool   // gws has closed the connection
	readFailed bool   // there is nobody to send a close frame to
	readEnded  bool   // gws has returned, and neither panicked nor been ended
	inflates   bool   // permessage-deflate was agreed on
	coming     uint16 // KiB that gws has made room for, of a message that is under way

	calm  uint16    // bytes that may be owed without a look at what is allowed; never changes
	form  form      // what messages look like here; never changes once the session is there
	state connState // guarded by mu, and here for want of room

	mu       sync.Mutex
	writing  bool          // somebody writes, and will see what is appended
	stalled  bool          // nobody does, for the peer takes nothing: retry will
	first    *buffer       // what waits, as a list; nil when nothing does
	last     *buffer       // its end
	waiting  int           // bytes in it
	inflight int           // bytes that a writer has taken and not yet written
	left     chan struct{} // closed when the writer leaves; made by who waits for it

	timer wheel.Timer // of the upgrade, then of closing
}

// source is where the bytes of a connection come from: a rawRead, or a plainRead.
type source interface {
	io.Reader
	ahead() bool // tells whether something has been read that nobody has taken
	free()       // gives its buffer back
}

// plainRead is the source of connections that can only block, TLS among them.
type plainRead struct{ *bufio.Reader }

func (r plainRead) ahead() bool { return r.Buffered() > 0 }
func (plainRead) free()         {}

// early is what a connection has from the HTTP server, or has read ahead itself.
type early struct {
	read   []byte // what was read from the client already
	header []byte // header lines for the 101 response
}

// connState only ever grows.
type connState uint8

const (
	connHandshake connState = iota // the first write is gws's, of the 101 response
	connCorked                     // writes gather, nothing leaves
	connOpen
	connEnding // nothing more is taken, what waits still leaves
	connDead
)

// receiveBytes reads what the client sends.
func (c *conn) receiveBytes(p []byte) (int, error) {
	if c.hungUp {
		return 0, io.EOF
	}
	if c.early != nil {
		n := copy(p, c.early.read)
		if c.early.read = c.early.read[n:]; len(c.early.read) == 0 {
			c.early = nil
		}
		if n > 0 {
			return n, nil
		}
	}
	if !c.source.ahead() {
		c.flushReplies()
		// What has just been read is answered first. A client that waits for that may
		// have sent more by then, and the kernel is asked once where it would be asked
		// twice and then wait: a sixth of what an echo costs under load.
		runtime.Gosched()
	}
	var n int
	var err error
	// What is longer than the buffer is read to its place, once the buffer is empty.
	if len(p) < readAhead || c.source.ahead() {
		n, err = c.source.Read(p)
	} else {
		n, err = c.Conn.Read(p)
	}
	if err != nil {
		c.readFailed = true
	}
	return n, err
}

// Write takes what gws writes: one frame a call, on the goroutine that reads.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.state == connHandshake {
		c.queueResponse(p)
		c.mu.Unlock()
		return len(p), nil
	}
	if c.state >= connEnding {
		c.mu.Unlock()
		return len(p), nil
	}
	if err := c.tooMuch(); err != nil {
		c.mu.Unlock()
		c.fail(err)
		return 0, err
	}
	if p[0] == frameClose {
		// The reason that gws gives is the text of an error and may name addresses.
		// It calls Close next, and finish flushes.
		if len(p) >= 4 && !c.readFailed {
			c.put([]byte{frameClose, 2, p[2], p[3]}, nil)
		} else if !c.readFailed {
			c.put(closeFrame, nil)
		}
		c.state = connEnding
		c.mu.Unlock()
		return len(p), nil
	}
	c.put(p, nil)
	c.mu.Unlock()
	c.unflushed = true // a flood of pings is answered in one write
	return len(p), nil
}

// flushReplies flushes what gws has written.
func (c *conn) flushReplies() {
	if c.unflushed {
		c.unflushed = false
		c.flush()
	}
}

// queueResponse takes the 101 response, and puts in more header lines than gws knows.
// It leaves together with the open packet, and what else is sent until uncork.
func (c *conn) queueResponse(p []byte) {
	response := make([]byte, 0, len(p)+len(c.early.header))
	response = append(append(response, p[:len(p)-2]...), c.early.header...)
	c.put(append(response, '\r', '\n'), nil)
	c.early.header = nil
	c.state = connCorked
}

// SetDeadline is called by gws around its write of the response, which does not wait.
func (c *conn) SetDeadline(time.Time) error { return nil }

// Close is called by gws once it has written a close frame. The connection is
// closed when that has left, by finish.
func (c *conn) Close() error {
	c.hungUp = true
	return nil
}

// append takes a message to be written at the next flush.
func (c *conn) append(m *Message) error {
	frames := c.look(m)
	c.mu.Lock()
	if c.state >= connEnding {
		c.mu.Unlock()
		return ErrClosed
	}
	if err := c.tooMuch(); err != nil {
		c.mu.Unlock()
		return err
	}
	c.put(frames, m)
	c.mu.Unlock()
	return nil
}

// appendMessage is append of a message that is for c alone.
func (c *conn) appendMessage(text []byte, attachments [][]byte) error {
	size := messageSize(text, attachments)
	if size >= shareSize || !c.plain(size) {
		return c.append(NewMessage(text, attachments...))
	}
	c.mu.Lock()
	if c.state >= connEnding {
		c.mu.Unlock()
		return ErrClosed
	}
	if err := c.tooMuch(); err != nil {
		c.mu.Unlock()
		return err
	}
	buf := c.room(size)
	buf.b = appendMessage(buf.b, text, attachments)
	c.mu.Unlock()
	return nil
}

// appendIdle is append for a message that may be lost: it is if anything waits.
func (c *conn) appendIdle(m *Message) bool {
	frames := c.look(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state >= connEnding || c.owed() > 0 {
		return false
	}
	c.put(frames, m)
	return true
}

// look returns what m looks like here.
func (c *conn) look(m *Message) []byte {
	if c.form == formFrames {
		return m.frames
	}
	return c.otherLook(m)
}

func (c *conn) otherLook(m *Message) []byte {
	if c.form == formDeflate {
		return c.session.engine.deflate.frames(m)
	}
	return m.as(c.form)
}

// plain tells whether frames of that size look here as they do in a Message.
func (c *conn) plain(size int) bool {
	return c.form == formFrames || c.form == formDeflate && size < c.session.engine.deflate.threshold
}

// put adds frames to what waits. Small ones are copied and gather; large ones are kept
// as they are, and counted with the Message that they are of: a broadcast would multiply
// them.
func (c *conn) put(frames []byte, of *Message) {
	if len(frames) >= shareSize {
		if of == nil {
			of = &Message{frames: frames}
		}
		c.waiting += len(frames)
		c.link(&buffer{b: frames, of: of})
		c.session.engine.account.hold(of)
		return
	}
	buf := c.room(len(frames))
	buf.b = append(buf.b, frames...)
}

// room returns the buffer to which the caller appends size bytes.
func (c *conn) room(size int) *buffer {
	c.waiting += size
	if c.last == nil || c.last.of != nil || c.last.mark != nil || len(c.last.b)+size > keepSize {
		c.link(buffers.Get().(*buffer))
	}
	n := len(c.last.b)
	c.counted(n, n+size)
	return c.last
}

// counted notes that a buffer went from so many bytes to so many.
func (c *conn) counted(from, to int) {
	if max(from, to) >= freeShare {
		c.session.engine.account.moved(from, to)
	}
}

// done frees a buffer that was linked.
func (c *conn) done(buf *buffer) {
	if buf.of != nil {
		c.session.engine.account.drop(buf.of)
	} else {
		c.counted(len(buf.b), 0)
	}
	buf.free()
}

// link makes buf the last of what waits.
func (c *conn) link(buf *buffer) {
	if c.last == nil {
		c.first = buf
	} else {
		c.last.next = buf
	}
	c.last = buf
}

// timeout returns how long the peer may take nothing of what is written to it.
func (c *conn) timeout() time.Duration { return c.session.engine.opts.WriteTimeout }

// owed returns how many bytes wait or are being written.
func (c *conn) owed() int { return c.waiting + c.inflight }

// tooMuch tells that nothing more may be added to what is owed, and why.
func (c *conn) tooMuch() error {
	if owed := c.owed(); owed > int(c.calm) && c.state == connOpen {
		if err := c.session.engine.tooMuch(owed); err != nil {
			return err
		}
	}
	return nil
}

// buffered is owed with the lock.
func (c *conn) buffered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owed()
}
