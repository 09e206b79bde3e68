package framework

import (
	"sync"
	"sync/atomic"
)

// queue holds what a socket's worker has still to do, in order (promise 1). It
// is unbounded by itself: the session bounds what a client sent and nobody
// handled. An empty one owns no memory.
type queue struct {
	dropped atomic.Bool // events are no longer served

	mu          sync.Mutex
	first, last *task // what has been queued and not yet taken
	busy        bool  // a worker has the socket, or will be given it
	stalled     bool  // by the next handler that returns
	beside      int32 // handlers that run beside the queue

	taken *task // what the worker has taken and not yet done; only it looks there
}

type task struct {
	next *task
	kind taskKind
	ec   *eventContext
	size int // bytes held in the session's backlog
}

// taskOverhead is what a queued task costs beside the bytes that the client
// sent, so that a flood of tiny events is bounded too.
const taskOverhead = 256

// argOverhead is what each argument costs beside that: `0,` is two bytes.
const argOverhead = 24

// heldFor is what a task with these arguments costs beside their bytes.
func heldFor(args Args) int { return taskOverhead + argOverhead*max(0, len(args.elems)-roomForArgs) }

type taskKind uint8

const (
	taskEvent taskKind = iota
	taskConnect
	taskCallback // an ack callback
	taskMake     // of a child of a pattern, before its first connect

	// From here on not all may be done at once, see arrange.
	taskEarly  // an event that came before its child was made
	taskBeside // an event that is served beside the queue
	taskLeave  // the client's DISCONNECT packet
	taskEnd    // OnDisconnect and clean-up, after which nothing is queued
)

// push adds a task, and tells whether the socket needs a worker.
func (q *queue) push(t *task) (idle bool) {
	q.mu.Lock()
	if q.last == nil {
		q.first = t
	} else {
		q.last.next = t
	}
	q.last = t
	idle = !q.busy
	q.busy = true
	q.mu.Unlock()
	return idle
}

// pushFront adds the first task of a queue that has been busy so far.
func (q *queue) pushFront(t *task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.next = q.first; t.next == nil {
		q.last = t
	}
	q.first = t
}

// abandon empties a queue that nobody will serve, and returns what its tasks held.
func (q *queue) abandon() (size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for t := q.first; t != nil; t = t.next {
		size += t.size
	}
	q.first, q.last = nil, nil
	q.dropped.Store(true)
	return size
}

// pop takes the next task. Without one the socket is no longer busy, unless stay
// says that its worker has something to do before.
func (q *queue) pop(stay bool) *task {
	t := q.taken
	if t == nil {
		q.mu.Lock()
		t, q.first, q.last = q.first, nil, nil
		if t == nil {
			q.busy = stay
		}
		q.mu.Unlock()
		if t == nil {
			return nil // and unless stay, another worker may have the socket already
		}
	}
	q.taken, t.next = t.next, nil
	return t
}

// enqueue hands a task to the socket's worker.
func (s *Socket) enqueue(t *task) {
	if s.queue.push(t) {
		s.ns.srv.workers.run(s)
	}
}

// work serves the queue until it is empty. It runs on a worker. The acks of handlers
// that have returned leave together when nothing waits, or a little late: the handler
// that comes next may take its time.
func (s *Socket) work() {
	for {
		corked := s.corked // the socket may be another worker's once pop has returned
		switch t := s.queue.pop(corked); {
		case t != nil:
			if corked {
				s.conn.session.FlushLate()
			}
			if t.kind >= taskEarly {
				if done, stalled := s.arrange(t); stalled {
					return
				} else if done {
					continue
				}
			}
			s.do(t)
		case corked:
			s.corked = false
			s.conn.session.Flush()
		default:
			return
		}
	}
}

// do performs one task. Nothing that user code does in it, panic and Goexit
// included, keeps the deferred part from being done.
func (s *Socket) do(t *task) {
	if t.size > 0 {
		defer s.conn.session.Release(t.size)
	}
	switch t.kind {
	case taskConnect:
		s.connect()
	case taskMake:
		s.ns.make()
	case taskEvent:
		if !s.queue.dropped.Load() {
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
