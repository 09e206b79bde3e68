package transport

import (
	"fmt"
	"sync"
	"time"
)

// LimitError is what a client was closed or refused with because it went beyond a
// bound. Handler.Closed and ConnectionError have it, wrapped in what they are given.
type LimitError struct {
	// Option is the name of the bound, a field of Options: "MaxSendBuffer".
	Option string

	// Detail says what was beyond it, and what the bound is.
	Detail string
}

// Error returns the option with the detail behind it.
func (e *LimitError) Error() string { return e.Option + ": " + e.Detail }

// limitLogEvery is how often it is said aloud that clients go beyond one bound: an
// attack must not fill the disk.
const limitLogEvery = time.Minute

// limits counts what went beyond bounds.
type limits struct {
	mu      sync.Mutex
	options map[string]*exceeded
}

// exceeded is what is known of one bound.
type exceeded struct {
	count uint64
	told  time.Time // when the log last had it aloud
}

// count notes one case more. aloud tells whether it is time to say so.
func (l *limits) count(option string) (count uint64, aloud bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.options == nil {
		l.options = make(map[string]*exceeded)
	}
	x := l.options[option]
	if x == nil {
		x = new(exceeded)
		l.options[option] = x
	}
	x.count++
	if now := time.Now(); x.told.IsZero() || now.Sub(x.told) >= limitLogEvery {
		x.told, aloud = now, true
	}
	return x.count, aloud
}

// Exceed counts that a client went beyond a bound, and logs it: at warn if this is the
// first of its Option for a minute, at debug else. What the engine closes or refuses
// with a LimitError, and sessions that are aborted with one, it has counted itself:
// Exceed is for what a bound merely kept from happening. client is what the log has to
// tell who it was, such as its address.
func (e *Engine) Exceed(err *LimitError, client string) {
	defer func() { _ = recover() }() // a log that cannot be written to must not end timers
	count, aloud := e.limits.count(err.Option)
	line := e.log.Debug()
	if aloud {
		line = e.log.Warn()
	}
	line.Str("option", err.Option).Str("limit", err.Detail).Str("client", client).Uint64("times", count).
		Msg("limit exceeded")
}

// Exceeded returns how often clients went beyond each bound since the start, by
// LimitError.Option. Bounds that held are not in it.
func (e *Engine) Exceeded() map[string]uint64 {
	e.limits.mu.Lock()
	defer e.limits.mu.Unlock()
	counts := make(map[string]uint64, len(e.limits.options))
	for option, x := range e.limits.options {
		counts[option] = x.count
	}
	return counts
}

func owesTooMuch(owed, limit int) *LimitError {
	return &LimitError{"MaxSendBuffer", fmt.Sprintf("%d bytes wait for the client, %d are the most before a message", owed, limit)}
}

func tookNothing(timeout time.Duration) *LimitError {
	return &LimitError{"WriteTimeout", fmt.Sprintf("the client took nothing of what is written to it for %v", timeout)}
}
