package transport

import (
	"errors"
	"time"
)

// endMode is how a session ends.
type endMode uint8

const (
	endFlush    endMode = iota // what is queued is delivered, the client is told
	endShutdown                // what is queued is delivered, with less patience; polls fail
	endDrop                    // what polls have not fetched is thrown away, the client is told
	endByClient                // likewise, at the client's wish
	endRead                    // the connection is over already; its reader cleans up
	endAbort                   // what is queued is thrown away, the client is told if that takes no time
)

// end ends the session and reports whether it did so: then the caller must see to it
// that notify is called, on a goroutine that holds no lock and is not in
// Handler.Message.
func (s *Session) end(reason Reason, err error, mode endMode) bool {
	s.mu.Lock()
	first := !s.ended.Load()
	if !first && mode != endAbort {
		s.mu.Unlock()
		return false
	}
	if first {
		s.ended.Store(true)
		s.reason, s.err = reason, err
		s.workers.wheel.Stop(&s.beat)
		s.workers.wheel.Stop(&s.deadline)
	}
	c := s.ws.Load()
	lingers := false
	if s.poll != nil {
		c = s.poll.end(mode, first)
		lingers = s.poll.lingers
		switch {
		case !lingers || !first:
		case mode == endByClient: // no worker stays for a poll that need not come
			s.poll.expiry = time.AfterFunc(closeGrace, s.stopLingering)
		default:
			s.linger(mode)
		}
	}
	polling := s.poll != nil
	if first && lingers && mode != endByClient {
		s.engine.hold() // before a poll that is there can release it
	}
	s.mu.Unlock()

	if first {
		s.backlog.end()
		s.engine.closed(s, lingers || !polling)
		s.logEnd(reason, err)
	} else if polling {
		s.stopLingering()
	}
	switch {
	case c == nil || mode == endRead:
	case polling: // the probe of an upgrade
		c.kill()
	case mode == endAbort:
		c.abort()
	default:
		c.end()
	}
	return first
}

// logEnd is called on the wheel and by flushers: a log that cannot be written to is not
// to end those.
func (s *Session) logEnd(reason Reason, err error) {
	defer func() { _ = recover() }()
	if limit, ok := errors.AsType[*LimitError](err); ok {
		s.engine.Exceed(limit, s.logID())
	}
	s.engine.log.Debug().Err(err).Str("session", s.logID()).Str("reason", string(reason)).Msg("session closed")
}

// notify tells the handler of the end.
func (s *Session) notify() {
	defer s.engine.release()
	// Who has had recv after the end was marked knows that no Message runs or will.
	s.recv.Lock()
	h := s.handler
	s.recv.Unlock()
	if h == nil {
		return // accept panicked
	}
	s.contain("Handler.Closed", func() { h.Closed(s.reason, s.err) })
}

// violation ends the session for what the client did.
func (s *Session) violation(reason Reason, err error) error {
	if s.end(reason, err, endDrop) {
		go s.notify()
	}
	return err
}
