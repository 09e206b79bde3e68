package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/parser/msgpack"
)

// The official client with the parser socket.io-msgpack-parser: what it does with the
// built-in one, and what is only there to be seen with this.
func TestJavaScriptClientWithMessagePack(t *testing.T) {
	scenarios := []string{"msgpack", "connect", "events", "binary", "acks", "rooms", "namespaces", "disconnect"}
	for _, mode := range []string{"websocket", "polling", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			for _, name := range scenarios {
				t.Run(name, func(t *testing.T) {
					url := serveServer(t, newListener(t, "127.0.0.1:0"), newMessagePack())
					testclients.Run(t, name+".mjs", url, mode, "socket.io-msgpack-parser")
				})
			}
		})
	}
}

func TestJavaScriptClientWithMessagePackLosesNothingInTheUpgrade(t *testing.T) {
	url := serveServer(t, newListener(t, "127.0.0.1:0"), newMessagePack())
	testclients.Run(t, "upgrade.mjs", url, "upgrade", "socket.io-msgpack-parser")
}

func newMessagePack() *framework.Server {
	srv := newInteropWith(framework.Options{Parser: msgpack.Parser{}})
	srv.On("later by", func(at time.Time, ms int) time.Time {
		return at.Add(time.Duration(ms) * time.Millisecond)
	})
	srv.On("add", func(a, b int64) string { return fmt.Sprint(a + b) })
	return srv
}

func TestPythonClientsWithMessagePack(t *testing.T) {
	for _, python := range pythons {
		for _, mode := range []string{"websocket", "polling", "upgrade"} {
			t.Run(string(python)+"/"+mode, func(t *testing.T) {
				url := serveServer(t, newListener(t, "127.0.0.1:0"), newMessagePack())
				python.Run(t, "messagepack.py", url, mode)
			})
		}
	}
}
