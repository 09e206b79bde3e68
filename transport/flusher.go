package transport

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parlor-go/parlor/transport/internal/wheel"
)

// lateAfter is how long what was appended may wait for a Flush that does not come.
const lateAfter = 2 * time.Millisecond

const (
	// gatherFrom is how many sessions have to wait for a flusher to gather.
	gatherFrom = 256

	// gatherEach is how long it does so for each of them, a fifth of what a write costs,
	// and gatherMost the most in all.
	gatherEach = time.Microsecond
	gatherMost = 20 * time.Millisecond
)

// workers are the goroutines of an engine. They start with its first session and
// leave with its last.
type workers struct {
	wheel    *wheel.Wheel
	flushers []*flusher
	next     atomic.Uint32 // the flusher of the next session
	stop     chan struct{}
	running  sync.WaitGroup
}

func startWorkers(tick time.Duration) *workers {
	w := &workers{
		wheel:    wheel.New(tick),
		flushers: make([]*flusher, runtime.GOMAXPROCS(0)),
		stop:     make(chan struct{}),
	}
	w.running.Go(func() { w.wheel.Run(w.stop) })
	for i := range w.flushers {
		f := newFlusher()
		w.flushers[i] = f
		w.running.Go(func() { f.run(w.stop) })
	}
	return w
}

// flusher hands out the flushers in turn.
func (w *workers) flusher() *flusher {
	return w.flushers[int(w.next.Add(1))%len(w.flushers)]
}

// flusher flushes sessions on a goroutine of its own: those that Send has marked
// as soon as it gets there, which gathers what is sent meanwhile, and those that
// FlushLate has marked after lateAfter. No flush blocks, so one worker serves many.
//
// Where many wait, as behind a broadcast, it first gathers for a fraction of the time
// that writing to all of them takes: the next broadcast is likely to be on its way,
// and a write costs much the same with both in it.
type flusher struct {
	wake chan struct{} // holds a token while dirty is not empty
	rest *time.Timer   // runs while it gathers

	mu    sync.Mutex
	dirty []*Session
	late  []*Session
	timer *time.Timer // runs while late is not empty
}

func newFlusher() *flusher {
	f := &flusher{wake: make(chan struct{}, 1), rest: time.NewTimer(time.Hour), timer: time.NewTimer(time.Hour)}
	f.rest.Stop()
	f.timer.Stop()
	return f
}

// flushSoon has s flushed by its worker.
func (s *Session) flushSoon() {
	if s.dirty.Load() || !s.dirty.CompareAndSwap(false, true) {
		return // the worker has yet to come by, and will see what was appended
	}
	f := s.flusher
	f.mu.Lock()
	f.dirty = append(f.dirty, s)
	first := len(f.dirty) == 1
	f.mu.Unlock()
	if first {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// FlushLate has what waits flushed in about two milliseconds, should no Flush come
// before.
func (s *Session) FlushLate() {
	if s.late.Load() || !s.late.CompareAndSwap(false, true) {
		return
	}
	f := s.flusher
	f.mu.Lock()
	f.late = append(f.late, s)
	if len(f.late) == 1 {
		f.timer.Reset(lateAfter)
	}
	f.mu.Unlock()
}

func (f *flusher) run(stop <-chan struct{}) {
	defer f.timer.Stop()
	defer f.rest.Stop()
	var dirty, late []*Session
	for {
		select {
		case <-stop:
			return
		case <-f.wake:
			if !f.gather(stop) {
				return
			}
			f.mu.Lock()
			dirty, f.dirty = f.dirty, dirty[:0]
			f.mu.Unlock()
			for i, s := range dirty {
				dirty[i] = nil
				s.dirty.Store(false) // before the flush: what comes later marks again
				s.Flush()
			}
		case <-f.timer.C:
			f.mu.Lock()
			late, f.late = f.late, late[:0]
			f.mu.Unlock()
			for i, s := range late {
				late[i] = nil
				s.late.Store(false)
				s.Flush()
			}
		}
	}
}

// gather waits for more to do, where that is worth it, or reports false.
func (f *flusher) gather(stop <-chan struct{}) bool {
	f.mu.Lock()
	n := len(f.dirty)
	f.mu.Unlock()
	if n < gatherFrom {
		return true
	}
	f.rest.Reset(min(time.Duration(n)*gatherEach, gatherMost))
	select {
	case <-f.rest.C:
		return true
	case <-stop:
		return false
	}
}
