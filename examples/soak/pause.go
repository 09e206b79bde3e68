package main

import (
	"sync/atomic"
	"time"
)

// pauses tells for how long a process could not run: what a machine that is busy with
// other things does to both sides, and to every figure. It is safe for concurrent use.
type pauses struct{ longest atomic.Int64 }

// watch runs until stop is closed.
func (p *pauses) watch(stop <-chan struct{}) {
	const every = 50 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		now := time.Now()
		p.longest.Store(max(p.longest.Load(), int64(now.Sub(last)-every)))
		last = now
	}
}

func (p *pauses) load() time.Duration { return time.Duration(p.longest.Load()) }
