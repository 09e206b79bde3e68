//go:build unix && ratios

package framework_test

import (
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestTheRatiosToBareGWSHold keeps the speed from rotting. Since it measures it has a
// build tag of its own, and fails only if the best of its rounds is at twice the target.
func TestTheRatiosToBareGWSHold(t *testing.T) {
	for _, c := range contests {
		t.Run(c.name, func(t *testing.T) {
			gws, parlor := c.gws(t), c.parlor(t)
			var ratios []float64
			for range 7 {
				a := cost(gws, c.events)
				b := cost(parlor, c.events)
				ratios = append(ratios, float64(b)/float64(a))
				t.Logf("gws %v, parlor %v an event: %.2f", a, b, float64(b)/float64(a))
			}
			slices.Sort(ratios)
			t.Logf("median %.2f, target %.2f", ratios[len(ratios)/2], c.target)
			if best := ratios[0]; best > 2*c.target {
				t.Errorf("an event costs %.2f of what it costs with bare gws at best, the target is %.2f", best, c.target)
			}
		})
	}
}

// cost is the CPU of an event, clients included.
func cost(round func(), events int) time.Duration {
	const enough = 100 * time.Millisecond
	n, start, used := 0, time.Now(), cpu()
	for time.Since(start) < enough {
		round()
		n += events
	}
	return (cpu() - used) / time.Duration(n)
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
