// Package wheel is a hashed timing wheel: any number of deadlines on one goroutine.
//
// Deadlines of connections are set often and hardly ever met, and none of them is
// in a hurry. Setting or stopping one costs a few pointers; a deadline that is met
// fires up to one tick late, never early.
package wheel

import (
	"sync"
	"sync/atomic"
	"time"
)

// slots is how many ticks one turn has. Deadlines further off stay in their slot
// for more than one turn.
const slots = 512

// farOff is as good as never, and can be added to a time.
const farOff = 100 * 365 * 24 * time.Hour

// Wheel holds timers. Its methods may be called from any goroutine.
type Wheel struct {
	tick  time.Duration
	start time.Time

	turned atomic.Int64 // when the last turn began, since start
	late   atomic.Int64 // by how much that was too late

	mu    sync.Mutex
	now   int64         // ticks that have been worked off
	slots [slots]*Timer // heads of doubly linked lists
}

// Timer is one deadline. The zero value is a stopped timer; it must not be copied
// once set.
type Timer struct {
	fire       func()
	when       int64 // in ticks; 0 while it is not set
	prev, next *Timer
}

// New makes a wheel whose timers fire with the precision of tick.
func New(tick time.Duration) *Wheel {
	return &Wheel{tick: tick, start: time.Now()}
}

// Set makes t fire once after d, in place of what it was set to before. fire is
// called on the goroutine of Run and must not block; it may set timers.
func (w *Wheel) Set(t *Timer, d time.Duration, fire func()) {
	w.set(t, d, fire)
}

// Reset is Set with the function that t had before, which costs no new one.
func (w *Wheel) Reset(t *Timer, d time.Duration) { w.set(t, d, nil) }

func (w *Wheel) set(t *Timer, d time.Duration, fire func()) {
	// The deadline is rounded up, for a timer must not fire early.
	d = min(d, farOff)
	when := int64((time.Since(w.start) + d + w.tick - 1) / w.tick)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(t)
	if fire != nil {
		t.fire = fire
	}
	t.when = max(when, w.now+1)
	head := &w.slots[t.when%slots]
	if t.next = *head; t.next != nil {
		t.next.prev = t
	}
	*head = t
}

// Stop keeps t from firing, unless it is just doing so.
func (w *Wheel) Stop(t *Timer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(t)
}

// Waits tells whether t is set: if not, it was stopped, has fired, or is doing so.
func (w *Wheel) Waits(t *Timer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return t.when > 0
}

func (w *Wheel) remove(t *Timer) {
	if t.when == 0 {
		return
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		w.slots[t.when%slots] = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.when, t.prev, t.next = 0, nil, nil
}

// Run fires timers until stop is closed.
func (w *Wheel) Run(stop <-chan struct{}) {
	ticker := time.NewTicker(w.tick)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		since := time.Since(w.start)
		w.late.Store(int64(since) - w.turned.Swap(int64(since)) - int64(w.tick))
		now := int64(since / w.tick)
		for fire := w.due(now); fire != nil; fire = w.due(now) {
			fire()
		}
	}
}

// Late returns by how much timers fire late, beyond a tick: because the machine is slow
// to run the wheel, or because they take long. It looks at the last turn and at the one
// that is to come, so a standstill that is over is forgotten after two.
func (w *Wheel) Late() time.Duration {
	next := time.Since(w.start) - time.Duration(w.turned.Load()) - w.tick
	return max(0, next, time.Duration(w.late.Load()))
}

// due takes the next timer off that is due at tick now. One at a time, so that what
// is stopped or set anew while others fire does not fire.
func (w *Wheel) due(now int64) func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	// After a long standstill, of the process or the machine, one turn sees all slots.
	w.now = max(w.now, now-slots)
	for {
		for t := w.slots[w.now%slots]; t != nil; t = t.next {
			if t.when <= now {
				fire := t.fire
				w.remove(t)
				return fire
			}
		}
		if w.now >= now {
			return nil
		}
		w.now++
	}
}
