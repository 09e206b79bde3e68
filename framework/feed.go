package framework

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
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

	mu      sync.Mutex
	noted   []func()
	telling bool
	dropped int           // events, since somebody fell behind
	idle    chan struct{} // closed when all is told; nil unless somebody waits

	// Touched by who tells.
	members map[inRoom]int // how many there are, if somebody wants to know of rooms
	shown   shown          // what was sent last: of a broadcast it is the same for all
}

// wants is what some observer has a function for.
type wants struct {
	namespaces, sockets, rooms, clients, received, sent, values bool
}

type inRoom struct {
	ns   *namespace
	room string
}

// mostNoted is how far who listens may fall behind before it no longer hears of events:
// some 100 MB.
const mostNoted = 1 << 20

func (f *feed) add(o Observer) {
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
	f.noted = append(f.noted, tell)
	if !f.telling {
		f.telling = true
		go f.tell()
	}
}

// noteEvent is note for what there may be too much of.
func (f *feed) noteEvent(tell func()) {
	f.mu.Lock()
	full := len(f.noted) >= f.most
	if full {
		f.dropped++
	}
	f.mu.Unlock()
	if !full {
		f.note(tell)
	}
}

// tell tells what there is to tell.
func (f *feed) tell() {
	returned := false
	defer func() {
		if !returned { // who listened ended the goroutine, but not the feed
			go f.tell()
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
		f.noted = append(f.noted, f.complain(f.dropped))
		f.dropped = 0
	}
	if len(f.noted) > 0 {
		tell := f.noted[0]
		f.noted[0] = nil
		f.noted = f.noted[1:]
		return tell
	}
	f.noted, f.telling, f.shown = nil, false, shown{}
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
			srv.log.Error().Str("in", what).Str("panic", fmt.Sprint(v)).Bytes(stackField, debug.Stack()).Msg("listener panicked")
		}
	}()
	f()
}
