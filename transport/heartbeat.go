package transport

import (
	"math/rand/v2"
	"time"
)

// The server pings, the client answers: Engine.IO protocol v4, "Heartbeat".

// startHeartbeat sets the first ping. It comes up to a tenth of the interval early,
// lest clients that came back together after a restart stay in step for ever.
func (s *Session) startHeartbeat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended.Load():
	case s.v3:
		s.awaitingPong = true // a ping, rather, and always
		s.workers.wheel.Set(&s.beat, s.patience(), s.heartbeat)
	default:
		s.workers.wheel.Set(&s.beat, s.untilPing()-rand.N(s.engine.opts.PingInterval/10+1), s.heartbeat)
	}
}

// untilPing is the time until the next ping. The wheel is late by up to a tick, for
// the ping and for the wait for its answer: with two ticks off, a client that stays
// silent is closed within PingInterval+PingTimeout, as it was told.
func (s *Session) untilPing() time.Duration {
	return s.engine.opts.PingInterval - 2*s.engine.tick()
}

// setBeat has heartbeat called after d, and not before.
func (s *Session) setBeat(d time.Duration) { s.workers.wheel.Reset(&s.beat, d) }

// heartbeat runs on the wheel: a ping is due, or an answer is missing.
func (s *Session) heartbeat() {
	s.mu.Lock()
	if s.ended.Load() || s.workers.wheel.Waits(&s.beat) {
		s.mu.Unlock()
		return // it was set anew while it fired
	}
	late := s.awaitingPong && !s.backlog.paused()
	s.setBeat(s.patience())
	ping := !s.awaitingPong
	s.awaitingPong = true
	s.mu.Unlock()

	s.mayResume() // what paused it may be over for all: see account
	if late {
		s.Abort(ReasonPingTimeout, nil)
	} else if ping && s.queue(packetPing) == nil {
		s.Flush() // which does not block, so no other goroutine is needed
	}
}

// pong handles the client's answer to a ping.
func (s *Session) pong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaitingPong && !s.ended.Load() {
		s.awaitingPong = false
		s.setBeat(s.untilPing())
	}
}

// renewPong gives the client its time anew: while the engine was not reading, or
// while the client changed transports, it may have been unable to answer.
func (s *Session) renewPong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaitingPong && !s.ended.Load() {
		s.setBeat(s.patience())
	}
}
