package transport

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// ErrDraining is what Ready returns of an engine that takes no new clients any more,
// after Drain or Shutdown.
var ErrDraining = errors.New("transport: the engine is draining")

// The refusals of clients that there is no room for.
var (
	refusedFull      = refusal{status: http.StatusServiceUnavailable, Code: 3, Message: "Server is full"}
	refusedBusy      = refusal{status: http.StatusServiceUnavailable, Code: 3, Message: "Server is overloaded"}
	refusedPlenty    = refusal{status: http.StatusTooManyRequests, Code: 3, Message: "Too many connections"}
	refusedAddresses = refusal{status: http.StatusTooManyRequests, Code: 3, Message: "Too many requests"}
)

// lobby decides which clients may open a session, before anything is made for them. All
// it costs is a session's place, which is free again once nothing is left of that.
type lobby struct {
	most int           // sessions; math.MaxInt if there is no bound
	rate *rate.Limiter // of handshakes; nil if there is no bound

	mu        sync.Mutex
	taken     int // places
	addresses addresses
	forgets   bool // a timer runs that forgets addresses
}

func newLobby(opts *Options) *lobby {
	l := &lobby{most: opts.MaxSessions, rate: newLimiter(opts.HandshakeRate, handshakeBurst), addresses: newAddresses(opts)}
	if l.most < 0 {
		l.most = math.MaxInt
	}
	return l
}

// How many seconds' worth of a rate may come at once.
const (
	handshakeBurst = 10
	addressBurst   = 5
)

// newLimiter returns nil for a rate without bound.
func newLimiter(perSecond float64, seconds int) *rate.Limiter {
	if perSecond < 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), burst(perSecond, seconds))
}

func burst(perSecond float64, seconds int) int {
	return int(min(max(1, math.Ceil(perSecond*float64(seconds))), math.MaxInt32))
}

// place is the room of one session.
type place struct {
	engine *Engine
	client *client // nil if nothing is known of its address, or nothing bounded by it
	kept   bool    // by a session that is listed, which gives it back with that
}

// leave gives a place back that no session has kept.
func (p *place) leave() {
	if !p.kept {
		p.engine.leave(p.client)
	}
}

// leave gives a place back.
func (e *Engine) leave(c *client) {
	l := e.lobby
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken--
	l.addresses.leave(c)
}

// enter takes a place for the client that sent r, or says why there is none. What
// concerns one address is looked at first, so that it does not use up what all share.
// Without asks no rate is looked at: the client has been asked about before.
func (e *Engine) enter(r *http.Request, told, asks bool) (*place, refusal, error) {
	if e.drains() {
		return nil, refusedDraining, ErrDraining
	}
	if err := e.overloaded(); err != nil {
		return nil, refusedBusy, err
	}
	if asks {
		if err := e.checkHeader(r); err != nil {
			return nil, refusedHeader, err
		}
	}
	addr := e.addressOf(r, told)
	l := e.lobby
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.addresses.full(addr); err != nil {
		return nil, refusedPlenty, err
	}
	if err := l.full(); err != nil {
		return nil, refusedFull, err
	}
	if asks {
		now := time.Now()
		defer l.forgetLater()
		if err := l.addresses.tooFast(addr, now); err != nil {
			return nil, refusedAddresses, err
		}
		if l.rate != nil && !l.rate.AllowN(now, 1) {
			return nil, refusedBusy, tooManyHandshakes(l.rate)
		}
	}
	l.taken++
	return &place{engine: e, client: l.addresses.enter(addr)}, refusal{}, nil
}

// full tells that all places are taken. Its caller has the lock.
func (l *lobby) full() error {
	if l.taken < l.most {
		return nil
	}
	return &LimitError{"MaxSessions", fmt.Sprintf("%d sessions are open, which is as many as there may be", l.taken)}
}

// forgetLater sees to it that addresses are forgotten when nobody comes any more. Its
// caller has the lock.
func (l *lobby) forgetLater() {
	if l.forgets || l.addresses.lately.Len() == 0 {
		return
	}
	l.forgets = true
	time.AfterFunc(l.addresses.refill, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.forgets = false
		l.addresses.sweep(time.Now())
		l.forgetLater()
	})
}

func tooManyHandshakes(l *rate.Limiter) *LimitError {
	return &LimitError{"HandshakeRate", fmt.Sprintf("more than %v new sessions a second", l.Limit())}
}

// overloaded tells that the engine has enough to do without new clients.
func (e *Engine) overloaded() error {
	e.mu.RLock()
	workers := e.workers
	e.mu.RUnlock()
	if limit := e.opts.MaxDelay; limit > 0 && workers != nil {
		if late := workers.wheel.Late(); late > limit {
			return &LimitError{"MaxDelay", fmt.Sprintf("the server is late by %v, %v is the most", late.Round(time.Millisecond), limit)}
		}
	}
	if a := e.account; a.over.Load() {
		return &LimitError{"MaxBuffered", fmt.Sprintf("%d bytes are kept for clients, above %d there are no new ones", a.bytes.Load(), a.half)}
	}
	return nil
}

// Ready returns nil if new clients are taken, or why they are refused: ErrDraining, or a
// *LimitError of MaxSessions, MaxBuffered, MaxDelay or HandshakeRate. It is what a
// readiness endpoint answers by; a server that is not ready goes on serving the clients
// that it has.
func (e *Engine) Ready() error {
	if e.drains() {
		return ErrDraining
	}
	if err := e.overloaded(); err != nil {
		return err
	}
	l := e.lobby
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate != nil && l.rate.Tokens() < 1 {
		return tooManyHandshakes(l.rate)
	}
	return l.full()
}

// handshake opens a session for a request that asks for one, or answers why not.
func (e *Engine) handshake(w http.ResponseWriter, r *http.Request, told, websocket bool) {
	p, ref, err := e.enter(r, told, true)
	if err != nil {
		e.refuseFor(w, r, ref, err)
		return
	}
	defer p.leave() // unless there is a session; also if a hook panics
	switch {
	case !e.allow(w, r): // it has been answered
	case websocket:
		e.openWebSocket(w, r, p)
	default:
		e.openPolling(w, r, p)
	}
}

// retryAfter is what clients are told to wait, in seconds: not the same for all, lest
// they come back together.
func retryAfter() string { return strconv.Itoa(1 + rand.N(5)) }
