package transport

import (
	"context"
	"net/http"
	"time"

	"github.com/parlor-go/parlor/transport/internal/payload"
)

// batch is what one answer holds.
type batch struct {
	packets [maxPackets]packet
	n       int
	poll    *pollState
	owed    int  // bytes that still count as owed while the answer is being written
	last    bool // the session's end is in it
	refused bool // which is an error

	compress bool // a message in it may be
}

// packet is one of a message's frames, or one that has no frame.
type packet struct {
	binary bool
	data   []byte
}

func (b *batch) add(binary bool, data []byte) {
	b.packets[b.n] = packet{binary, data}
	b.n++
}

// awaitBatch waits until there is something to answer get with, and takes it. It
// reports false if the client went away first. Without a pollState in b the session
// was upgraded meanwhile.
func (s *Session) awaitBatch(ctx context.Context, control *http.ResponseController, get *pendingGET, b *batch) bool {
	var nudge <-chan time.Time
	lifted := false
	for {
		s.mu.Lock()
		p := s.poll
		if p == nil {
			s.mu.Unlock()
			return true // upgraded: the queue went with the session
		}
		if p.size > 0 || p.final != 0 || get.release {
			p.get = nil
			p.take(b, get.late)
			s.mu.Unlock()
			return true
		}
		if p.probing && nudge == nil {
			nudge = time.After(probeNudge)
		}
		s.mu.Unlock()

		if !lifted {
			liftDeadlines(control)
			lifted = true
		}
		select {
		case <-p.woken:
		case <-nudge:
			s.mu.Lock()
			get.release = true
			s.mu.Unlock()
		case <-ctx.Done():
			s.mu.Lock()
			if s.poll != nil && s.poll.get == get {
				s.poll.get = nil
			}
			s.mu.Unlock()
			return false
		}
	}
}

// take moves packets from the queue to b. If there are none it is a noop, or the
// end, which has an answer of its own: the JavaScript client closes at once, before
// it has handed on the packets that came with it. late is a poll that came after
// the end; the reference server puts a noop before it then.
func (p *pollState) take(b *batch, late bool) {
	b.poll = p
	if len(p.queue) == 0 && p.final == finalRefusal {
		b.refused, b.last = true, true
		return
	}
	if len(p.queue) == 0 && p.final != 0 {
		if late && p.final == '1' {
			b.add(false, []byte{'6'})
		}
		b.add(false, []byte{p.final})
		b.last = true
		return
	}
	done := 0 // messages taken whole
	for done < len(p.queue) && b.n < maxPackets {
		frames := p.queue[done].frames[p.skip:]
		opcode, data, rest := nextFrame(frames)
		b.add(opcode == frameBinary, data)
		b.compress = b.compress || !p.queue[done].plain()
		b.owed += len(frames) - len(rest)
		if p.skip += len(frames) - len(rest); len(rest) == 0 {
			done++
			p.skip = 0
		}
	}
	for _, m := range p.queue[:done] {
		p.passed(m)
	}
	clear(p.queue[:done])
	if p.queue = p.queue[done:]; len(p.queue) == 0 {
		p.queue = nil
	}
	p.size -= b.owed
	p.answering += b.owed
	p.charge(b.owed)

	if b.n == 0 {
		b.add(false, []byte{'6'})
	}
}

// encode appends the payload of b to dst.
func (b *batch) encode(dst []byte) []byte {
	for _, p := range b.packets[:b.n] {
		if p.binary {
			dst = payload.AppendBinary(dst, p.data)
		} else {
			dst = payload.AppendText(dst, p.data)
		}
	}
	return dst
}
