package sockettest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Main is a TestMain: it runs the tests, and fails if a goroutine of parlor's
// outlives them, which is to say a client or a server that nothing ended.
//
//	func TestMain(m *testing.M) { sockettest.Main(m) }
//
// m is a *testing.M, or something around one.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if left := leaked(time.Now().Add(5 * time.Second)); left != "" && code == 0 {
		fmt.Fprintf(os.Stderr, "sockettest: goroutines outlive the tests:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leaked returns the stacks of goroutines in parlor's code, but for the caller's,
// once they have had until deadline to end.
func leaked(deadline time.Time) string {
	for {
		buf := make([]byte, 1<<20)
		stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
		var left []string
		for _, stack := range stacks[1:] {
			if strings.Contains(stack, "parlor-go/parlor") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
		runtime.Gosched()
	}
}
