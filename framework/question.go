package framework

import (
	"context"
	"sync"

	"github.com/parlor-go/parlor/transport"
)

// sharedIDs is where the ids of questions to several clients begin. One id serves all
// who are asked, so that the packet is encoded once; a socket's own begin at 1 and stay
// below. None has more than nine digits: clients in Java and C++ keep ids in 32 bits.
const sharedIDs = 500_000_000

// question is an event that several clients of this process are to answer.
type question struct {
	id      uint64
	pending pendingAck
	asked   []*Socket // whom it reached, and who was spared
	spared  []*Socket // who would owe too many answers

	mu   sync.Mutex
	come []heard       // and not yet taken
	more chan struct{} // something has come; room for one
}

// heard is a client's answer, or the error that came in its place.
type heard struct {
	socket *Socket
	args   Args
	err    error
}

// questionID is the next.
func (srv *Server) questionID() uint64 { return sharedIDs + srv.questions.Add(1)%sharedIDs }

// ask sends m, an event with that id, to the selection's sockets that can answer. The
// caller must wait.
func (b *Broadcast) ask(event string, id uint64, m *transport.Message) *question {
	q := &question{id: id, more: make(chan struct{}, 1)}
	q.pending = pendingAck{event: event, question: q}
	if b.plain {
		m = m.Uncompressed()
	}
	b.ns.rooms.each(&b.target, func(s *Socket) {
		if ok, full := s.owe(q); !ok {
			if full {
				q.spared = append(q.spared, s)
			}
			return
		}
		if s.deliver(m, b.volatile) != nil && s.forgive(q) {
			return // it was not asked; else it has gone since owe, and wait hears of that
		}
		q.asked = append(q.asked, s)
	})
	for _, s := range q.spared {
		q.asked = append(q.asked, s)
		s.conn.session.AwaitAck(1)
		q.put(heard{s, Args{}, s.owesAcks()})
	}
	b.ns.log().Debug().Str("nsp", b.ns.path).Str("event", event).Uint64("id", q.id).Int("receivers", len(q.asked)).
		Msg("event broadcast, acks asked")
	return q
}

func (q *question) ids() []string {
	ids := make([]string, len(q.asked))
	for i, s := range q.asked {
		ids[i] = s.id
	}
	return ids
}

// wait calls hear, on its own goroutine, with what each asked socket answers, until all
// have answered or gone. If ctx ends before it returns its error.
func (q *question) wait(ctx context.Context, hear func(heard)) error {
	open := len(q.asked)
	for open > 0 {
		select {
		case <-q.more:
			open -= q.take(hear)
		case <-ctx.Done():
			for _, s := range q.asked {
				s.forgive(q)
			}
			if open -= q.take(hear); open > 0 {
				return ctx.Err()
			}
		}
	}
	return nil
}

// put takes an answer. It may be called under Socket.mu.
func (q *question) put(h heard) {
	h.socket.conn.session.AwaitAck(-1)
	q.mu.Lock()
	q.come = append(q.come, h)
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *question) take(hear func(heard)) int {
	q.mu.Lock()
	come := q.come
	q.come = nil
	q.mu.Unlock()
	for _, h := range come {
		hear(h)
	}
	return len(come)
}

// owe notes that the socket is to answer q, if it can and does not owe too many answers.
func (s *Socket) owe(q *question) (ok, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != connected || s.silent():
		return false, false
	case len(s.acks) >= s.ns.srv.opts.MaxPendingAcks:
		return false, true
	}
	if s.acks == nil {
		s.acks = make(pendingAcks)
	}
	s.acks[q.id] = &q.pending
	s.conn.session.AwaitAck(1)
	return true, false
}

// forgive takes back what owe noted, unless q has been answered or the socket has gone.
func (s *Socket) forgive(q *question) bool {
	if !s.unexpect(q.id) {
		return false
	}
	s.conn.session.AwaitAck(-1)
	return true
}
