package histogram

import (
	"testing"
	"time"
)

func TestQuantilesAreNearTheCountedDurations(t *testing.T) {
	var h Histogram
	for i := range 1000 {
		h.Add(time.Duration(i+1) * time.Millisecond)
	}
	before := h.Snapshot()
	h.Add(time.Hour)
	for _, tt := range []struct {
		q    float64
		want time.Duration
	}{{0, time.Millisecond}, {0.5, 500 * time.Millisecond}, {0.99, 990 * time.Millisecond}, {1, time.Second}} {
		got := before.Quantile(tt.q)
		if got < tt.want*96/100 || got > tt.want*104/100 {
			t.Errorf("quantile %v: got %v, want about %v", tt.q, got, tt.want)
		}
	}
	if got := h.Snapshot().Minus(before).Quantile(0.5); got < 57*time.Minute {
		t.Errorf("of what came later: got %v, want about an hour", got)
	}
	if got := new(Counts).Quantile(0.5); got != 0 {
		t.Errorf("of nothing: got %v, want 0", got)
	}
}

func TestBucketsFollowEachOther(t *testing.T) {
	for i := range buckets - 1 {
		if got := bucket(middle(i)); got != i {
			t.Errorf("bucket of the middle of %d (%v): got %d", i, middle(i), got)
		}
	}
}
