package framework

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/transport"
)

// arrive looks at what a client says that has come. It reports whether its connect
// begins: else there is another socket of the same session, which comes to its end
// first. Who comes last has the session.
func (r *recovery) arrive(s *Socket) (begins bool) {
	var c claim
	if !s.conn.protocol4() { // whose clients hear of no pid
		c = s.takeClaim()
	}
	r.mu.Lock()
	s.rec.claim = c
	before := r.live[c.pid]
	switch {
	case c.pid == "":
		r.fresh(s)
		r.mu.Unlock()
		return true
	case before == nil:
		r.list(s, c.pid)
		r.mu.Unlock()
		return true
	case before.leftForGood():
		r.fresh(s)
		r.mu.Unlock()
		r.recoveryFailed(s, &r.counts().unknown, adapter.ErrUnknownSession.Error())
		return true
	}
	waited := before.unchain()
	before.rec.next = s
	s.rec.patience = time.AfterFunc(reconnectPatience, func() { r.giveUp(before, s) })
	r.mu.Unlock()
	if waited != nil {
		r.beginAnew(waited, &r.counts().superseded, "the same client came once more")
	}
	before.replace()
	return false
}

// list makes s the socket of a pid. r.mu is held.
func (r *recovery) list(s *Socket, pid string) {
	if r.live[s.rec.pid] == s {
		delete(r.live, s.rec.pid)
	}
	s.rec.pid = pid
	r.live[pid] = s
}

// fresh gives s a new session. r.mu is held.
func (r *recovery) fresh(s *Socket) {
	s.rec.claim = claim{}
	r.list(s, newID())
}

// beginAnew begins with the connect of a client that came back in vain.
func (r *recovery) beginAnew(s *Socket, count *atomic.Uint64, reason string) {
	r.mu.Lock()
	r.fresh(s)
	r.mu.Unlock()
	r.recoveryFailed(s, count, reason)
	s.begin()
}

// giveUp lets a socket wait no longer for the handlers of the one before it.
func (r *recovery) giveUp(before, s *Socket) {
	r.mu.Lock()
	waits := before.rec.next == s
	if waits {
		before.rec.next = nil
	}
	r.mu.Unlock()
	if waits {
		r.beginAnew(s, &r.counts().busy, "handlers of the lost connection still run")
	}
}

// unchain takes away who waits for s. recovery.mu is held.
func (s *Socket) unchain() *Socket {
	next := s.rec.next
	if next != nil {
		next.rec.patience.Stop()
		s.rec.next = nil
	}
	return next
}

// leftForGood tells whether the socket's session will not be kept.
func (s *Socket) leftForGood() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaving || s.ended && !s.why.recoverable() && !s.rec.refused
}

var errReplaced = errors.New("framework: the client has come back on another connection")

// replace ends a socket, with its connection, whose client has come back on another: the
// loss of this one has not been noticed yet.
func (s *Socket) replace() {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended {
		return
	}
	s.end(TransportClose, errReplaced)
	s.conn.session.Abort(transport.ReasonTransportClose, errReplaced)
}
