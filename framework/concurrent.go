package framework

import "fmt"

// Concurrent lets the handlers of events run beside the others of their socket: an
// event of that name starts in its turn and is not waited for, so that one that takes
// long holds up neither what comes behind it nor others of its name. It comes behind
// what serves them: in a Routes method for the OnXxx methods of its class, or behind
// On; "*" is the catch-all.
//
// Such handlers guard what they share, in the socket's values too. Their answers leave
// when they return, in any order. Everything else keeps its place: OnDisconnect, and a
// client's own leave, wait until all of a socket's handlers have returned. A socket has
// Options.MaxConcurrent of them at a time, and what they were sent with counts against
// its backlog until they return.
func (r *Router) Concurrent(events ...string) {
	r.open("Concurrent")
	for _, event := range events {
		served := r.ns.events[event]
		switch {
		case event == connectRow || event == disconnectRow:
			panic(fmt.Sprintf("framework: Concurrent(%q) on %q: connecting comes before all events and disconnecting behind them", event, r.ns.path))
		case served == nil:
			panic(fmt.Sprintf("framework: Concurrent(%q) on %q: nothing serves that event here yet: Concurrent comes behind On, "+
				"or in the Routes method of the class whose OnXxx method serves it%s", event, r.ns.path, r.ns.suggest(event)))
		}
		served.concurrent = true
	}
}

// suggest is the end of a sentence about an event that nobody serves.
func (n *namespace) suggest(event string) string {
	if hint := n.hint(event); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

// arrange tells what of the queue t has to wait for, and does it if it can: a handler
// beside the queue is started, unless there are too many; what ends the socket comes
// behind the last of them. It is for tasks from taskEarly on.
//
// done is true for what needs no more doing. With stalled the socket is no longer the
// caller's: who returns next has a worker take it up again.
func (s *Socket) arrange(t *task) (done, stalled bool) {
	if t.kind <= taskBeside && s.queue.dropped.Load() {
		return false, false // do drops it
	}
	if t.kind == taskEarly {
		t.kind = s.ns.place(&t.ec.event)
	}
	most := 0 // handlers that may run meanwhile
	switch t.kind {
	case taskEvent:
		return false, false
	case taskBeside:
		most = s.ns.srv.opts.MaxConcurrent - 1
	}
	if s.queue.stall(t, most) {
		return true, true // what has been answered leaves soon: work has called FlushLate
	}
	if t.kind != taskBeside {
		return false, false
	}
	s.queue.branch()
	s.ns.srv.workers.run(t)
	return true, false
}

// work serves an event beside its socket's queue.
func (t *task) work() {
	ec := t.ec
	if ec == nil {
		return // its handler has ended the goroutine
	}
	t.ec = nil
	s := ec.event.Socket
	defer s.returned()
	defer s.conn.session.Release(t.size)
	ec.ack.alone = true
	s.serve(ec)
}

// returned counts down a handler that ran beside the queue.
func (s *Socket) returned() {
	if s.queue.join() {
		s.ns.srv.workers.run(s)
	}
}

func (q *queue) branch() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.beside++
}

// stall puts t back, and leaves the queue to the next handler that returns beside it, if
// more than most are running.
func (q *queue) stall(t *task, most int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if int(q.beside) <= most {
		return false
	}
	t.next, q.taken = q.taken, t
	q.stalled = true
	return true
}

// join counts a handler down, and tells whether the queue needs a worker for that.
func (q *queue) join() (resume bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.beside--
	resume = q.stalled
	q.stalled = false
	return resume
}
