package framework

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestAQueueHasOneWorkerAtATime pushes while workers come and go.
func TestAQueueHasOneWorkerAtATime(t *testing.T) {
	const tasks = 20_000
	var q queue
	var inside, served atomic.Int64
	var workers sync.WaitGroup
	work := func() {
		for q.pop(false) != nil {
			if inside.Add(1) > 1 {
				t.Error("two workers in one queue")
			}
			served.Add(1)
			inside.Add(-1)
		}
	}
	for i := range tasks {
		if q.push(&task{}) {
			workers.Go(work)
		}
		if i%3 == 0 {
			runtime.Gosched() // the queue runs empty
		}
	}
	workers.Wait()
	if got := served.Load(); got != tasks {
		t.Errorf("%d of %d tasks were served", got, tasks)
	}
}
