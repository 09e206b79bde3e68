// Command conformance is the server that the official test suites of the
// Engine.IO and Socket.IO protocols run against. See docs/conformance.md.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	addr := "127.0.0.1:" + port
	fmt.Println("for the protocol suites: http://" + addr)

	engine, server := newServers()
	// Its pending polls would keep the HTTP server from ending.
	context.AfterFunc(ctx, func() { _ = engine.Shutdown(context.Background()) })
	return server.Run(ctx, addr, app(engine))
}

// app holds what the suites want beside /socket.io/.
func app(engine *transport.Engine) http.Handler {
	r := chi.NewRouter()
	r.Mount("/engine.io", engine)
	return r
}

// newServers makes the two ends under test: Engine.IO alone, and Socket.IO. The
// settings are those that both protocol documents prescribe for the suites.
func newServers() (*transport.Engine, *framework.Server) {
	opts := transport.Options{
		PingInterval: 300 * time.Millisecond,
		PingTimeout:  200 * time.Millisecond,
		MaxPayload:   1e6,
		Origins:      []string{"*"}, // the suites also run in a browser, from a file
		AllowEIO3:    true,          // for the suite of Engine.IO v3
	}
	engine := transport.New(opts, func(s *transport.Session, r *http.Request) transport.Handler {
		return echo{s}
	})
	server := framework.New(framework.Options{Transport: opts, ConnectTimeout: time.Second})
	server.Register("/", &Main{})
	server.Register("/custom", &Custom{})
	return engine, server
}

// echo sends every message back as it came.
type echo struct{ session *transport.Session }

func (e echo) Message(data []byte, binary bool) {
	m := transport.NewMessage(data)
	if binary {
		m = transport.NewMessage(nil, data)
	}
	_ = e.session.Send(m) // fails when the client has gone, which is no matter here
}

func (echo) Closed(transport.Reason, error) {}

// Custom tells each client what it authenticated with.
type Custom struct{ framework.Namespace }

func (c *Custom) OnConnect(s *framework.Socket) error {
	if s.Auth().Len() == 0 {
		return s.Emit("auth", struct{}{})
	}
	return s.Emit("auth", s.Auth())
}

// Main also answers: by an event, and by an acknowledgement.
type Main struct{ Custom }

func (m *Main) OnMessage(s *framework.Socket, args framework.Args) error {
	return s.Emit("message-back", args)
}

func (m *Main) Routes(r *framework.Router) {
	r.On("message-with-ack", func(args framework.Args) framework.Args { return args })
}
