package transport

import (
	"net/http"
	"slices"
	"time"
)

// An upgrade from polling to a WebSocket, Engine.IO protocol v4, "Upgrade": the
// client opens a WebSocket with its session's id, sends "2probe" there and gets
// "3probe"; it lets its last poll come back, and sends "5". From then on the session
// is on the WebSocket. Until then the WebSocket is the probe: whatever becomes of
// it, the session goes on polling.

// probePhase is how far a probe has come. The goroutine that reads from it knows.
type probePhase uint8

const (
	probeNone    probePhase = iota // no probe: the session's transport
	probeOpen                      // "2probe" is to come
	probeReplied                   // "5" is to come
	probeFailed                    // something else came
)

var packetProbed = newPacket("3probe")

// upgradeSession lets a WebSocket in that is to become the transport of s.
func (e *Engine) upgradeSession(w http.ResponseWriter, r *http.Request, s *Session) {
	if !e.checkHandshake(w, r) {
		return
	}
	e.setHeaders(w, r)
	if !s.reserveUpgrade() {
		e.dismiss(w, r, s)
		return
	}

	e.hold()
	var c *conn
	defer func() {
		if c != nil {
			return
		}
		s.mu.Lock()
		if s.poll != nil {
			s.poll.upgrading = false
		}
		s.mu.Unlock()
		e.release()
	}()
	c, socket := e.hijack(w, r, s)
	if c == nil {
		return
	}
	s.shape(c, r)
	s.probeOn(c)
	go c.serve(socket)
	c.uncork()
}

// reserveUpgrade lets one connection at a time probe for a session that polls.
func (s *Session) reserveUpgrade() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll == nil || s.poll.upgrading || s.ended.Load() {
		return false
	}
	s.poll.upgrading = true
	return true
}

// probeOn makes c the probe, for the upgrade timeout. If the session did not wait for
// it, c is killed and its reader will see that.
func (s *Session) probeOn(c *conn) {
	c.session, c.phase = s, probeOpen // a stream has no session yet
	s.mu.Lock()
	open := !s.ended.Load()
	if open {
		s.poll.probe = c
		s.workers.wheel.Set(&c.timer, s.engine.opts.UpgradeTimeout, func() {
			err := tooSlow(s.engine.opts.UpgradeTimeout)
			if s.failProbe(c, err) { // else it was made at the last moment
				s.engine.Exceed(err, s.logID())
				c.end()
			}
		})
	}
	s.mu.Unlock()
	if !open {
		c.kill()
	}
}

// dismiss accepts a WebSocket for a session that has one, or is closing, and closes
// it. It is the one refusal that comes behind the 101: the reference server does so,
// and the official test suite knows nothing else.
func (e *Engine) dismiss(w http.ResponseWriter, r *http.Request, s *Session) {
	c, _ := e.hijack(w, r, s)
	if c == nil {
		return
	}
	_ = c.Conn.SetWriteDeadline(time.Now().Add(handshakeTimeout))
	c.mu.Lock()
	c.put(closeFrame, nil)
	c.mu.Unlock()
	for c.first != nil {
		buf := c.take()
		_, _ = c.Conn.Write(buf.b) // it waits, but not for long
		c.done(buf)
	}
	_ = c.Conn.Close()
	e.log.Debug().Str("remote", r.RemoteAddr).Msg("second websocket of a session closed")
}

// probePacket handles a message on a probe.
func (s *Session) probePacket(c *conn, data []byte, binary bool) {
	switch {
	case c.phase == probeOpen && !binary && string(data) == "2probe":
		c.phase = probeReplied
		s.mu.Lock()
		s.poll.probing = true
		get := s.poll.get
		s.mu.Unlock()
		_ = c.append(packetProbed)
		c.flush()
		s.releasePoll(get)
	case c.phase == probeReplied && !binary && string(data) == "5":
		s.upgrade(c)
	default:
		c.phase = probeFailed
		s.failProbe(c, errProbePacket)
		c.end()
	}
}

// releasePoll lets the client have back the poll that was pending when its probe
// came; it waits for that now. It comes after the answer to the probe, or the
// client would poll again.
func (s *Session) releasePoll(get *pendingGET) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if get != nil && s.poll.get == get {
		get.release = true
		s.poll.wake()
	}
}

// makeLooks has messages that wait compressed, or whatever they have to be on c, before
// upgrade takes locks that senders wait for. Few come behind that.
func (s *Session) makeLooks(c *conn) {
	if c.form == formFrames {
		return
	}
	s.mu.Lock()
	var queue []*Message
	if s.poll != nil {
		queue = slices.Clone(s.poll.queue)
	}
	s.mu.Unlock()
	for _, m := range queue {
		_ = c.look(m)
	}
}

// upgrade makes c the session's transport. Under the lock no message can slip
// between those that wait for a poll and those that come after.
func (s *Session) upgrade(c *conn) {
	s.makeLooks(c)
	s.mu.Lock()
	p := s.poll
	if s.ended.Load() || p.probe != c {
		handed := s.handOver(c)
		s.mu.Unlock()
		if handed {
			c.phase = probeFailed
			c.end()
			s.stopLingering()
		}
		return // else c has been told, or is being
	}
	c.mu.Lock()
	if c.state != connOpen {
		c.mu.Unlock()
		s.mu.Unlock()
		c.phase = probeFailed // its time was up, it broke off, or it did not wait for "3probe"
		c.end()
		return
	}
	c.phase = probeNone
	s.workers.wheel.Stop(&c.timer)
	p.moveTo(c)
	p.handMarks(c)
	c.mu.Unlock()
	s.ws.Store(c)
	s.poll = nil
	p.wake() // a poll that is still there is answered with a noop
	s.mu.Unlock()

	s.renewPong()
	c.flush()
	s.engine.log.Debug().Str("session", s.logID()).Msg("session upgraded")
	s.tellUpgrade()
}
