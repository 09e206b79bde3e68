package transport

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// backlog counts what was received and waits for a handler, in bytes. Counting takes
// no lock; pausing, which is rare, does.
type backlog struct {
	held    atomic.Int64
	awaited atomic.Int64 // acks
	ended   atomic.Bool  // with the session
	pausing atomic.Bool  // resume is not nil

	mu     sync.Mutex
	resume chan struct{} // closed when reading may go on; nil unless it is paused
}

// Hold notes that n received bytes wait for a handler. From half of
// Options.MaxBacklog on nothing more is read from the client once Handler.Message
// has returned; at the whole the session is closed, unless one message alone is so large.
func (s *Session) Hold(n int) {
	held := int(s.backlog.held.Add(int64(n)))
	limit, a := s.engine.opts.MaxBacklog, s.engine.account
	if held >= freeShare {
		a.moved(held-n, held)
	}
	switch {
	case held < min(limit, freeShare) || held == n: // nothing was there before it
	case held >= limit:
		s.Abort(ReasonTransportError, &LimitError{"MaxBacklog",
			fmt.Sprintf("%d bytes of the client's wait for a handler, %d are the most", held, limit)})
	case a.full() && a.beyond(held):
		s.Abort(ReasonTransportError, a.exceeded(held))
	}
}

// Release takes back n bytes of what Hold noted. What is held is released in the end, if
// the session has been closed too: it counts for Options.MaxBuffered until then.
func (s *Session) Release(n int) {
	if held := int(s.backlog.held.Add(int64(-n))); held+n >= freeShare {
		s.engine.account.moved(held+n, held)
	}
	s.mayResume()
}

// AwaitAck notes that delta more answers of the client are waited for. While there
// are any reading is not paused: what is waited for may be behind the rest.
func (s *Session) AwaitAck(delta int) {
	s.backlog.awaited.Add(int64(delta))
	s.mayResume()
}

// mayResume lets paused readers go on if they may. Its caller has counted before:
// who pauses meanwhile looks at that again once pausing is set.
func (s *Session) mayResume() {
	b := &s.backlog
	if !b.pausing.Load() || !s.mayRead() {
		return
	}
	// A pong may be behind what was not read. Its time starts anew before the pause is
	// over: between the two the heartbeat would find it missing.
	s.renewPong()
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.mayRead() {
		b.resumeAll()
	}
}

// mayRead tells whether reading is to go on.
func (s *Session) mayRead() bool {
	b := &s.backlog
	held := int(b.held.Load())
	return held < max(1, s.engine.opts.MaxBacklog/2) && !s.engine.account.beyond(held) ||
		b.awaited.Load() > 0 || b.ended.Load()
}

// pause returns when reading may go on, or when done is closed.
func (s *Session) pause(done <-chan struct{}) {
	b := &s.backlog
	for !s.mayRead() {
		b.mu.Lock()
		if b.resume == nil {
			b.resume = make(chan struct{})
			b.pausing.Store(true)
		}
		resume := b.resume
		b.mu.Unlock()
		s.mayResume() // if it may since before pausing was set nobody else will tell
		select {
		case <-resume:
		case <-done:
			return
		}
	}
}

// resumeAll lets paused readers look again. Its caller has the lock.
func (b *backlog) resumeAll() {
	if b.resume != nil {
		close(b.resume)
		b.resume = nil
		b.pausing.Store(false)
	}
}

// paused tells whether somebody waits in pause. Answers to pings then wait unread.
func (b *backlog) paused() bool { return b.pausing.Load() }

// end lets paused readers go for good.
func (b *backlog) end() {
	b.ended.Store(true)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.resumeAll()
}
