package framework

import (
	"context"
	"sync"

	"github.com/parlor-go/parlor/transport"
)

// feed tells observers, and listeners to what sockets are sent, in the order in which
// things happen: that is noted under the locks under which it happens, and told by a
// goroutine that lives while there is something to tell. So who listens holds nobody up
// and may do what it likes, and only the feed is hurt by what ends its goroutine.
//
// Lock order: feed.mu is the last.
type feed struct {
	srv       *Server
	observers []Observer
	wants     wants
	most      int // that may be noted for events to be noted, too
	mostBytes int // that may be in these

	mu      sync.Mutex
	noted   []noted
	bytes   int                // of what is noted
	message *transport.Message // the last one that was noted
	telling bool
	behind  bool          // more is noted than may be, or was since all had been told
	dropped int           // events, since then
	idle    chan struct{} // closed when all is told; nil unless somebody waits

	// Touched by who tells.
	members map[inRoom]int // how many there are, if somebody wants to know of rooms
	shown   shown          // what was sent last: of a broadcast it is the same for all
}

// noted is something that has happened.
type noted struct {
	tell  func()
	bytes int // that it keeps in memory, of what clients chose
}

// wants is what some observer has a function for.
type wants struct {
	namespaces, sockets, rooms, clients, received, sent, values bool
}

type inRoom struct {
	ns   *namespace
	room string
}

// How far who listens may fall behind before it no longer hears of events.
const (
	mostNoted = 1 << 20  // of some 100 bytes
	mostBytes = 64 << 20 // beside them, of what is in the events
)

func (f *feed) observe(o Observer) {
	f.observers = append(f.observers, o)
	w := &f.wants
	w.namespaces = w.namespaces || o.NamespaceMade != nil || o.NamespaceGone != nil
	w.sockets = w.sockets || o.Connected != nil || o.Disconnected != nil
	w.rooms = w.rooms || o.RoomCreated != nil || o.RoomDeleted != nil || o.Joined != nil || o.Left != nil
	w.clients = w.clients || o.Opened != nil || o.Closed != nil || o.Upgraded != nil || o.UpgradeFailed != nil
	w.received = w.received || o.Received != nil
	w.sent = w.sent || o.Sent != nil
	w.values = w.values || o.Set != nil
}

// note has tell called. It takes no time and may be called with any lock held.
func (f *feed) note(tell func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(noted{tell: tell})
}

// noteEvent is note for what there may be too much of.
func (f *feed) noteEvent(tell func(), bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addEvent(noted{tell, bytes})
}

// noteMessage is noteEvent for a message, which may go to many.
func (f *feed) noteMessage(tell func(), m *transport.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := noted{tell: tell}
	if m != f.message { // else it is kept already
		n.bytes = m.Len()
	}
	if f.addEvent(n) {
		f.message = m
	}
}

func (f *feed) addEvent(n noted) bool {
	if len(f.noted) >= f.most || f.bytes >= f.mostBytes {
		f.fallBehind()
		f.dropped++
		return false
	}
	f.add(n)
	return true
}

func (f *feed) add(n noted) {
	f.noted = append(f.noted, n)
	f.bytes += n.bytes
	if len(f.noted) > f.most {
		f.fallBehind()
	}
	if !f.telling {
		f.telling = true
		go f.tell()
	}
}

// fallBehind says so at once: an observer that blocks for ever is never told what it
// missed, and all that is no event goes on to be kept for it.
func (f *feed) fallBehind() {
	if f.behind {
		return
	}
	f.behind = true
	noted, bytes := len(f.noted), f.bytes
	go func() { // f.mu is held, and what else may be
		defer func() { _ = recover() }()
		f.srv.log.Warn().Int("noted", noted).Int("bytes", bytes).Msg("observers fall behind: does one of them block?")
	}()
}

// tell tells what there is to tell.
func (f *feed) tell() {
	returned := false
	defer func() {
		if !returned { // who listened ended the goroutine, but not the feed
			go f.tell()
		}
	}()
	defer func() {
		if v := recover(); v != nil {
			f.srv.escaped(v)
		}
	}()
	for tell := f.next(); tell != nil; tell = f.next() {
		tell()
	}
	returned = true
}

// next returns nil when all has been told.
func (f *feed) next() func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.noted) == 0 && f.dropped > 0 {
		f.noted = append(f.noted, noted{tell: f.complain(f.dropped)})
		f.dropped = 0
	}
	if len(f.noted) > 0 {
		n := f.noted[0]
		f.noted[0] = noted{}
		f.noted = f.noted[1:]
		f.bytes -= n.bytes
		return n.tell
	}
	f.noted, f.telling, f.behind, f.shown, f.message = nil, false, false, shown{}, nil
	if f.idle != nil {
		close(f.idle)
		f.idle = nil
	}
	return nil
}

func (f *feed) complain(dropped int) func() {
	return func() {
		f.srv.log.Warn().Int("events", dropped).Msg("observers fell behind and did not hear of events")
	}
}

// wait returns when all has been told, or with ctx's error.
func (f *feed) wait(ctx context.Context) error {
	f.mu.Lock()
	if !f.telling {
		f.mu.Unlock()
		return nil
	}
	if f.idle == nil {
		f.idle = make(chan struct{})
	}
	idle := f.idle
	f.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// noteAll is note for what every observer may want to know.
func (f *feed) noteAll(call func(o *Observer)) { f.note(func() { f.each(call) }) }

// each calls every observer.
func (f *feed) each(call func(o *Observer)) {
	for i := range f.observers {
		f.srv.contained("observer", func() { call(&f.observers[i]) })
	}
}

// contained calls what a user gave to listen with. A panic in it concerns nobody else.
func (srv *Server) contained(what string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			srv.logPanic(what, v)
		}
	}()
	f()
}
