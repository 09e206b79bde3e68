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
	// manyDirty is how many sessions have to wait for a flusher to let others go first.
	manyDirty = 32

	// stretch is how many it then flushes until it does so again: about a millisecond's.
	stretch = 256
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
// Where many wait, as behind a broadcast, it lets others go first, and again at times:
// the next broadcast may be there already, and a write costs much the same with both
// in it. Nor do others then wait for the end of a long one.
type flusher struct {
	wake chan struct{} // holds a token while dirty is not empty

	mu    sync.Mutex
	dirty []*Session
	late  []*Session
	timer *time.Timer // runs while late is not empty
}

func newFlusher() *flusher {
	f := &flusher{wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
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
	var others barrier
	defer others.close()
	var many, few, late []*Session
	for {
		select {
		case <-stop:
			return
		case <-f.wake:
			if f.waiting() >= manyDirty {
				others.wait()
			}
			many = f.take(many)
			for rest := many; len(rest) > 0; {
				n := min(stretch, len(rest))
				flushAll(rest[:n])
				if rest = rest[n:]; len(rest) == 0 {
					break
				}
				others.wait()
				if f.waiting() < manyDirty { // emits to single ones, as a rule
					few = f.take(few)
					flushAll(few)
				}
				select {
				case <-f.timer.C:
					late = f.flushLate(late)
				default:
				}
			}
		case <-f.timer.C:
			late = f.flushLate(late)
		}
	}
}

// flushLate flushes those that FlushLate has marked; spare is a list of before.
func (f *flusher) flushLate(spare []*Session) []*Session {
	f.mu.Lock()
	late := f.late
	f.late = spare[:0]
	f.mu.Unlock()
	for i, s := range late {
		late[i] = nil
		s.late.Store(false)
		s.Flush()
	}
	return late
}

// take returns who waits, and has others wait in the old list.
func (f *flusher) take(old []*Session) []*Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.dirty
	f.dirty = old[:0]
	return taken
}

func flushAll(sessions []*Session) {
	for i, s := range sessions {
		sessions[i] = nil
		s.dirty.Store(false) // before the flush: what comes later marks again
		s.Flush()
	}
}

// waiting returns how many sessions wait to be flushed.
func (f *flusher) waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.dirty)
}
