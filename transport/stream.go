package transport

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Stream is a reliable stream of bytes in both directions to one client: the
// bidirectional stream of a WebTransport session. Each method may be called beside the
// others.
type Stream interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	RemoteAddr() net.Addr

	// Finish ends the stream behind what has been written, and has the connection
	// closed once that may have arrived. It does not block.
	Finish()

	// Close ends the connection at once. It wakes who reads or writes, and does not
	// block. It is called in any case, at times more than once.
	Close() error
}

// AdmitStream checks the request by which a client asks for a stream, before that is
// granted: whether the engine offers WebTransport, the page may connect (Origins) and
// new clients are taken. It answers those it does not admit and reports which.
func (e *Engine) AdmitStream(w http.ResponseWriter, r *http.Request) bool {
	sent, told := e.unproxied(r)
	switch {
	case !e.allowOrigin(w, sent):
		return false
	case !slices.Contains(e.opts.Transports, WebTransport):
		e.refuse(w, sent, refusedTransport, "Options.Transports does not have transport.WebTransport")
		return false
	}
	// Before it is known whether it is an upgrade. A session takes its place later.
	p, ref, err := e.enter(sent, told, true)
	if err != nil {
		e.refuseFor(w, sent, ref, err)
		return false
	}
	defer p.leave()
	return e.allow(w, sent)
}

// ServeStream serves a client on a stream that AdmitStream let through with r, until
// either side ends it. The stream's first packet tells whether it is a new session or
// the upgrade of one that polls; it has to come within Options.UpgradeTimeout.
//
// Engine.IO protocol v4, "WebTransport".
func (e *Engine) ServeStream(stream Stream, r *http.Request) {
	defer func() {
		if recover() != nil { // the log did, of which nothing can be told
			_ = stream.Close()
		}
	}()
	r, told := e.unproxied(r)
	p, _, err := e.enter(r, told, false) // also for an upgrade, until it is known for one
	if err != nil {
		e.log.Debug().Err(err).Str("remote", r.RemoteAddr).Msg("webtransport stream refused")
		if limit, ok := errors.AsType[*LimitError](err); ok {
			e.Exceed(limit, r.RemoteAddr)
		}
		_ = stream.Close()
		return
	}
	if c, frames := e.enterStream(stream, r, p); c != nil {
		c.uncork()
		c.serveStream(frames)
	}
}

// enterStream reads the opening of a stream and makes it the transport of a session, or
// a probe. It returns nil if the stream has been closed instead.
func (e *Engine) enterStream(stream Stream, r *http.Request, p *place) (*conn, *streamFrames) {
	defer p.leave()
	c := &conn{
		Conn:  streamConn{stream},
		form:  formStream,
		state: connCorked,
		calm:  e.calm,
	}
	_ = stream.SetReadDeadline(time.Now().Add(e.opts.UpgradeTimeout))
	frames := &streamFrames{r: bufio.NewReaderSize(stream, readBuffer), limit: maxOpening}
	id, err := readOpening(frames)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			e.Exceed(tooSlow(e.opts.UpgradeTimeout), r.RemoteAddr)
		}
		e.log.Debug().Err(err).Str("remote", r.RemoteAddr).Msg("webtransport opened no session")
		_ = stream.Close()
		return nil, nil
	}
	_ = stream.SetReadDeadline(time.Time{})
	frames.limit = e.opts.MaxPayload
	goesOn := false
	if id == "" {
		goesOn = e.openStream(c, r, p)
	} else {
		goesOn = e.upgradeToStream(c, id)
	}
	if !goesOn {
		return nil, nil
	}
	return c, frames
}

// readOpening reads the first packet and returns the id of the session that it names.
func readOpening(f *streamFrames) (id string, err error) {
	data, binary, err := f.next()
	defer f.free()
	switch {
	case err != nil:
		return "", err
	case binary || len(data) == 0 || data[0] != '0':
		return "", errors.New("transport: the first packet of a stream opens or names no session")
	case len(data) == 1:
		return "", nil
	}
	var opening struct {
		SID string `json:"sid"`
	}
	if err := json.Unmarshal(data[1:], &opening); err != nil || opening.SID == "" {
		return "", errors.New("transport: the first packet of a stream names no session")
	}
	return opening.SID, nil
}

// maxOpening is more than the first packet of a stream can need, in bytes.
const maxOpening = 512

// openStream opens a session on a stream, or closes that. What is panicked with there
// by NewID or accept goes no further: this is no goroutine of net/http's.
func (e *Engine) openStream(c *conn, r *http.Request, p *place) (opened bool) {
	defer func() {
		if v := recover(); v != nil {
			e.log.Error().Str("panic", textOf(v)).Bytes("stack", debug.Stack()).Str("remote", r.RemoteAddr).
				Msg("webtransport handshake panicked")
		}
		if !opened {
			_ = c.Conn.Close()
		}
	}()
	id, err := e.makeID(r)
	if err != nil {
		e.log.Error().Err(err).Str("remote", r.RemoteAddr).Msg("webtransport opened no session")
		return false
	}
	defer e.disownID(id)
	if !e.admit() {
		return false
	}
	s := e.newSession(id, p)
	c.session = s
	s.ws.Store(c)
	_ = c.append(e.openPacket(s, WebTransport))

	e.hold() // for serveStream, and before accept can close the session
	defer func() {
		if !opened {
			e.release()
		}
	}()
	s.open(r, p)
	return true
}

// upgradeToStream makes a stream the probe of the session that it is to become the
// transport of, or closes it.
func (e *Engine) upgradeToStream(c *conn, id string) bool {
	s := e.session(id)
	if s == nil || s.v3 || !s.reserveUpgrade() {
		e.log.Debug().Msg("webtransport for a session that is unknown, or has no use for it")
		_ = c.Conn.Close()
		return false
	}
	e.hold()
	s.probeOn(c)
	return true
}

// serveStream reads until the stream ends.
func (c *conn) serveStream(frames *streamFrames) {
	frames.session = c.session
	defer c.served()
	defer c.containStream()
	defer frames.free()
	for {
		data, binary, err := frames.next()
		if err != nil {
			c.readErr = err
			break
		}
		c.receive(data, binary)
		frames.free()
		c.maySuspend()
	}
	switch {
	case c.phase != probeNone:
		c.readFailed = true
	case errors.Is(c.readErr, errFrame):
		_ = c.session.violation(ReasonParseError, c.readErr)
	case errors.As(c.readErr, new(*LimitError)):
		_ = c.session.violation(ReasonTransportError, c.readErr)
	default:
		c.readFailed = true
	}
	c.readEnded = true
}

func (c *conn) containStream() {
	if v := recover(); v != nil {
		c.session.engine.log.Error().Str("panic", textOf(v)).Bytes("stack", debug.Stack()).
			Str("session", c.session.logID()).Msg("webtransport reader panicked")
	}
}

// streamConn makes a net.Conn of a stream.
type streamConn struct{ Stream }

func (streamConn) LocalAddr() net.Addr { return nil }

func (c streamConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

var errFrame = errors.New("transport: invalid frame")

// streamFrames takes frames off a stream.
type streamFrames struct {
	r     io.Reader
	limit int // bytes
	buf   *buffer

	session *Session // nil before there is one
	counted int      // bytes of buf, for the session
}

var streamBuffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, readAhead)} }}

// next reads a frame. What it returns is valid until the next call. While it waits for
// one, it holds no buffer.
func (f *streamFrames) next() (data []byte, isBinary bool, err error) {
	f.free()
	var header [9]byte
	if _, err := io.ReadFull(f.r, header[:1]); err != nil {
		return nil, false, err
	}
	isBinary = header[0]&streamBinary != 0
	size := uint64(header[0] &^ streamBinary)
	if more := 0; size >= 126 {
		if more = 2; size == 127 {
			more = 8
		}
		if _, err := io.ReadFull(f.r, header[1:1+more]); err != nil {
			return nil, false, io.ErrUnexpectedEOF
		}
		if size = binary.BigEndian.Uint64(header[1:]); more == 2 {
			size >>= 48
		}
	}
	if size == 0 || size > uint64(f.limit) {
		return nil, false, f.badSize(size)
	}
	f.buf = streamBuffers.Get().(*buffer)
	f.buf.b = slices.Grow(f.buf.b[:0], int(min(size, readAhead)))
	for data := f.buf.b; uint64(len(data)) < size; { // what is not there yet is not made room for
		n := int(min(size-uint64(len(data)), max(readAhead, uint64(len(data)))))
		if err := f.count(len(data) + n); err != nil {
			return nil, false, err
		}
		data = slices.Grow(data, n)[:len(data)+n]
		if _, err := io.ReadFull(f.r, data[len(data)-n:]); err != nil {
			return nil, false, io.ErrUnexpectedEOF
		}
		f.buf.b = data
	}
	return f.buf.b, isBinary, nil
}

func (f *streamFrames) badSize(size uint64) error {
	if size == 0 {
		return fmt.Errorf("%w: it is empty", errFrame)
	}
	return fmt.Errorf("%w: %w", errFrame, &LimitError{"MaxPayload", fmt.Sprintf("a message of %d bytes, %d are the most", size, f.limit)})
}

// count notes how much room is made for a frame.
func (f *streamFrames) count(n int) error {
	if f.session == nil {
		return nil
	}
	from := f.counted
	f.counted = n
	return f.session.underWay(from, n)
}

func (f *streamFrames) free() {
	_ = f.count(0)
	if f.buf != nil && cap(f.buf.b) <= keepSize {
		streamBuffers.Put(f.buf)
	}
	f.buf = nil
}

// streamBinary marks a frame that holds a binary message.
const streamBinary = 0x80

// encodeStream makes the form that a message has on a stream, of its WebSocket frames.
func encodeStream(frames []byte) []byte {
	b := make([]byte, 0, len(frames))
	for len(frames) > 0 {
		var opcode, kind byte
		var data []byte
		if opcode, data, frames = nextFrame(frames); opcode == frameBinary {
			kind = streamBinary
		}
		b = append(appendStreamHeader(b, kind, len(data)), data...)
	}
	return b
}

// appendStreamHeader appends the header of a frame with a packet of n bytes.
func appendStreamHeader(dst []byte, kind byte, n int) []byte {
	switch {
	case n < 126:
		return append(dst, kind|byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, kind|126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, kind|127), uint64(n))
	}
}
