package framework_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(withExamples{m}) }

// withExamples ends what the examples have opened, which have no testing.TB.
type withExamples struct{ *testing.M }

func (m withExamples) Run() int {
	code := m.M.Run()
	for i := len(exampleCleanups) - 1; i >= 0; i-- {
		exampleCleanups[i]()
	}
	return code
}

// logBuffer collects log lines from any goroutine.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// unhurried makes a server that takes clients however late a busy machine makes it: by
// default it refuses them for a while when it has stood still for a second.
func unhurried(opts framework.Options) *framework.Server {
	if opts.Transport.MaxDelay == 0 {
		opts.Transport.MaxDelay = -1
	}
	return framework.New(opts)
}

// quiet makes a server that logs nothing.
func quiet() *framework.Server { return unhurried(framework.Options{Logger: zerolog.Nop()}) }

// logged makes a server that logs everything to the buffer.
func logged() (*framework.Server, *logBuffer) {
	var buf logBuffer
	return unhurried(framework.Options{Logger: zerolog.New(&buf)}), &buf
}

// receive waits for a value that a handler sends to the test.
func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came from the server within a minute")
		panic("unreachable")
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
