package framework

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/transport"
)

// recoverable is a socket's part in recovery.
type recoverable struct {
	recovered bool              // it has the session of an earlier one
	original  *adapter.Session  // that session, as it was kept; nil once it was accepted
	restored  *adapter.Restored // until OnConnect
	connect   *severable        // what middleware got; nil unless that is skipped

	// Guarded by Socket.mu.
	known   bool // the client has heard of its pid
	refused bool
	overrun bool                 // the log was, while a restored one was connecting
	missed  []*transport.Message // what goes out before CONNECT

	// Guarded by recovery.mu.
	claim    claim       // what the client said, until that turns out to be wrong
	pid      string      // in recovery.live; "" while it waits
	next     *Socket     // the client has come back, and waits for the clean-up of this one
	patience *time.Timer // how long this one waits to be somebody's next
	attempt  string      // while a restored one connects: a room of its own
	behind   bool        // what it has missed is yet to be looked up: packets are only logged
	astray   bool        // the store could not tell where the log was: the session cannot be kept

	// The same, as adapter.Session has them.
	since, joined, last, before, lost, blurred string
	turn, lostAt                               time.Time
	stays                                      []adapter.Stay
}

// keptValues are the Values of a session of this process.
type keptValues struct {
	keys    map[*keyID]any
	context context.Context // what connect middleware passed on; nil unless that is skipped
}

// Recovered tells whether the client has come back to a session that it lost, see
// Recovery. It is known to connect middleware and OnConnect already.
func (s *Socket) Recovered() bool { return s.rec != nil && s.rec.recovered }

// restore gives s the session that its client claims, or a new one. It reports false if
// the client has gone meanwhile.
func (r *recovery) restore(ctx context.Context, s *Socket) bool {
	c := r.attend(s)
	if c.pid == "" {
		return true
	}
	back, err := r.store.Take(ctx, c.pid, c.offset)
	if err == nil && r.tooMuch(back.Missed) {
		r.sessionExpired(back.Session)
		err = adapter.ErrOverrun
	}
	if err != nil {
		r.restoreFailed(s, err)
		return true
	}
	r.unkeep() // it is counted as the socket that came for it
	r.mu.Lock()
	defer r.mu.Unlock()
	s.rec.original = back.Session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.absent {
		return false // and its id is in use
	}
	s.rec.recovered, s.rec.known = true, true
	s.rec.restored, s.rec.behind = back, true
	s.rec.stays = slices.Clone(back.Session.Rooms)
	s.rec.attempt = newID()
	r.entered(s, s.rec.attempt)
	s.id = back.Session.SID
	if v, ok := back.Session.Values.(keptValues); ok {
		s.values, s.kept = maps.Clone(v.keys), v.context
	}
	return true
}

// attend has the store log, now that somebody is there. It returns what s claims; if that
// is nothing s has a new session.
func (r *recovery) attend(s *Socket) claim {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.attended {
		r.attended = true
		r.store.Attended(true)
	}
	c := s.rec.claim
	s.rec.claim.offset = "" // a client chooses how long it is
	if c.pid == "" {
		r.enrol(s)
	}
	return c
}

// enrol has a new session begin where the log is. r.mu is held.
func (r *recovery) enrol(s *Socket) {
	s.rec.since = r.position(s)
	s.rec.last, s.rec.before = s.rec.since, s.rec.since
}

// renew gives s a new session in the place of what it claimed, for which somebody may
// wait.
func (r *recovery) renew(s *Socket) (next *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = s.unchain()
	r.fresh(s)
	r.enrol(s)
	return next
}

func (r *recovery) restoreFailed(s *Socket, err error) {
	next := r.renew(s)
	if errors.Is(err, adapter.ErrOverrun) {
		r.recoveryFailed(s, &r.counts().overrun, err.Error())
	} else {
		r.recoveryFailed(s, &r.counts().unknown, err.Error())
	}
	if next != nil {
		r.beginAnew(next, &r.counts().unknown, adapter.ErrUnknownSession.Error())
	}
}

// tooMuch tells whether a client cannot be sent what it has missed.
func (r *recovery) tooMuch(missed []adapter.Missed) bool {
	size := 0
	for i := range missed {
		size += len(missed[i].Data) + packetOverhead
		for _, b := range missed[i].Attachments {
			size += len(b) + packetOverhead
		}
	}
	return size > r.ns.srv.sendBound
}

const packetOverhead = 64 // bytes, what header and offset at most add to a packet

// admit makes s a receiver of broadcasts: who is restored gets what it has missed until
// this moment, and its rooms.
func (r *recovery) admit(s *Socket) error {
	if s.rec.overrun {
		return Refuse("") // a middleware tries once more
	}
	err := r.add(s)
	if !s.rec.overrun {
		return err
	}
	// It is too late for a new session, which the client gets when it comes again.
	r.recoveryFailed(s, &r.counts().overrun, err.Error())
	s.conn.session.Abort(transport.ReasonTransportError, err)
	return Refuse("")
}

func (r *recovery) add(s *Socket) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case s.rec.joined != "": // a middleware tries once more
		if !r.ns.rooms.add(s) {
			return errDuplicateID
		}
		return nil
	case s.rec.restored == nil:
		s.rec.joined = r.position(s)
		s.rec.stays = append(s.rec.stays, adapter.Stay{Room: s.id, From: s.rec.since})
		if !r.ns.rooms.add(s) {
			return errDuplicateID
		}
		return nil
	}
	missed, err := r.catchUp(s)
	if err != nil {
		return err
	}
	messages := make([]*transport.Message, 0, len(missed))
	for _, p := range missed {
		if m, err := r.ns.message(withOffset(p.Packet, p.Offset), 0); err == nil { // else its emit failed, too
			messages = append(messages, m)
		}
	}
	s.mu.Lock()
	s.rec.missed = messages
	s.mu.Unlock()
	if !r.ns.rooms.add(s) {
		return errDuplicateID
	}
	for _, stay := range s.rec.stays {
		if stay.To == "" && stay.Room != s.id && stay.Room != s.rec.attempt {
			r.ns.rooms.enter(s, stay.Room)
		}
	}
	return nil
}

// catchUp returns what s has missed, or notes that it is too much by now. r.mu is held.
func (r *recovery) catchUp(s *Socket) ([]adapter.Missed, error) {
	back, session := s.rec.restored, *s.rec.original
	session.Rooms = s.rec.stays
	back.Session, s.rec.restored = &session, nil
	rest, err := r.store.Rest(back)
	missed := append(back.Missed, rest...)
	if err == nil && r.tooMuch(missed) {
		err = adapter.ErrOverrun
	}
	if err != nil {
		s.mu.Lock()
		s.rec.overrun = true
		s.mu.Unlock()
		return nil, err
	}
	s.rec.behind = false
	s.rec.joined, s.rec.since, s.rec.blurred = session.Joined, back.Since, session.Blurred
	s.rec.last, s.rec.before, s.rec.turn = back.Since, back.Since, time.Time{}
	for i := range missed {
		r.meant(s, missed[i].Offset, missed[i].At)
	}
	return missed, nil
}

// admitted is called once OnConnect has let s in. What a restored socket emits to itself
// before is for a room that only this attempt is in: for a client that is refused and
// tries again it is gone.
func (r *recovery) admitted(s *Socket) {
	if !s.rec.recovered {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left(s, s.rec.attempt)
	s.rec.attempt = ""
}

// welcome sends an accepted socket what it has missed, if it can hear that. Socket.mu is
// held.
func (r *recovery) welcome(s *Socket, hears bool) {
	if hears {
		s.rec.known = !s.conn.protocol4()
		for _, m := range s.rec.missed {
			if f := &r.ns.srv.feed; s.conn.sendMessage(m) == nil && (f.wants.sent || s.listeners.Load() != nil) {
				f.sent(s, m)
			}
		}
		if s.rec.recovered {
			r.counts().recovered.Add(1)
		}
	}
	s.rec.original, s.rec.missed = nil, nil
}

// finished keeps the session of a socket that is over, if it is to be kept, and lets who
// waits for that connect.
func (r *recovery) finished(s *Socket) {
	switch session, over := r.session(s); {
	case session == nil:
	case over || r.memory != nil && r.ns.crowded(s):
		r.keep()
		r.sessionExpired(session)
	case r.memory != nil && r.ns.srv.draining.Load(): // it would end with the server
	default:
		r.keep()
		if err := r.store.Save(context.Background(), session); err != nil {
			r.unkeep()
			s.log().Warn().Err(err).Msg("session not kept")
		}
	}
	r.mu.Lock()
	if r.live[s.rec.pid] == s {
		delete(r.live, s.rec.pid)
	}
	next := s.unchain()
	if next != nil {
		r.list(next, next.rec.claim.pid)
	}
	if len(r.live) == 0 && r.attended {
		r.attended = false
		r.store.Attended(false)
		r.live = make(map[string]*Socket) // a map never shrinks
	}
	r.mu.Unlock()
	if next != nil {
		next.begin()
	}
}

// keep has the child of a pattern stay for a session that is kept in memory.
func (r *recovery) keep() {
	if r.memory != nil {
		r.ns.stay()
	}
}

func (r *recovery) unkeep() {
	if r.memory != nil {
		r.ns.leave()
	}
}

// session is what to keep of s; nil if its client has left for good, or never was in.
// What one that was not accepted had taken is over if it cannot come back for that.
func (r *recovery) session(s *Socket) (session *adapter.Session, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.accepted:
		return s.rec.original, s.leaving || s.rec.overrun
	case s.leaving || !s.rec.known || s.rec.astray || !s.why.recoverable():
		return nil, false
	}
	values := keptValues{keys: maps.Clone(s.values)}
	if r.opts.SkipMiddleware {
		values.context = s.kept
		s.rec.connect.sever()
	}
	return &adapter.Session{
		PID: s.rec.pid, SID: s.id, Rooms: slices.Clone(s.rec.stays),
		Since: s.rec.since, Joined: s.rec.joined, Lost: s.rec.lost, Last: s.rec.last, Before: s.rec.before, Blurred: s.rec.blurred,
		Turn: s.rec.turn, LostAt: s.rec.lostAt,
		Values: values,
	}, false
}
