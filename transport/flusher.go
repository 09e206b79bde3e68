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
	var dirty, late []*Session
	for {
		select {
		case <-stop:
			return
		case <-f.wake:
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
