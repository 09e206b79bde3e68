package framework

import (
	"slices"
	"sync"
)

// queue holds what a socket's worker has still to do, in order (promise 1). It
// is unbounded by itself: the session bounds what a client sent and nobody
// handled.
type queue struct {
	mu      sync.Mutex
	tasks   []task
	head    int
	busy    bool // a worker has the socket
	dropped bool // events are no longer served
}

type task struct {
	kind taskKind
	ec   *eventContext
	size int // bytes held in the session's backlog
}

// taskOverhead is what a queued task costs beside the bytes that the client
// sent, so that a flood of tiny events is bounded too.
const taskOverhead = 256

type taskKind uint8

const (
	taskConnect taskKind = iota
	taskEvent
	taskCallback // an ack callback
	taskLeave    // the client's DISCONNECT packet
	taskEnd      // OnDisconnect and clean-up, after which nothing is queued
)

// push adds a task, and tells whether the socket needs a worker.
func (q *queue) push(t task) (idle bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.tasks) == cap(q.tasks) && q.head > len(q.tasks)/2 {
		n := copy(q.tasks, q.tasks[q.head:])
		clear(q.tasks[n:])
		q.tasks, q.head = q.tasks[:n], 0
	}
	q.tasks = append(q.tasks, t)
	idle = !q.busy
	q.busy = true
	return idle
}

// pushFront adds the first task of a queue that has been busy so far.
func (q *queue) pushFront(t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = slices.Insert(q.tasks, q.head, t)
}

// abandon empties a queue that nobody will serve, and returns what its tasks held.
func (q *queue) abandon() (size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.tasks[q.head:] {
		size += t.size
	}
	q.tasks, q.head, q.dropped = nil, 0, true
	return size
}

// pop takes the next task. Without one the socket is no longer busy, unless stay
// says that its worker has something to do before.
func (q *queue) pop(stay bool) (task, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.tasks) {
		if stay {
			return task{}, false
		}
		q.tasks, q.head = q.tasks[:0], 0
		if cap(q.tasks) > 64 { // a burst is over
			q.tasks = nil
		}
		q.busy = false
		return task{}, false
	}
	t := q.tasks[q.head]
	q.tasks[q.head] = task{}
	q.head++
	return t, true
}

// drop makes events that are queued, or come later, be skipped.
func (q *queue) drop() {
	q.mu.Lock()
	q.dropped = true
	q.mu.Unlock()
}

func (q *queue) dropping() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// enqueue hands a task to the socket's worker.
func (s *Socket) enqueue(t task) {
	if s.queue.push(t) {
		s.ns.srv.workers.run(s)
	}
}

// work serves the queue until it is empty. It runs on a worker.
func (s *Socket) work() {
	for {
		t, ok := s.queue.pop(s.corked)
		switch {
		case ok:
			s.do(t)
		case s.corked: // acks were appended, and nothing waits
			s.corked = false
			s.conn.session.Flush()
		default:
			return
		}
	}
}

// do performs one task. Nothing that user code does in it, panic and Goexit
// included, keeps the deferred part from being done.
func (s *Socket) do(t task) {
	if t.size > 0 {
		defer s.conn.session.Release(t.size)
	}
	switch t.kind {
	case taskConnect:
		s.connect()
	case taskEvent:
		if !s.queue.dropping() {
			s.serve(t.ec)
		}
	case taskCallback:
		s.serve(t.ec)
	case taskLeave:
		s.end(ClientNamespaceDisconnect, nil)
	case taskEnd:
		s.depart()
	}
}
