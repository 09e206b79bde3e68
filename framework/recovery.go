package framework

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/internal/replay"
)

// Recovery lets a client whose connection was lost come back to where it was: it gets
// its id, its rooms and its Key values again, and the events that it has missed. The
// clients in JavaScript take part without being told to; there socket.recovered is
// then true, as Socket.Recovered is here.
//
// A session is kept when the transport was lost, not when either side left the
// namespace. OnDisconnect runs at the loss all the same, and OnConnect when the client
// is back. Every event that is neither volatile nor asks for an ack is logged
// meanwhile, and has its place in the log, a string, as an extra last argument; a
// volatile event has one where its own last argument is a string, which clients would
// take for one. Handlers in clients see it: JavaScript ignores an argument too many, while
// a Python function has to take it (*args). Answers to events are not logged, nor is what was emitted before a
// restart. The child of a pattern stays while there are sessions of it.
//
// A client proves who it is by a secret that it was given when it connected. Whoever
// knows that is the client: middleware, which runs again unless SkipMiddleware says
// otherwise, can compare who has come with the values of who went.
//
// Socket.IO reference server, "connectionStateRecovery".
type Recovery struct {
	// MaxDisconnection is how long a session is kept, from the moment when the server
	// notices the loss. 0 means that there is no recovery. The reference has 2 minutes.
	MaxDisconnection time.Duration

	// SkipMiddleware admits who recovers to OnConnect without asking middleware, whose
	// values its context still has: only what middleware has given to AtRecovery is
	// called. The reference does, by default; here middleware runs, lest a token that has
	// expired meanwhile lets somebody in.
	SkipMiddleware bool

	// MaxLog bounds the log of each namespace, in bytes. Children of patterns, of which
	// clients choose how many there are, share one: once theirs hold that together, who is
	// sent something keeps an even share of it. A client that would have to be
	// sent more than is there, or than Transport.MaxSendBuffer, begins anew. 0 means
	// 16 MiB.
	MaxLog int

	// MaxSessions bounds the kept sessions of each namespace; the oldest are given up.
	// Those of children are kept only while their pattern has half of Options.MaxChildren
	// or fewer: who connects and is gone must not fill it. 0 means 100,000.
	MaxSessions int

	// OnExpired is called when a session is given up for good: its client has not come
	// back in time, or too late for the log, or there were too many. It is called as the
	// functions of an Observer are, one at a time and in order with them, not for sessions
	// that end with Shutdown, and must not block.
	OnExpired func(ExpiredSession)
}

// ExpiredSession is a session whose client has not come back.
type ExpiredSession struct {
	Namespace *Namespace
	ID        string   // the socket's
	Rooms     []string // without the personal one

	values map[*keyID]any
}

// GetExpired returns what was stored on the socket that e once was.
func (k Key[T]) GetExpired(e ExpiredSession) (T, bool) {
	v, ok := e.values[k.id].(T)
	return v, ok
}

// RecoveryStats are counts since the server was made, and what it holds now.
type RecoveryStats struct {
	Recovered uint64 // clients that have come back to their session

	// Clients that came back and got a new session.
	Unknown    uint64 // theirs was not kept: expired, given up, or of an earlier process
	Overrun    uint64 // the log did not reach back to where they were
	Superseded uint64 // the same client came once more
	Busy       uint64 // handlers of the lost connection did not return

	Expired uint64 // sessions given up
	Kept    int    // sessions kept now, of those in memory
	Logged  int    // bytes in the logs in memory now
}

// RecoveryStats returns the server's counts.
func (srv *Server) RecoveryStats() RecoveryStats {
	counts := &srv.recoveries
	stats := RecoveryStats{
		Recovered:  counts.recovered.Load(),
		Unknown:    counts.unknown.Load(),
		Overrun:    counts.overrun.Load(),
		Superseded: counts.superseded.Load(),
		Busy:       counts.busy.Load(),
		Expired:    counts.expired.Load(),
	}
	for _, r := range srv.recoveringNow() {
		if r.memory != nil {
			stats.Kept += r.memory.Kept()
			stats.Logged += r.memory.Logged()
		}
	}
	return stats
}

// recoveringNow lists the recovery of each namespace that there is.
func (srv *Server) recoveringNow() (list []*recovery) {
	if srv.opts.Recovery.MaxDisconnection == 0 {
		return nil
	}
	for _, ns := range srv.namespaces {
		list = append(list, ns.recovery)
	}
	for _, f := range srv.families.byText {
		f.mu.Lock()
		for _, ns := range f.children {
			list = append(list, ns.recovery)
		}
		f.mu.Unlock()
	}
	return list
}

const (
	defaultMaxLog      = 16 << 20
	defaultMaxSessions = 100_000

	// reconnectPatience is how long a client that came back waits for the handlers of its
	// lost connection.
	reconnectPatience = 10 * time.Second
)

func (o Recovery) withDefaults() Recovery {
	if o.MaxDisconnection < 0 || o.MaxLog < 0 || o.MaxSessions < 0 {
		panic(fmt.Sprintf("framework: Options.Recovery has a negative bound: MaxDisconnection %v, MaxLog %d, MaxSessions %d: want 0 for the default, or how much",
			o.MaxDisconnection, o.MaxLog, o.MaxSessions))
	}
	o.MaxLog = cmp.Or(o.MaxLog, defaultMaxLog)
	o.MaxSessions = cmp.Or(o.MaxSessions, defaultMaxSessions)
	return o
}

// recovery is a namespace's part in it. A packet is logged and appended to the buffers
// of those it is for in one step, under mu: so offsets rise in the order in which each
// client gets its packets, and a client that has one has all before it. Who is where
// changes under mu, too.
//
// Lock order: mu, then what rooms has.
type recovery struct {
	ns     *namespace
	store  adapter.Recovery // written before its namespace has a client
	memory *replay.Memory   // the store, unless that is an adapter's
	window time.Duration    // what was meant for a socket is known to within so much
	opts   Recovery

	mu sync.Mutex
	// live has who is there by pid, from its arrival to behind OnDisconnect. A pid is a
	// secret of 120 random bits: it is looked up by its hash, whose time tells nothing of it.
	live map[string]*Socket

	attended bool // as the store was told
}

// recoveryCounts are what RecoveryStats counts, for all namespaces.
type recoveryCounts struct {
	recovered, unknown, overrun, superseded, busy, expired atomic.Uint64
}

func (r *recovery) counts() *recoveryCounts { return &r.ns.srv.recoveries }

// newRecovery returns nil if there is to be none.
func newRecovery(n *namespace) *recovery {
	opts := n.srv.opts.Recovery
	if opts.MaxDisconnection == 0 {
		return nil
	}
	r := &recovery{ns: n, opts: opts, window: n.srv.noticeTime(), live: make(map[string]*Socket)}
	var budget *replay.Budget
	if n.child != nil {
		budget = n.srv.childLogs
	}
	r.memory = replay.New(replay.Options{
		Budget:      budget,
		Keep:        opts.MaxDisconnection,
		Retain:      r.retain(),
		MaxBytes:    opts.MaxLog,
		MaxSessions: opts.MaxSessions,
		Expired:     r.sessionExpired,
	})
	r.store = r.memory
	return r
}

// retain is how long packets are logged: while a session is kept, and before that until
// the loss of a connection is noticed, and a window.
func (r *recovery) retain() time.Duration { return r.opts.MaxDisconnection + 2*r.window }

// noticeTime is how long it mostly takes until the loss of a connection is noticed.
func (srv *Server) noticeTime() time.Duration {
	opts := srv.opts.Transport
	return cmp.Or(opts.PingInterval, 25*time.Second) + cmp.Or(opts.PingTimeout, 20*time.Second)
}

// close forgets what is kept in memory.
func (r *recovery) close() {
	if r.memory == nil {
		return
	}
	for range r.memory.Close() {
		r.ns.leave()
	}
}

// use has an adapter log and keep in place of the memory.
func (r *recovery) use(store adapter.Recovery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store, r.memory = store, nil
}

// recoveryFailed counts and logs that a client came back in vain.
func (r *recovery) recoveryFailed(s *Socket, count *atomic.Uint64, reason string) {
	count.Add(1)
	defer func() { _ = recover() }() // on a timer, whatever the log does
	s.log().Life().Str("reason", reason).Msg("session not recovered")
}

// logExpired is called on a timer: whatever the log does goes no further.
func (r *recovery) logExpired(sid string) {
	defer func() { _ = recover() }()
	r.ns.log().Info().Str("nsp", r.ns.path).Str("sid", r.ns.srv.logID(sid)).Msg("session expired")
}

// sessionExpired is called by the memory, and for what it has handed out in vain. It
// never blocks: the feed tells.
func (r *recovery) sessionExpired(session *adapter.Session) {
	r.counts().expired.Add(1)
	r.logExpired(session.SID)
	if r.opts.OnExpired == nil {
		r.unkeep()
		return
	}
	e := ExpiredSession{Namespace: &Namespace{r.ns}, ID: session.SID}
	for _, stay := range session.Rooms {
		if stay.To == "" && stay.Room != session.SID {
			e.Rooms = append(e.Rooms, stay.Room)
		}
	}
	slices.Sort(e.Rooms)
	if v, ok := session.Values.(keptValues); ok {
		e.values = v.keys
	}
	srv := r.ns.srv
	srv.came() // until it is told, for Shutdown waits for that
	srv.feed.note(func() {
		defer srv.connGone()
		defer r.unkeep()
		srv.contained("OnExpired", func() { r.opts.OnExpired(e) })
	})
}
