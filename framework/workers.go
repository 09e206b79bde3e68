package framework

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"time"
)

// workers runs jobs, mostly sockets that have something queued. A worker that is
// done parks and is used again, so that its stack, grown under a JSON decoder, is
// used again too; a fresh goroutine for each burst costs half as much again. There
// are as many workers as jobs at once. Parked ones end after a quiet
// while, and with the last connection.
type workers struct {
	mu     sync.Mutex
	parked []*worker // last in, first out
	spare  int       // the fewest parked since the last trim: these were not needed
	trim   *time.Timer
	busy   int
	idle   chan struct{} // closed when busy falls to 0; nil unless somebody waits
	closed bool          // no connection: nobody parks

	escaped func(v any) // is told of a panic that nobody stopped
}

// job is what a worker does: a socket's queue, for one. If it ends the goroutine it is
// given to another worker, to do the rest.
type job interface{ work() }

// worker is a parked goroutine's doorbell. A nil job ends it.
type worker struct{ next chan job }

const trimAfter = time.Second

// run has a worker do j, which must not be with one already.
func (w *workers) run(j job) {
	w.mu.Lock()
	w.busy++
	n := len(w.parked)
	if n == 0 {
		w.mu.Unlock()
		go w.work(&worker{next: make(chan job, 1)}, j)
		return
	}
	parked := w.parked[n-1]
	w.parked[n-1] = nil
	w.parked = w.parked[:n-1]
	w.spare = min(w.spare, n-1)
	w.mu.Unlock()
	parked.next <- j
}

func (w *workers) work(self *worker, j job) {
	returned := false
	defer func() {
		// A handler that calls runtime.Goexit ends this goroutine, not the queue.
		if !returned {
			go w.work(&worker{next: make(chan job, 1)}, j)
		}
	}()
	defer func() {
		if v := recover(); v != nil { // from what is not a handler: a logger's hook, say
			w.escaped(v)
		}
	}()
	for j != nil {
		j.work()
		if !w.park(self) {
			break
		}
		j = <-self.next
	}
	returned = true
}

// park puts a worker aside, or tells it to end.
func (w *workers) park(self *worker) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	if w.busy == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
	if w.closed {
		return false
	}
	w.parked = append(w.parked, self)
	if w.trim == nil {
		w.spare = 0
		w.trim = time.AfterFunc(trimAfter, w.trimSpare)
	}
	return true
}

// trimSpare ends the workers that were parked all the while.
func (w *workers) trimSpare() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.trim == nil {
		return
	}
	w.end(w.spare)
	w.spare = len(w.parked)
	if w.spare == 0 {
		w.trim = nil
		return
	}
	w.trim.Reset(trimAfter)
}

// end ends the n workers that have been parked longest.
func (w *workers) end(n int) {
	for _, parked := range w.parked[:n] {
		parked.next <- nil
	}
	w.parked = append(w.parked[:0], w.parked[n:]...)
}

// open and close follow the first and the last connection.
func (w *workers) open() {
	w.mu.Lock()
	w.closed = false
	w.mu.Unlock()
}

func (w *workers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.end(len(w.parked))
	if w.trim != nil {
		w.trim.Stop()
		w.trim = nil
	}
}

// wait returns when no socket has anything queued or running, or with ctx's
// error.
func (w *workers) wait(ctx context.Context) error {
	w.mu.Lock()
	if w.busy == 0 {
		w.mu.Unlock()
		return nil
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// userFrames are the functions below which the framework's goroutines run what a user
// gave it: handlers, observers, and handlers of other servers' events.
var userFrames = []string{"framework.(*workers).work", "framework.(*feed).tell", "framework.(*serverSideHandler).serve"}

// onWorker tells whether the calling goroutine is the framework's, which is to say
// inside a handler or an observer.
func onWorker() bool {
	var pcs [64]uintptr
	for skip := 1; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for {
			frame, more := frames.Next()
			for _, f := range userFrames {
				if strings.HasSuffix(frame.Function, f) {
					return true
				}
			}
			if !more {
				break
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}
