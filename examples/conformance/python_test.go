package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
)

// Python's clients, Debian's release and the newest, the synchronous one and that of
// asyncio, over each way to connect. What a scenario does stands in
// testdata/interop/python; one process runs them all, for its start takes longest.

var pythons = []testclients.Python{testclients.Debian, testclients.PyPI}

// forEachPython runs test with each of them.
func forEachPython(t *testing.T, test func(t *testing.T, python testclients.Python, mode, kind string)) {
	for _, python := range pythons {
		for _, kind := range []string{"sync", "async"} {
			for _, mode := range []string{"websocket", "polling", "upgrade"} {
				t.Run(string(python)+"/"+kind+"/"+mode, func(t *testing.T) { test(t, python, mode, kind) })
			}
		}
	}
}

func TestPythonClients(t *testing.T) {
	forEachPython(t, func(t *testing.T, python testclients.Python, mode, kind string) {
		scenarios := []string{"connect", "events", "binary", "acks", "rooms", "namespaces", "disconnect"}
		if python == testclients.PyPI {
			scenarios = append(scenarios, "newest")
		}
		url := serveInterop(t, newListener(t, "127.0.0.1:0"))
		python.Run(t, "run.py", append([]string{url, mode, kind}, scenarios...)...)
	})
}

func TestPythonClientsReconnectAfterARestart(t *testing.T) {
	forEachPython(t, func(t *testing.T, python testclients.Python, mode, kind string) {
		listener := newListener(t, "127.0.0.1:0")
		addr := listener.Addr().String()
		old := newInterop()
		stop := serveOn(t, listener, old)

		script := python.Start(t, "run.py", "http://"+addr, mode, kind, "reconnect")
		script.Await("connected")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := old.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		stop()
		script.Await("lost")
		serveInterop(t, newListener(t, addr))
		script.Finish()
	})
}

// OnAsk asks the client, and tells its answer to the same client in "/".
func (r *room) OnAsk(s *framework.Socket, args framework.Args) error {
	main, ok := s.Of("/")
	if !ok {
		return errors.New("not in /")
	}
	return s.Emit("question", args, func(answer framework.Args) error { return main.Emit("answered", answer) })
}
