package middleware_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

// lines is a log that tests read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// with returns the lines whose field has the value.
func (l *lines) with(t *testing.T, field string, value any) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any
	for _, text := range strings.Split(strings.TrimSpace(l.buf.String()), "\n") {
		if text == "" {
			continue
		}
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("log line %s: %v", text, err)
		}
		if line[field] == value {
			found = append(found, line)
		}
	}
	return found
}

// newServer makes a server that logs from the level on.
func newServer(level zerolog.Level) (*framework.Server, *lines) {
	log := new(lines)
	return framework.New(framework.Options{
		Logger:    zerolog.New(log).Level(level),
		Transport: transport.Options{MaxDelay: -1}, // however late a busy machine makes it
	}), log
}
