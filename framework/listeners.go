package framework

import "slices"

// listeners are the catch-all listeners of one socket. They never change: whoever adds
// or removes one puts others in their place.
type listeners struct{ received, sent []*listener }

type listener struct{ hear func(event string, args Args) }

// OnAny has fn called for each event that the client sends in this namespace, known
// or not: on the socket's queue, before middleware (which may refuse the event yet)
// and handler. Listeners are called in the order in which they were added, and must
// not change args. Answers to callbacks are no events. off removes fn; it may be
// called at any time, and again. For events that are served beside others
// (Router.Concurrent) it is called beside others, too.
//
// It is for one socket, mostly from OnConnect; Server.Observe hears all of them. A
// handler for events that have none is On("*", ...).
//
// The reference server's socket.onAny and offAny. A panic in fn is logged, and the
// event goes on.
func (s *Socket) OnAny(fn func(event string, args Args)) (off func()) {
	return s.listen(fn, (*listeners).receivedList, false)
}

// PrependAny is OnAny in front of the listeners that there are.
func (s *Socket) PrependAny(fn func(event string, args Args)) (off func()) {
	return s.listen(fn, (*listeners).receivedList, true)
}

// OnAnyOutgoing has fn called for each event that this client is sent, by an emit to
// it or by a broadcast that reaches it, not for acks. args are what the client will
// see, binary attachments among them, and must not be changed. It does not hear of
// what is emitted to a client that is gone, nor of a volatile event that is dropped.
//
// fn is called a moment later, on the goroutine of Server.Observe's functions, one
// event at a time and in the order of what is sent. It hears of all that was sent
// before off was called, and of nothing else, so that it may be called yet when off
// has returned. A panic in it is logged.
//
// The reference server's socket.onAnyOutgoing and offAnyOutgoing.
func (s *Socket) OnAnyOutgoing(fn func(event string, args Args)) (off func()) {
	return s.listen(fn, (*listeners).sentList, false)
}

// PrependAnyOutgoing is OnAnyOutgoing in front of the listeners that there are.
func (s *Socket) PrependAnyOutgoing(fn func(event string, args Args)) (off func()) {
	return s.listen(fn, (*listeners).sentList, true)
}

func (l *listeners) receivedList() *[]*listener { return &l.received }
func (l *listeners) sentList() *[]*listener     { return &l.sent }

func (s *Socket) listen(fn func(string, Args), list func(*listeners) *[]*listener, first bool) (off func()) {
	if fn == nil {
		panic("framework: the listener is nil: want a func(event string, args framework.Args)")
	}
	added := &listener{fn}
	s.changeListeners(func(l *listeners) {
		of := list(l)
		at := len(*of)
		if first {
			at = 0
		}
		*of = slices.Insert(slices.Clone(*of), at, added)
	})
	return func() {
		s.changeListeners(func(l *listeners) {
			of := list(l)
			*of = slices.DeleteFunc(slices.Clone(*of), func(other *listener) bool { return other == added })
		})
	}
}

func (s *Socket) changeListeners(change func(*listeners)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed listeners
	if now := s.listeners.Load(); now != nil {
		changed = *now
	}
	change(&changed)
	if len(changed.received)+len(changed.sent) == 0 {
		s.listeners.Store(nil)
		return
	}
	s.listeners.Store(&changed)
}

// witnessed shows an event that has come to observers and to who listens to s. They may
// keep its arguments, and who serves it may change them: so they get their own.
func (s *Socket) witnessed(e *Event) {
	f, l := &s.ns.srv.feed, s.listeners.Load()
	listened := l != nil && len(l.received) > 0
	if !listened && !f.wants.received {
		return
	}
	args := e.Args.clone()
	f.received(s, e.Name, args)
	if listened {
		s.ns.srv.hear(l.received, e.Name, args)
	}
}

func (srv *Server) hear(all []*listener, event string, args Args) {
	for _, l := range all {
		srv.contained("catch-all listener", func() { l.hear(event, args) })
	}
}
