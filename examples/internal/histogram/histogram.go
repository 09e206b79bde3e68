// Package histogram counts durations, for quantiles.
package histogram

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A Histogram counts durations in buckets about 3 % wide: 32 to each doubling of
// a microsecond (1,024 ns). It is safe for concurrent use.
type Histogram [buckets]atomic.Uint64

const (
	perDoubling = 32
	buckets     = perDoubling * 32
)

// Counts are those of a moment, or between two.
type Counts [buckets]uint64

// Add counts d.
func (h *Histogram) Add(d time.Duration) { h[bucket(d)].Add(1) }

func bucket(d time.Duration) int {
	v := uint64(max(d, 0)) >> 10
	if v < perDoubling {
		return int(v)
	}
	doublings := bits.Len64(v) - bits.Len64(perDoubling)
	return min((doublings+1)*perDoubling+int(v>>doublings)-perDoubling, buckets-1)
}

// middle is a duration in the middle of bucket i.
func middle(i int) time.Duration {
	if i < perDoubling {
		return time.Duration(i)<<10 + 512
	}
	doublings := i/perDoubling - 1
	low := uint64(i%perDoubling+perDoubling) << doublings
	return time.Duration((low<<1 + 1<<doublings) << 9)
}

// Snapshot is what has been counted so far.
func (h *Histogram) Snapshot() *Counts {
	c := new(Counts)
	for i := range h {
		c[i] = h[i].Load()
	}
	return c
}

// Minus is what was counted since before.
func (c *Counts) Minus(before *Counts) *Counts {
	d := new(Counts)
	for i := range c {
		d[i] = c[i] - before[i]
	}
	return d
}

// Quantile is the duration that the share q of the counted ones does not exceed;
// 0 if none was counted.
func (c *Counts) Quantile(q float64) time.Duration {
	var total uint64
	for _, n := range c {
		total += n
	}
	if total == 0 {
		return 0
	}
	rank, seen := uint64(q*float64(total-1)), uint64(0)
	for i, n := range c {
		if seen += n; seen > rank {
			return middle(i)
		}
	}
	return middle(buckets - 1)
}
