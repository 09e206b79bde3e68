package transport

import (
	"errors"
	"fmt"
	"sync"
)

// errBacklog is wrapped in what ends the session of a client that sends faster than
// it is served.
var errBacklog = errors.New("too much unhandled")

// backlog counts what was received and waits for a handler, in bytes.
type backlog struct {
	mu      sync.Mutex
	held    int
	awaited int           // acks
	ended   bool          // with the session
	resume  chan struct{} // closed when reading may go on; nil unless it is paused
}

// Hold notes that n received bytes wait for a handler. From half of
// Options.MaxBacklog on nothing more is read from the client once Handler.Message
// has returned; at the whole the session is closed, unless one message alone is so large.
func (s *Session) Hold(n int) {
	b := &s.backlog
	b.mu.Lock()
	before := b.held
	b.held += n
	b.mu.Unlock()
	if limit := s.engine.opts.MaxBacklog; before > 0 && before+n >= limit {
		s.Abort(ReasonTransportError, fmt.Errorf("%w: %d bytes, Options.MaxBacklog is %d", errBacklog, before+n, limit))
	}
}

// Release takes back n bytes of what Hold noted.
func (s *Session) Release(n int) { s.relieve(n, 0) }

// AwaitAck notes that delta more answers of the client are waited for. While there
// are any reading is not paused: what is waited for may be behind the rest.
func (s *Session) AwaitAck(delta int) { s.relieve(0, delta) }

// relieve counts, and lets paused readers go on if they may then.
func (s *Session) relieve(released, awaited int) {
	b := &s.backlog
	b.mu.Lock()
	b.held -= released
	b.awaited += awaited
	due := b.resume != nil && s.mayRead()
	b.mu.Unlock()
	if !due {
		return
	}
	// A pong may be behind what was not read. Its time starts anew before the pause is
	// over: between the two the heartbeat would find it missing.
	s.renewPong()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.resume != nil && s.mayRead() {
		close(b.resume)
		b.resume = nil
	}
}

// mayRead tells whether reading is to go on. Its caller has the backlog's lock.
func (s *Session) mayRead() bool {
	b := &s.backlog
	return b.ended || b.awaited > 0 || b.held < max(1, s.engine.opts.MaxBacklog/2)
}

// mayPause tells whether pause would wait.
func (s *Session) mayPause() bool {
	b := &s.backlog
	b.mu.Lock()
	defer b.mu.Unlock()
	return !s.mayRead()
}

// pause returns when reading may go on, or when done is closed.
func (s *Session) pause(done <-chan struct{}) {
	b := &s.backlog
	for {
		b.mu.Lock()
		if s.mayRead() {
			b.mu.Unlock()
			return
		}
		if b.resume == nil {
			b.resume = make(chan struct{})
		}
		resume := b.resume
		b.mu.Unlock()
		select {
		case <-resume:
		case <-done:
			return
		}
	}
}

// paused tells whether somebody waits in pause. Answers to pings then wait unread.
func (b *backlog) paused() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resume != nil
}

// end lets paused readers go for good.
func (b *backlog) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if b.resume != nil {
		close(b.resume)
		b.resume = nil
	}
}
