package transport

import (
	"fmt"
	"math"
	"math/bits"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// account counts what all clients together keep in memory, in bytes: what they are owed,
// what they have sent and nobody has handled, and messages that are under way. Half of
// the bound may be used by whoever needs it. Beyond that each client has an even share of
// the half: who is owed more is closed when something is added, of whom more is held is
// not read from, and nobody new comes in. So the other half is enough for the rest.
//
// It is counted in steps: clients that keep up owe less than one, and never touch what
// all share. What a step may leave out is small beside an even share, see newAccount.
type account struct {
	engine *Engine
	limit  int64 // the bound
	half   int64 // of it
	shift  uint  // of a step, in bits
	over   atomic.Bool

	_       [64]byte // what follows changes often
	bytes   atomic.Int64
	clients atomic.Int64 // open sessions
	sheds   atomic.Bool  // or has just found nobody
}

// freeShare is what a client may owe, or have held, whatever others do, in bytes.
const freeShare = 1 << 10

// Bounds of a step, in bits.
const (
	minShift = 10
	maxShift = 14
)

func newAccount(e *Engine, opts *Options) *account {
	limit := opts.MaxBuffered
	switch {
	case limit < 0:
		limit = math.MaxInt64
	case limit == 0:
		limit = defaultBuffered()
	}
	a := &account{engine: e, limit: limit, half: limit / 2, shift: maxShift}
	if opts.MaxSessions > 0 {
		// A session is counted in four places at most.
		share := uint64(a.half / int64(opts.MaxSessions) / 4)
		a.shift = uint(min(max(bits.Len64(share)-1, minShift), maxShift))
	}
	return a
}

// defaultBuffered leaves as much of the process's memory to everything else, if its
// limit is known.
func defaultBuffered() int64 {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return max(limit/2, 1)
	}
	return 1 << 30
}

// moved notes that what is kept in one place went from so many bytes to so many.
func (a *account) moved(from, to int) {
	if from>>a.shift != to>>a.shift {
		a.add(int64(to>>a.shift-from>>a.shift) << a.shift)
	}
}

// add counts n bytes more, or less.
func (a *account) add(n int64) {
	now := a.bytes.Add(n)
	for over := now > a.half; over != a.over.Load(); over = a.bytes.Load() > a.half {
		a.over.Store(over)
	}
	if now > a.limit && n > 0 && a.sheds.CompareAndSwap(false, true) {
		a.engine.hold()
		go a.shed()
	}
}

// hold counts a large message that is kept for a client, once for all clients. drop is
// its reverse. Messages that several engines send are counted once by the first of them.
func (a *account) hold(m *Message) {
	if l := m.looks(); !a.owns(l) || l.holders.Add(1) == 1 {
		a.add(int64(len(m.frames)))
	}
}

func (a *account) drop(m *Message) {
	if l := m.looks(); !a.owns(l) || l.holders.Add(-1) == 0 {
		a.add(-int64(len(m.frames)))
	}
}

func (a *account) owns(l *looks) bool {
	return l.account.Load() == a || l.account.CompareAndSwap(nil, a)
}

// tooMuch tells that a client that is owed so many bytes is to get no more.
func (e *Engine) tooMuch(owed int) *LimitError {
	if owed > e.opts.MaxSendBuffer {
		return owesTooMuch(owed, e.opts.MaxSendBuffer)
	}
	if e.account.beyond(owed) {
		return e.account.exceeded(owed)
	}
	return nil
}

// share is what each client may have in hard times, in bytes.
func (a *account) share() int {
	return int(max(a.half/max(a.clients.Load(), 1), freeShare))
}

// beyond tells that times are hard, and that so many bytes are more than one client's
// share then.
func (a *account) beyond(has int) bool { return has > freeShare && a.over.Load() && has > a.share() }

// exceeded is what a client is closed with that is beyond its share.
func (a *account) exceeded(has int) *LimitError {
	return &LimitError{"MaxBuffered", fmt.Sprintf("%d bytes are kept for the client and %d for all: from %d on, %d are the share of each",
		has, a.bytes.Load(), a.half, a.share())}
}

// full tells that the bound itself is reached.
func (a *account) full() bool { return a.over.Load() && a.bytes.Load() >= a.limit }

// shedPause is how long nobody is looked for who could be closed after there was none:
// to look costs as much as there are clients.
const shedPause = 100 * time.Millisecond

// shed closes clients that are owed more than their share until there is room again. It
// is for messages so large that a few of them use up the other half.
func (a *account) shed() {
	defer a.engine.release()
	closed := false
	for _, s := range a.engine.all() {
		if !a.over.Load() {
			break
		}
		if owed := s.Buffered(); a.beyond(owed) {
			s.Abort(ReasonTransportError, a.exceeded(owed))
			closed = true
		}
	}
	if closed {
		a.sheds.Store(false)
		return
	}
	time.AfterFunc(shedPause, func() { a.sheds.Store(false) })
}

// Buffered returns how many bytes Options.MaxBuffered counts at the moment. What keeps up
// with its messages is not in it: clients count from about a kibibyte on.
func (e *Engine) Buffered() int64 { return e.account.bytes.Load() }

// underWay notes that the part of a message that has arrived went from so many bytes to
// so many, and tells if the client is to be closed for it.
func (s *Session) underWay(from, to int) error {
	a := s.engine.account
	a.moved(from, to)
	if to <= from || !a.full() {
		return nil
	}
	if has := to + int(s.backlog.held.Load()); a.beyond(has) {
		return a.exceeded(has)
	}
	return nil
}
