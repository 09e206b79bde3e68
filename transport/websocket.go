package transport

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/lxzan/gws"
)

// gwsBuffer is the size of the buffer that gws insists on, in bytes: the smallest that
// bufio makes, with room for a head. readBuffer is that of a connection which cannot
// do without. Each such connection has one, idle or not; what is longer is read past it.
const (
	gwsBuffer  = 16
	readBuffer = 512
)

// handshakeTimeout bounds the writing of a 101 response that is all there is.
const handshakeTimeout = 5 * time.Second

func newUpgrader(opts *Options, handler gws.Event) *gws.Upgrader {
	return gws.NewUpgrader(handler, &gws.ServerOption{
		ReadMaxPayloadSize: opts.MaxPayload,
		CheckUtf8Enabled:   true,
		ParallelGolimit:    1, // not used, but made room for in each connection
		Logger:             silence{},
		// No Recovery: a panic reaches readLoop, which covers gws itself too.
		NewSession: func() gws.SessionStorage { return noStorage{} },
	})
}

// events is what gws calls, for every connection, on the goroutine that reads from it.
// Pings and pongs do not get as far as gws.
type events struct{ gws.BuiltinEventHandler }

func (events) OnMessage(socket *gws.Conn, message *gws.Message) {
	c := socket.NetConn().(*conn)
	c.receiveMessage(message)
	c.maySuspend()
}

// receiveMessage handles a message of gws's and gives its buffer back.
func (c *conn) receiveMessage(message *gws.Message) {
	defer func() {
		_ = message.Close()
		c.cameIn()
	}()
	c.receive(message.Bytes(), message.Opcode == gws.OpcodeBinary)
}

func (events) OnClose(socket *gws.Conn, err error) { socket.NetConn().(*conn).readErr = err }

// silence is gws's logger: what matters comes back as errors.
type silence struct{}

func (silence) Error(...any) {}

// noStorage is the storage of connections that store nothing.
type noStorage struct{}

func (noStorage) Len() int                               { return 0 }
func (noStorage) Load(string) (any, bool)                { return nil, false }
func (noStorage) Delete(string)                          {}
func (noStorage) Store(string, any)                      {}
func (noStorage) Range(func(key string, value any) bool) {}

// wantsWebSocket tells a WebSocket handshake from other requests.
func wantsWebSocket(r *http.Request) bool {
	return hasToken(r.Header["Upgrade"], "websocket") && hasToken(r.Header["Connection"], "upgrade")
}

func hasToken(headers []string, token string) bool {
	for _, header := range headers {
		for t := range strings.SplitSeq(header, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// checkHandshake answers handshakes that are none, RFC 6455 section 4.2.1.
func (e *Engine) checkHandshake(w http.ResponseWriter, r *http.Request) bool {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-Websocket-Key"))
	switch {
	case r.Method != http.MethodGet || r.ProtoMajor != 1 || !r.ProtoAtLeast(1, 1):
		e.refuse(w, r, refusedRequest, "a WebSocket handshake is a GET of HTTP/1.1")
	case r.Header.Get("Sec-Websocket-Version") != "13":
		w.Header().Set("Sec-WebSocket-Version", "13")
		e.refuse(w, r, refusedVersion, "the version of WebSocket is not 13")
	case err != nil || len(key) != 16:
		e.refuse(w, r, refusedRequest, "the WebSocket handshake has no valid key")
	default:
		return true
	}
	return false
}

// hijack takes the connection over from the HTTP server, for s, and completes the
// handshake.
// If it returns nil the request has been dealt with.
func (e *Engine) hijack(w http.ResponseWriter, r *http.Request, s *Session) (*conn, *gws.Conn) {
	header := w.Header().Clone()
	netConn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		e.refuse(w, r, refusedHijack, fmt.Sprintf("the connection cannot be taken over from %T, "+
			"which a middleware may have put there (it needs an Unwrap method): %v", w, err))
		return nil, nil
	}
	_ = netConn.SetDeadline(time.Time{})
	c := &conn{
		Conn:    netConn,
		session: s,
		raw:     rawConn(netConn),
		early:   new(early),
		calm:    e.calm,
	}
	if c.raw != nil {
		c.source = newRawRead(c.raw)
	} else {
		c.source = plainRead{bufio.NewReaderSize(netConn, readBuffer)}
	}
	// The HTTP server's buffer is left to the garbage collector, apart from what the
	// client has sent ahead.
	if n := buffered.Reader.Buffered(); n > 0 {
		ahead, _ := buffered.Reader.Peek(n)
		c.early.read = bytes.Clone(ahead)
	}
	if offered := r.Header["Sec-Websocket-Protocol"]; len(offered) > 0 {
		// Browsers fail a connection for which they offered some and got none.
		first, _, _ := strings.Cut(offered[0], ",")
		c.early.header = fmt.Appendf(nil, "Sec-WebSocket-Protocol: %s\r\n", strings.TrimSpace(first))
	}
	c.early.header = append(c.early.header, extraHeader(header)...)
	br := bufio.NewReaderSize(c, gwsBuffer)
	if e.deflate != nil {
		if agreed := agreeDeflate(r.Header); agreed != "" {
			c.early.header = fmt.Appendf(c.early.header, "Sec-WebSocket-Extensions: %s\r\n", agreed)
			c.form, c.inflates = formDeflate, true
			br = bufio.NewReaderSize(&inflater{conn: c}, gwsBuffer)
		}
	}
	socket, err := e.upgrader.UpgradeFromConn(c, br, handshakeOf(r))
	if err != nil {
		_ = netConn.Close()
		e.log.Debug().Err(err).Str("remote", r.RemoteAddr).Msg("websocket handshake failed")
		return nil, nil
	}
	return c, socket
}

// handshakeOf returns what gws is to see of a request that checkHandshake let pass:
// it is pickier about the spelling, and finds that out too late to say so.
func handshakeOf(r *http.Request) *http.Request {
	values := [...]string{"websocket", "Upgrade", "13"} // one allocation for three
	return &http.Request{Method: http.MethodGet, Header: http.Header{
		"Upgrade":               values[0:1],
		"Connection":            values[1:2],
		"Sec-Websocket-Version": values[2:3],
		"Sec-Websocket-Key":     r.Header["Sec-Websocket-Key"][:1],
	}}
}

// notExtra are the headers that the 101 response has itself, or cannot have.
var notExtra = map[string]bool{
	"Connection": true, "Upgrade": true, "Sec-Websocket-Accept": true, "Sec-Websocket-Extensions": true,
	"Sec-Websocket-Protocol": true, "Sec-Websocket-Version": true, "Content-Length": true,
	"Content-Type": true, "Content-Encoding": true, "Transfer-Encoding": true, "Trailer": true,
}

// extraHeader returns the lines of what middleware has put into the response, such
// as cookies; gws has no place for them.
func extraHeader(h http.Header) []byte {
	var lines bytes.Buffer
	_ = h.WriteSubset(&lines, notExtra) // a Buffer does not fail
	return lines.Bytes()
}

// openWebSocket opens a session on a WebSocket.
func (e *Engine) openWebSocket(w http.ResponseWriter, r *http.Request, p *place) {
	e.setInitialHeaders(w, r)
	id, ok := e.ownID(w, r)
	if !ok {
		return
	}
	defer e.disownID(id)
	if !e.admit() {
		e.refuse(w, r, refusedDraining, "")
		return
	}
	opening := true
	defer func() {
		if opening { // it was not hijacked, or that panicked
			e.release()
		}
	}()
	s := e.newSession(id, p)
	c, socket := e.hijack(w, r, s)
	if c == nil {
		return
	}
	opening = false // or accept may close the session, which does that
	s.negotiate(r)
	s.shape(c, r)
	s.ws.Store(c)
	_ = c.append(e.openPacket(s, WebSocket)) // it is the first

	e.hold() // for serve, and before accept can close the session
	serving := false
	defer func() {
		if !serving { // accept panicked
			e.release()
		}
	}()
	s.open(r, p)
	serving = true
	go c.serve(socket)
	c.uncork()
}

// serve reads until the connection ends, one way or other. An idle client's goroutine
// waits below it, so its frame is small: with some 2 KiB in use the runtime would
// leave a stack of 8 KiB where it otherwise takes it back to 4.
func (c *conn) serve(socket *gws.Conn) {
	defer c.served() // deferred for handlers that end the goroutine
	defer c.contain()
	socket.ReadLoop()
	c.readEnded = true
}

// contain stops a panic of gws's, or of what stands before it: that must not end the
// process.
func (c *conn) contain() {
	v := recover()
	if v == nil {
		return
	}
	_, _ = c.Write([]byte{frameClose, 2, 1002 >> 8, 1002 & 0xff})
	c.readErr = fmt.Errorf("transport: panic while reading: %s", textOf(v))
	defer func() { _ = recover() }() // whatever the log does
	c.session.engine.log.Warn().Str("panic", textOf(v)).Bytes("stack", debug.Stack()).
		Str("session", c.session.logID()).Msg("websocket reader panicked")
}

// served ends what the connection was the transport of.
func (c *conn) served() {
	s := c.session
	reason, err := c.endOfReading()
	if s.connClosed(c, reason, err) {
		s.notify()
	}
	// An error that gws has found leaves the client in the middle of something.
	c.finish(reason == ReasonTransportError)
	if s.ws.Load() == c {
		s.engine.forget(s)
	}
	s.engine.release()
}

// endOfReading returns why nothing more is read.
func (c *conn) endOfReading() (Reason, error) {
	switch {
	case !c.readEnded && c.readErr == nil: // the handler ended the goroutine
		return ReasonTransportError, errPanic
	case !c.readEnded:
		return ReasonTransportError, c.readErr
	case errors.As(c.readErr, new(*gws.CloseError)):
		return ReasonTransportClose, c.readErr
	case c.readFailed || c.readErr == nil:
		return ReasonTransportClose, c.readErr
	default:
		return ReasonTransportError, c.readErr
	}
}

// receive handles one WebSocket message.
func (c *conn) receive(data []byte, binary bool) {
	s := c.session
	switch {
	case c.phase != probeNone:
		s.probePacket(c, data, binary)
		return
	case binary && s.v3:
		s.receiveBinaryV3(data)
	case binary:
		s.deliver(data, true)
	case len(data) > 0 && data[0] >= '0' && data[0] <= '6':
		_ = s.packet(data[0], data[1:], false)
	default: // base64, or nothing that is known
		p, err := s.decode(data)
		if err != nil {
			_ = s.violation(ReasonParseError, err)
			return
		}
		s.deliver(p.Data, p.Binary)
	}
}

// maySuspend waits while nothing is to be read. No buffer is held meanwhile. A probe
// goes on: its packets are no messages.
func (c *conn) maySuspend() {
	if s := c.session; c.phase == probeNone && !s.mayRead() {
		c.flushReplies() // or they would wait until reading goes on
		s.pause(nil)
	}
}

// connClosed is told that nothing more comes from c. If that was the session's
// transport the session is over, and notify is due.
func (s *Session) connClosed(c *conn, reason Reason, err error) bool {
	s.mu.Lock()
	p := s.poll
	failed := p != nil && p.probe == c
	var why error
	if failed {
		why = p.probeErr
		p.upgrading, p.probe, p.probing, p.probeErr = false, nil, false, nil
	}
	s.mu.Unlock()
	if failed {
		s.tellUpgradeFailed(why, err)
	}
	return s.ws.Load() == c && s.end(reason, err, endRead)
}

// connFailed is told that c cannot be written to.
func (s *Session) connFailed(c *conn, err error) {
	if s.ws.Load() != c {
		return // a probe; its reader sees that it is over
	}
	reason := ReasonTransportClose
	if errors.As(err, new(*LimitError)) {
		reason = ReasonTransportError
	}
	s.Abort(reason, err)
}
