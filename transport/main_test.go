package transport

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails when tests leave goroutines of the engine behind.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if stacks := leaked(20 * time.Second); stacks != "" {
			fmt.Fprintf(os.Stderr, "leaked goroutines:\n%s\n", stacks)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked returns the stacks of goroutines that are in this package, once patience
// has run out; they may just be leaving.
func leaked(patience time.Duration) string {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		stacks := ownGoroutines()
		if stacks == "" {
			return ""
		}
		select {
		case <-deadline.C:
			return stacks
		case <-retry.C:
		}
	}
}

func ownGoroutines() string {
	buf := make([]byte, 4<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var own []string
	for i, stack := range strings.Split(string(buf), "\n\n") {
		// The first is the one that asks.
		if i > 0 && strings.Contains(stack, "parlor/transport") {
			own = append(own, stack)
		}
	}
	return strings.Join(own, "\n\n")
}
