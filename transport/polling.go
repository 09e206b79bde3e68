package transport

import (
	"errors"
	"net/http"
	"time"
)

const (
	// maxPackets is how many packets one answer has at most: the clients of
	// python-engineio refuse to decode more.
	maxPackets = 16

	// probeNudge is how long a poll may stay pending while the client probes a
	// WebSocket: it has to end for the upgrade to go on.
	probeNudge = 100 * time.Millisecond
)

// pollState is what a session needs while it polls; the upgrade drops it. The
// session's mu guards it.
type pollState struct {
	account   *account
	charged   int        // bytes that it counts, but for large messages
	queue     []*Message // what waits for polls
	skip      int        // bytes of queue[0] that have left already, whole packets
	size      int        // bytes in queue
	answering int        // bytes in answers that are being written

	get   *pendingGET
	woken chan struct{} // get, or one before it, is to look again
	post  *pendingPOST

	final     byte // what the last answer is: packet '1' or '6', or finalRefusal; 0 while open
	lingers   bool // closed, but found by polls until they have all that is queued
	upgrading bool // a WebSocket has been let in to probe
	probing   bool // its probe has been answered

	expiry   *time.Timer // ends lingering, if no worker does
	probe    *conn       // what upgrades, once it is there
	probeErr error       // why it is being closed

	remote string     // where the handshake came from
	marks  []pollMark // who waits in Drained
}

// finalRefusal stands for an error in place of a packet. Every client takes that for a
// lost connection, and tries again.
const finalRefusal = 'x'

// pendingGET is a poll that waits for packets.
type pendingGET struct {
	release bool // answer with a noop rather than wait
	late    bool // it came after the session's end
}

// pendingPOST is a POST whose body is being read.
type pendingPOST struct {
	control *http.ResponseController
	reading bool
	read    int // bytes, if they are counted
}

// messageOverhead is what a queued message costs beside its frames, in bytes, so that
// a queue of tiny ones is bounded too.
const messageOverhead = 48

func (p *pollState) owed() int { return p.size + p.answering }

func (p *pollState) push(m *Message) {
	p.queue = append(p.queue, m)
	p.size += len(m.frames)
	if len(m.frames) >= shareSize {
		p.account.hold(m)
	} else {
		p.charge(len(m.frames) + messageOverhead)
	}
}

// passed undoes the counting for a message that waits no more.
func (p *pollState) passed(m *Message) {
	if len(m.frames) >= shareSize {
		p.account.drop(m)
	} else {
		p.charge(-len(m.frames) - messageOverhead)
	}
}

// charge counts n bytes more, or less.
func (p *pollState) charge(n int) {
	p.account.moved(p.charged, p.charged+n)
	p.charged += n
}

// drop empties the queue.
func (p *pollState) drop() {
	for _, m := range p.queue {
		p.passed(m)
	}
	p.queue, p.skip, p.size = nil, 0, 0
}

// wake lets the pending poll look whether it has something to answer.
func (p *pollState) wake() {
	if p.get == nil {
		return
	}
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// queuePolling queues m for the next poll. If the session is on a WebSocket by now
// it returns that instead.
func (s *Session) queuePolling(m *Message) (*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.poll
	if p == nil {
		return s.ws.Load(), nil
	}
	if s.ended.Load() {
		return nil, ErrClosed
	}
	if err := s.engine.tooMuch(p.owed() + len(p.queue)*messageOverhead); err != nil {
		return nil, err
	}
	p.push(m)
	return nil, nil
}

// queueIfPolled queues m if a poll is there to take it and nothing waits before it.
func (s *Session) queueIfPolled(m *Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.poll
	if p == nil {
		return s.ws.Load().appendIdle(m)
	}
	if s.ended.Load() || p.get == nil || p.owed() > 0 {
		return false
	}
	p.push(m)
	return true
}

// end is the part of Session.end that concerns polls, first or after that. It
// returns the probe, which goes with the session.
func (p *pollState) end(mode endMode, first bool) (probe *conn) {
	if first {
		p.final = '1'
		p.dropMarks()
		switch mode {
		case endFlush:
			p.lingers = true
		case endShutdown: // python-engineio does not come back after a '1', a client amid an upgrade waits after a '6'
			p.final = finalRefusal
			p.lingers = p.get != nil || p.owed() > 0
		case endByClient: // it knows, and waits for the poll that it sent at the same time
			p.final = '6'
			p.lingers = p.get == nil
		}
	}
	if mode == endByClient || mode == endAbort || !p.lingers {
		p.drop()
	}
	p.wake()
	if first && mode == endShutdown && p.lingers {
		if p.probing { // the client may have left its polls already, see upgrade
			return nil
		}
		return p.probe // a POST that is cut off would keep the client from its polls
	}
	p.cutPOST()
	return p.probe
}

// cutPOST ends the reading of a body.
func (p *pollState) cutPOST() {
	if p.post != nil && p.post.reading {
		_ = p.post.control.SetReadDeadline(time.Unix(1, 0))
	}
}

// lingerTime is how long polls may fetch what is left of a closed session.
func (e *Engine) lingerTime(mode endMode) time.Duration {
	if mode == endShutdown {
		return min(closeGrace, e.opts.WriteTimeout)
	}
	return e.opts.WriteTimeout
}

// stopLingering forgets a closed session whose rest was fetched, or not in time.
func (s *Session) stopLingering() {
	s.mu.Lock()
	lingers := s.poll != nil && s.poll.lingers
	var expiry *time.Timer
	var probe *conn
	if lingers {
		s.poll.lingers = false
		s.poll.drop()
		s.poll.cutPOST()
		probe = s.poll.probe
		expiry = s.poll.expiry
		s.workers.wheel.Stop(&s.deadline)
	}
	s.mu.Unlock()
	if probe != nil {
		probe.kill()
	}
	switch {
	case !lingers:
	case expiry != nil:
		expiry.Stop()
		s.engine.forget(s)
	default:
		s.engine.forget(s)
		s.engine.release()
	}
}

// openPolling opens a session with a poll, which is answered at once.
func (e *Engine) openPolling(w http.ResponseWriter, r *http.Request, p *place) {
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
	s := e.newSession(id, p)
	s.negotiate(r)
	s.poll = &pollState{account: e.account, woken: make(chan struct{}, 1), remote: r.RemoteAddr}
	s.poll.push(e.openPacket(s, Polling))
	s.open(r, p)

	if c := e.opts.Cookie; c != nil {
		withID := *c
		withID.Value = s.id
		http.SetCookie(w, &withID)
	}
	s.serveGET(w, r)
}

// serveGET answers a poll with what is queued, once something is.
func (s *Session) serveGET(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	get := new(pendingGET)
	if !s.beginGET(w, r, get) {
		return
	}
	var batch batch
	if !s.awaitBatch(r.Context(), control, get, &batch) {
		if s.end(ReasonTransportError, errPollAborted, endDrop) {
			go s.notify()
		}
		s.stopLingering() // nobody will come for the rest
		return
	}
	if batch.poll == nil {
		// Who sends "5" has had its last poll back; this one overtook that.
		s.engine.refuse(w, r, refusedRequest, "the session is on another transport")
		return
	}
	defer s.answered(&batch)
	if batch.refused {
		s.engine.refuse(w, r, refusedDraining, "")
	} else {
		s.answerPoll(w, r, control, &batch)
	}
	if batch.last {
		s.stopLingering()
	}
}

// answered notes that an answer has left, or will not.
func (s *Session) answered(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.poll.answering -= b.owed
	b.poll.charge(-b.owed)
	b.poll.passMarks(b.owed)
}

// liftDeadlines is for requests that wait: those are meant to take long, and what limits
// others is not meant for them. Writers that know no deadlines have none to lift; the
// HTTP server sets its own anew for the next request.
func liftDeadlines(control *http.ResponseController) {
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
}

var (
	errPollAborted = errors.New("transport: poll connection closed prematurely")
	errPollTwice   = errors.New("transport: second poll while one is pending")
	errPostAborted = errors.New("transport: data request connection closed prematurely")
	errPostTwice   = errors.New("transport: second data request while one is pending")
	errPostBinary  = errors.New("transport: data request of type application/octet-stream")
)

// lockPolling locks s.mu for a request of a client that polls, or answers why it does
// not.
func (s *Session) lockPolling(w http.ResponseWriter, r *http.Request) *pollState {
	s.mu.Lock()
	switch p := s.poll; {
	case p == nil: // upgraded since the request was looked at
		s.mu.Unlock()
		s.engine.refuse(w, r, refusedRequest, "the session is on another transport")
		return nil
	case s.ended.Load() && !p.lingers:
		s.mu.Unlock()
		s.engine.refuse(w, r, refusedSession, "")
		return nil
	default:
		return p
	}
}

// beginGET makes get the pending poll, or answers why not.
func (s *Session) beginGET(w http.ResponseWriter, r *http.Request, get *pendingGET) bool {
	p := s.lockPolling(w, r)
	if p == nil {
		return false
	}
	if p.get != nil {
		s.mu.Unlock()
		_ = s.violation(ReasonTransportError, errPollTwice)
		s.engine.boundAnswer(w, r)
		w.WriteHeader(http.StatusBadRequest)
		return false
	}
	get.late = p.final != 0
	p.get = get
	s.mu.Unlock()
	return true
}
