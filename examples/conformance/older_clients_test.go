package main

import (
	"net"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// The same scenarios with clients of before: 4.0 and 3.1 speak the protocols of
// today, 2.5 speaks Engine.IO 3 and Socket.IO 4.

func TestOlderJavaScriptClients(t *testing.T) {
	modern := []string{"connect", "events", "binary", "acks", "rooms", "namespaces", "disconnect", "upgrade"}
	clients := []struct {
		name      string
		scenarios []string
	}{
		{"socket.io-client-4.0", modern},
		{"socket.io-client-3", modern},
		{"socket.io-client-2", []string{"connect-v2", "events", "binary", "acks", "rooms", "disconnect", "upgrade"}},
	}
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			for _, mode := range []string{"websocket", "polling", "upgrade"} {
				for _, name := range client.scenarios {
					if name == "upgrade" && mode != "upgrade" {
						continue
					}
					t.Run(mode+"/"+name, func(t *testing.T) {
						url := serveInterop(t, newListener(t, "127.0.0.1:0"))
						testclients.Run(t, name+".mjs", url, mode, "", client.name)
					})
				}
			}
		})
	}
}

func TestOlderJavaScriptClientsReconnectAfterARestart(t *testing.T) {
	for _, client := range []string{"socket.io-client-3", "socket.io-client-2"} {
		t.Run(client, func(t *testing.T) { reconnectAfterARestart(t, client) })
	}
}

func TestEngineIO3IsRefusedUnlessAllowed(t *testing.T) {
	for _, mode := range []string{"websocket", "polling"} {
		t.Run(mode, func(t *testing.T) {
			url := serveServer(t, newListener(t, "127.0.0.1:0"), framework.New(framework.Options{Logger: zerolog.Nop()}))
			testclients.Run(t, "refused-v2.mjs", url, mode, "", "socket.io-client-2")
		})
	}
}

func TestOlderJavaScriptClientsInABrowser(t *testing.T) {
	listener := newListener(t, "127.0.0.1:0")
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	url := serveServer(t, listener, newInterop())
	open := serveServer(t, newListener(t, "127.0.0.1:0"), newInteropWith(framework.Options{Transport: transport.Options{
		AllowEIO3:        true,
		Origins:          []string{"http://localhost:" + port},
		AllowCredentials: true,
	}}))
	testclients.RunBrowser(t, "browser-v2.mjs", url, open)
}
