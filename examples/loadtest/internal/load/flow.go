package load

import (
	"sync/atomic"

	"github.com/parlor-go/parlor/examples/internal/histogram"
)

// flow counts the events of a run: those that may still begin, those under way,
// those answered. It is safe for concurrent use.
type flow struct {
	left     atomic.Int64 // may still begin
	underway atomic.Int64
	answered atomic.Int64 // what a second is counted in: answers, or deliveries
	latency  histogram.Histogram
	drained  chan struct{} // closed once nothing is under way and nothing more begins
	closed   atomic.Bool
	failure  chan error // the first
}

// newFlow allows that many events in all; 0 is no bound.
func newFlow(events int64) *flow {
	f := &flow{drained: make(chan struct{}), failure: make(chan error, 1)}
	if events == 0 {
		events = 1 << 62
	}
	f.left.Store(events)
	return f
}

// begin tells whether one more event may be sent.
func (f *flow) begin() bool {
	f.underway.Add(1) // before the look at left, so that drained waits for it
	if f.left.Add(-1) >= 0 {
		return true
	}
	f.end()
	return false
}

// end is called once for each event that began.
func (f *flow) end() {
	if f.underway.Add(-1) == 0 && f.left.Load() <= 0 && f.closed.CompareAndSwap(false, true) {
		close(f.drained)
	}
}

// stop lets no more events begin.
func (f *flow) stop() {
	f.underway.Add(1)
	f.left.Store(0)
	f.end()
}

// fail ends the run. Only the first failure counts: it causes the others.
func (f *flow) fail(err error) {
	select {
	case f.failure <- err:
	default:
	}
}
