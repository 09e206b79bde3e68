package transport

import (
	"context"
	"fmt"
)

// mark stands behind what was queued at some moment. Those who wait for that share it.
type mark struct {
	passed chan struct{} // closed when all before it has left, or will not
	err    error         // set before that
}

// pass ends the waiting. It is called once.
func (m *mark) pass(err error) {
	m.err = err
	close(m.passed)
}

// pollMark is a mark in the queue of a client that polls.
type pollMark struct {
	*mark
	left int // bytes before it
}

// Drained returns once everything that was queued for the client before the call has
// been handed to the network: written to the connection, or to the answer of a poll.
// What is queued later is not waited for. It is what a stream needs that is to be sent
// no faster than the client takes it.
//
// It returns ErrClosed if the session closes first, and ctx's error, wrapped, if ctx
// ends first. It must not be called inside accept or Handler.Message, which hold up
// what it may have to wait for.
func (s *Session) Drained(ctx context.Context) error {
	m, err := s.mark()
	if m == nil || err != nil {
		return err
	}
	s.Flush()
	select {
	case <-m.passed:
		return m.err
	case <-ctx.Done():
		return fmt.Errorf("transport: wait until the client has what is queued: %w", ctx.Err())
	}
}

// mark puts a mark behind what is queued. It returns nil if nothing is.
func (s *Session) mark() (*mark, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended.Load():
		return nil, ErrClosed
	case s.poll != nil:
		return s.poll.mark(), nil
	default:
		return s.ws.Load().mark()
	}
}

func (c *conn) mark() (*mark, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state >= connEnding:
		return nil, ErrClosed
	case c.owed() == 0 && c.last == nil:
		return nil, nil
	case c.last != nil && c.last.mark != nil:
		return c.last.mark, nil
	}
	m := &mark{passed: make(chan struct{})}
	c.link(&buffer{mark: m})
	return m, nil
}

func (p *pollState) mark() *mark {
	owed := p.owed()
	if owed == 0 {
		return nil
	}
	if n := len(p.marks); n > 0 && p.marks[n-1].left == owed {
		return p.marks[n-1].mark
	}
	m := &mark{passed: make(chan struct{})}
	p.marks = append(p.marks, pollMark{m, owed})
	return m
}

// passMarks notes that n bytes have left.
func (p *pollState) passMarks(n int) {
	if p.marks == nil {
		return
	}
	waiting := p.marks[:0]
	for _, m := range p.marks {
		if m.left -= n; m.left > 0 {
			waiting = append(waiting, m)
			continue
		}
		m.pass(nil)
	}
	clear(p.marks[len(waiting):])
	if p.marks = waiting; len(waiting) == 0 {
		p.marks = nil
	}
}

// dropMarks tells who waits that the session is over.
func (p *pollState) dropMarks() {
	for _, m := range p.marks {
		m.pass(ErrClosed)
	}
	p.marks = nil
}

// handMarks puts the marks behind what an upgrade has moved to c.
func (p *pollState) handMarks(c *conn) {
	for _, m := range p.marks {
		c.link(&buffer{mark: m.mark})
	}
	p.marks = nil
}
