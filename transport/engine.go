package transport

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"
	"github.com/rs/zerolog"
)

// Engine serves Engine.IO to any number of clients. It is an http.Handler; it does
// not look at the path, so that it can be mounted anywhere.
type Engine struct {
	opts     Options
	accept   func(*Session, *http.Request) Handler
	log      zerolog.Logger
	origins  []originPattern
	upgrades string // what is offered to who polls, as JSON
	openEnd  string // what each open packet ends with
	upgrader *gws.Upgrader
	deflate  *deflate // nil unless there is permessage-deflate
	proxies  []netip.Prefix
	lobby    *lobby
	calm     uint16 // bytes that a client may be owed whatever it is like
	account  *account

	limits        limits
	refusals      limits      // by code, likewise
	originRefused atomic.Bool // and told of once, loudly

	mu       sync.RWMutex
	sessions map[string]*Session // the open ones, and those of which something is left; by secrets of 120 bits, which a lookup's time does not tell
	claimed  map[string]bool     // ids of Options.NewID whose sessions are being opened
	open     int
	live     int           // what needs the workers: sessions, and what they leave behind
	workers  *workers      // nil while live is 0
	draining bool          // no more sessions
	idle     chan struct{} // closed when live becomes 0; nil unless somebody waits
}

// New makes an engine. accept is called for each new session, with the request that
// opened it, and returns its Handler, which must not be nil. Nothing has been sent
// to the client at that point, not the WebSocket's 101 either; what accept sends
// follows the open packet, and if it aborts the session the client gets nothing. The
// request's context ends with the request: what is to outlast it must be copied.
//
// It panics if opts contradict themselves.
func New(opts Options, accept func(s *Session, r *http.Request) Handler) *Engine {
	e := &Engine{
		opts:     opts.withDefaults(),
		accept:   accept,
		log:      opts.Logger,
		sessions: make(map[string]*Session),
	}
	e.origins = parseOrigins(e.opts.Origins)
	e.upgrades = e.opts.upgrades()
	e.openEnd = fmt.Sprintf(`],"pingInterval":%d,"pingTimeout":%d,"maxPayload":%d}`,
		e.opts.PingInterval.Milliseconds(), e.opts.PingTimeout.Milliseconds(), e.opts.MaxPayload)
	e.upgrader = newUpgrader(&e.opts, events{})
	e.deflate = newDeflate(e.opts.PerMessageDeflate)
	e.proxies = parseProxies(e.opts.TrustedProxies)
	e.lobby = newLobby(&e.opts)
	e.calm = uint16(min(e.opts.MaxSendBuffer, freeShare))
	e.account = newAccount(e, &e.opts)
	return e
}

// Len returns the number of open sessions.
func (e *Engine) Len() int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.open
}

// Drain makes the engine answer 503 to new clients from now on. Those it has stay.
func (e *Engine) Drain() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.draining = true
}

// Shutdown drains the engine and closes every session with
// ReasonServerShuttingDown: what is queued is flushed, and a WebSocket is closed. A
// polling client's poll is answered with 503: all clients try again then, and some do
// not after a close packet. Shutdown returns when all sessions and
// goroutines of the engine are gone. If ctx ends first, what is left is aborted and
// the error wraps ctx's.
//
// Call it before http.Server.Shutdown, which waits for pending polls and knows
// nothing of WebSockets.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.Drain()
	for _, s := range e.all() {
		if s.end(ReasonServerShuttingDown, nil, endShutdown) {
			go s.notify()
		} else {
			s.stopLingering()
		}
	}

	e.mu.Lock()
	workers := e.workers
	if workers == nil {
		e.mu.Unlock()
		return nil
	}
	if e.idle == nil {
		e.idle = make(chan struct{})
	}
	idle := e.idle
	e.mu.Unlock()

	select {
	case <-idle:
		workers.running.Wait()
		return nil
	case <-ctx.Done():
	}
	for _, s := range e.all() {
		s.Abort(ReasonServerShuttingDown, ctx.Err())
	}
	return fmt.Errorf("transport: shutdown: %w", ctx.Err())
}

// all returns the sessions of this moment.
func (e *Engine) all() []*Session {
	e.mu.RLock()
	defer e.mu.RUnlock()
	all := make([]*Session, 0, len(e.sessions))
	for _, s := range e.sessions {
		all = append(all, s)
	}
	return all
}

// admit makes room for a new session, unless the engine drains.
func (e *Engine) admit() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining {
		return false
	}
	e.holdLocked()
	return true
}

// drains tells whether there is no admit any more.
func (e *Engine) drains() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.draining
}

// hold keeps the workers running until release.
func (e *Engine) hold() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.holdLocked()
}

func (e *Engine) holdLocked() {
	if e.live++; e.live == 1 {
		e.workers = startWorkers(e.tick())
	}
}

// release takes back an admit or hold.
func (e *Engine) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.live--; e.live > 0 {
		return
	}
	close(e.workers.stop)
	e.workers = nil
	if e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
}

// tick returns how often the wheel turns: fine beside the shortest timeout, but not
// finer than that is worth.
func (e *Engine) tick() time.Duration {
	shortest := min(e.opts.PingInterval, e.opts.PingTimeout, e.opts.UpgradeTimeout, e.opts.WriteTimeout)
	return min(max(shortest/16, 5*time.Millisecond), 250*time.Millisecond)
}

// newSession makes a session, for which there must have been an admit. With an id of
// "" it gets a new one.
func (e *Engine) newSession(id string, p *place) *Session {
	if id == "" {
		id = newID()
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	return &Session{engine: e, id: id, client: p.client, workers: e.workers, flusher: e.workers.flusher()}
}

// list makes s known, which keeps its place, and reports whether the engine goes on.
func (e *Engine) list(s *Session, p *place) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions[s.id] = s
	p.kept = true
	e.open++
	e.account.clients.Add(1)
	return !e.draining
}

// newID returns 15 random bytes as 20 characters.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// session returns the session with that id, or nil.
func (e *Engine) session(id string) *Session {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.sessions[id]
	if s != nil && s.ended.Load() && s.ws.Load() != nil {
		return nil // only its connection is still there
	}
	return s
}

// closed notes that s has been closed. What is left of it, a connection or what
// polls have yet to fetch, keeps it on the list until forget.
func (e *Engine) closed(s *Session, left bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open--
	e.account.clients.Add(-1)
	if !left {
		e.unlist(s)
	}
}

// forget takes s off the list.
func (e *Engine) forget(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unlist(s)
}

// unlist also gives the session's place back: what of a closed one lingers still counts.
func (e *Engine) unlist(s *Session) {
	if e.sessions[s.id] != s {
		return // an id of Options.NewID may be another's by now
	}
	e.leave(s.client)
	if delete(e.sessions, s.id); len(e.sessions) == 0 {
		e.sessions = make(map[string]*Session) // what a crowd left behind: a map never shrinks
	}
}

// openPacket returns the packet that opens a session on a transport, Engine.IO
// protocol v4, "Handshake". The order of the keys is that of the reference server.
func (e *Engine) openPacket(s *Session, transport string) *Message {
	upgrades := ""
	if transport == Polling {
		upgrades = e.upgrades
	}
	return newPacket(`0{"sid":"` + s.id + `","upgrades":[` + upgrades + e.openEnd)
}
