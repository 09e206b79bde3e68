package transport

import (
	"errors"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parlor-go/parlor/transport/internal/wheel"
)

// Handler is the other side of a session: what the engine's user makes of it.
type Handler interface {
	// Message is called for each message of the client, in order and never twice at
	// a time for one session. data is valid only during the call. It must not block:
	// it runs on the goroutine that reads from the client.
	Message(data []byte, binary bool)

	// Closed is called exactly once, after the last Message has returned, on some
	// goroutine of the engine's. err may say more than reason does; it may be nil.
	Closed(reason Reason, err error)
}

// Session is one client, on whatever transport it is at the moment. Its methods may
// be called from any goroutine, also inside of Handler's; none but Drained blocks.
type Session struct {
	engine  *Engine
	workers *workers
	flusher *flusher
	id      string
	client  *client // nil if there is nothing to know

	ws          atomic.Pointer[conn] // of a WebSocket, or a stream; nil while polling
	ended       atomic.Bool          // set once, under mu
	dirty, late atomic.Bool          // in the flusher's lists

	recv    sync.Mutex // held while accept or Handler.Message runs
	v3      bool       // the client speaks Engine.IO 3
	base64  bool       // polls of such a one are not answered in binary
	handler Handler    // guarded by recv, and written under mu too; nil if accept did not return one

	mu           sync.Mutex
	poll         *pollState // nil once on a WebSocket
	reason       Reason     // why it ended
	err          error
	awaitingPong bool
	beat         wheel.Timer // the next ping, or the end of the wait for a pong
	deadline     wheel.Timer // CloseAfter; once closing, how long polls may fetch the rest

	backlog backlog
}

// ID returns the session's id: 20 characters, or what Options.NewID made. Who knows it
// can act as the client: show it to nobody else.
func (s *Session) ID() string { return s.id }

// logID is what logs have of the id: enough to tell sessions apart.
func (s *Session) logID() string { return s.id[:min(8, len(s.id))] }

// Transport returns Polling, WebSocket or WebTransport, whichever the session is on
// now.
func (s *Session) Transport() string {
	switch c := s.ws.Load(); {
	case c == nil:
		return Polling
	case c.form == formStream:
		return WebTransport
	default:
		return WebSocket
	}
}

// RemoteAddr returns the client's address as the network has it, "192.0.2.1:4711": of
// its WebSocket, or while it polls of its first request, as http.Request.RemoteAddr.
// Behind a proxy it is the proxy's, unless that is one of Options.TrustedProxies: then it
// is what the proxy told with the first request, with port 0 if that did not have one.
func (s *Session) RemoteAddr() string {
	if s.client != nil && s.client.remote != "" {
		return s.client.remote
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil {
		return s.poll.remote
	}
	return s.ws.Load().RemoteAddr().String()
}

// Send queues m and has it sent soon. It returns ErrClosed if the session is closed
// or closing, or is closed now because more than Options.MaxSendBuffer waits already.
func (s *Session) Send(m *Message) error {
	if err := s.queue(m); err != nil {
		return err
	}
	s.flushSoon()
	return nil
}

// Append queues the message that NewMessage would make of a text and its
// attachments, without making one: it is for what goes to one client and is sent
// once. It leaves with the next Send or Flush, or soon after FlushLate.
func (s *Session) Append(text []byte, attachments ...[]byte) error {
	if c := s.ws.Load(); c != nil {
		return s.queueFailed(c.appendMessage(text, attachments))
	}
	return s.queue(NewMessage(text, attachments...))
}

// SendVolatile sends m if nothing waits before it and the client can take it right
// now, and drops it otherwise. It reports which.
func (s *Session) SendVolatile(m *Message) bool {
	sent := false
	if c := s.ws.Load(); c != nil {
		sent = c.appendIdle(m)
	} else {
		sent = s.queueIfPolled(m)
	}
	if sent {
		s.flushSoon()
	}
	return sent
}

// Flush writes what waits on the caller's goroutine, as far as that goes without
// blocking; if the client polls, it has the pending poll answered.
func (s *Session) Flush() {
	if c := s.ws.Load(); c != nil {
		c.flush()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil {
		s.poll.wake()
	}
	// With s.poll gone the upgrade is just happening, which flushes.
}

// Closed reports whether the session is closed or closing: Send fails then.
// Handler.Closed is called after that.
func (s *Session) Closed() bool {
	if s.ended.Load() {
		return true
	}
	c := s.ws.Load()
	return c != nil && c.ending()
}

// Buffered returns how many bytes are queued or being written.
func (s *Session) Buffered() int {
	if c := s.ws.Load(); c != nil {
		return c.buffered()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll == nil {
		return 0
	}
	return s.poll.owed()
}

// queue appends m to what waits.
func (s *Session) queue(m *Message) error {
	c := s.ws.Load()
	if c == nil {
		var err error
		if c, err = s.queuePolling(m); c == nil {
			return s.queueFailed(err)
		}
	}
	return s.queueFailed(c.append(m))
}

// queueFailed ends the session of a client that owes too much.
func (s *Session) queueFailed(err error) error {
	if !errors.As(err, new(*LimitError)) {
		return err
	}
	s.Abort(ReasonTransportError, err)
	return ErrClosed
}

// Close closes the session. What is queued is still delivered, as long as the client
// takes some of it every 2s on a WebSocket, or every Options.WriteTimeout by polls, and
// the client is told. Handler gets
// no more messages. Closing what is closed does nothing.
func (s *Session) Close(reason Reason) { s.CloseWith(reason, nil) }

// CloseWith is Close with an error that Handler.Closed gets: it says more than reason
// does. If it wraps a LimitError that is counted, see Engine.Exceed.
func (s *Session) CloseWith(reason Reason, err error) {
	if s.end(reason, err, endFlush) {
		go s.notify()
	}
}

// Abort closes the session, or what Close left of it, at once: what is queued is
// thrown away. err is passed on to Handler.Closed and may be nil.
func (s *Session) Abort(reason Reason, err error) {
	if s.end(reason, err, endAbort) {
		go s.notify()
	}
}

// CloseAfter is CloseWith after d, unless it is called again before; d <= 0 takes the
// deadline away. It is kept with the precision of the heartbeat, 250ms at worst.
func (s *Session) CloseAfter(d time.Duration, reason Reason, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended.Load() {
		return // the timer has another purpose now
	}
	if d <= 0 {
		s.workers.wheel.Stop(&s.deadline)
		s.deadline = wheel.Timer{} // nor is its function kept
		return
	}
	s.workers.wheel.Set(&s.deadline, d, func() { s.CloseWith(reason, err) })
}

// contain calls f, which is not the engine's, and logs it if that panics.
func (s *Session) contain(name string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			s.logPanic(v, name)
		}
	}()
	f()
}

// open lists a session that has its transport, and asks the engine's user for its
// handler. If that panics the session is gone.
func (s *Session) open(r *http.Request, p *place) {
	e := s.engine
	s.recv.Lock() // keeps Closed away until there is somebody to tell
	defer s.recv.Unlock()
	goesOn := e.list(s, p)
	defer func() {
		if s.handler == nil {
			s.Abort(ReasonTransportError, errPanic)
			e.forget(s)
		}
	}()
	if m := e.opts.InitialPacket; m != nil {
		_ = s.queue(m) // behind the open packet
	}
	h := e.accept(s, r)
	if h == nil {
		panic("transport: accept returned no Handler: it must return one for every session, and may Close that")
	}
	s.mu.Lock()
	s.handler = h
	s.mu.Unlock()
	e.log.Debug().Str("session", s.logID()).Str("transport", s.Transport()).Msg("session opened")
	if !goesOn {
		if s.end(ReasonServerShuttingDown, nil, endShutdown) { // Shutdown may not have seen it
			go s.notify()
		}
		return
	}
	s.startHeartbeat()
}

// deliver hands a message to the handler.
func (s *Session) deliver(data []byte, binary bool) {
	s.recv.Lock()
	defer s.delivered()
	if !s.ended.Load() {
		s.handler.Message(data, binary)
	}
}

// delivered is deferred by deliver.
func (s *Session) delivered() {
	if v := recover(); v != nil {
		s.logPanic(v, "Handler.Message")
		s.Abort(ReasonTransportError, errPanic)
	}
	s.recv.Unlock()
}

var errPanic = errors.New("transport: the handler panicked")

func (s *Session) logPanic(v any, where string) {
	defer func() { _ = recover() }() // whatever the log does
	s.engine.log.Error().Str("panic", textOf(v)).Bytes("stack", debug.Stack()).
		Str("session", s.logID()).Str("in", where).Msg("handler panicked")
}

// packet handles one packet of the client's, by whatever transport it came. An
// error means that the session has been ended for it.
func (s *Session) packet(typ byte, data []byte, binary bool) error {
	switch typ {
	case '4':
		s.deliver(data, binary)
	case '3':
		if s.v3 {
			return s.violation(ReasonTransportError, errHeartbeat)
		}
		s.pong()
	case '1':
		if s.end(ReasonTransportClose, nil, endByClient) {
			go s.notify()
		}
	case '2':
		if !s.v3 {
			return s.violation(ReasonTransportError, errHeartbeat)
		}
		s.ping()
	}
	// The others mean nothing at this point; the reference server ignores them too.
	return nil
}

var errHeartbeat = errors.New("transport: invalid heartbeat direction")
