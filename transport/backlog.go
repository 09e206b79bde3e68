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
func (s *Session) Release(n int) {
	b := &s.backlog
	b.mu.Lock()
	b.held -= n
	resumed := s.resumeLocked()
	b.mu.Unlock()
	if resumed {
		s.renewPong()
	}
}

// AwaitAck notes that delta more answers of the client are waited for. While there
// are any reading is not paused: what is waited for may be behind the rest.
func (s *Session) AwaitAck(delta int) {
	b := &s.backlog
	b.mu.Lock()
	b.awaited += delta
	resumed := s.resumeLocked()
	b.mu.Unlock()
	if resumed {
		s.renewPong()
	}
}

// mayRead tells whether reading is to go on.
func (s *Session) mayRead() bool {
	b := &s.backlog
	return b.ended || b.awaited > 0 || b.held < s.engine.opts.MaxBacklog/2
}

// resumeLocked lets paused readers go on if they may.
func (s *Session) resumeLocked() bool {
	b := &s.backlog
	if b.resume == nil || !s.mayRead() {
		return false
	}
	close(b.resume)
	b.resume = nil
	return true
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
