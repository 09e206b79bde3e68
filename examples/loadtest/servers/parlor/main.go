// Command parlor is the server of the comparison that is written with parlor,
// as an application would be.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	_ "net/http/pprof" // on http.DefaultServeMux
	"runtime"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/loadtest/internal/selfsigned"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// Echoed is the argument of an echo.
type Echoed struct {
	Room   string  `json:"room"`
	Count  int     `json:"count"`
	Ratio  float64 `json:"ratio"`
	Urgent bool    `json:"urgent"`
}

// Load serves the events of the load generator.
type Load struct{ framework.Namespace }

func (l *Load) OnEcho(v Echoed) Echoed                      { return v }
func (l *Load) OnRaw(v json.RawMessage) json.RawMessage     { return v }
func (l *Load) OnBinary(b []byte) []byte                    { return b }
func (l *Load) OnBroadcast(v json.RawMessage) error         { return l.Send(v) }
func (l *Load) OnRoom(room string, v json.RawMessage) error { return l.To(room).Send(v) }

func (l *Load) OnJoin(s *framework.Socket, room string) string {
	s.Join(room)
	return room
}

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "where to listen")
	ping := flag.Duration("ping", 25*time.Second, "the interval of the heartbeat")
	secure := flag.Bool("tls", false, "serve TLS, with a certificate made for this run")
	timeout := flag.Duration("ping-timeout", 20*time.Second, "how long a client may take to answer it")
	flag.Parse()
	if err := serve(*addr, *secure, newHandler(newServer(*ping, *timeout))); err != nil {
		log.Fatal(err)
	}
}

func newServer(ping, timeout time.Duration) *framework.Server {
	srv := framework.New(framework.Options{
		Transport: transport.Options{
			PingInterval: ping, PingTimeout: timeout,
			// What is measured is how it gets slower, not that clients are refused.
			MaxSessions: -1, HandshakeRate: -1, MaxDelay: -1, MaxBuffered: -1,
		},
		Logger: zerolog.Nop(),
	})
	srv.Register("/", &Load{})
	return srv
}

func newHandler(srv *framework.Server) http.Handler {
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	r.Get("/debug/goroutines", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, runtime.NumGoroutine())
	})
	r.Handle("/debug/pprof/*", http.DefaultServeMux)
	return r
}

func serve(addr string, secure bool, h http.Handler) error {
	server := &http.Server{Addr: addr, Handler: h}
	if !secure {
		return server.ListenAndServe()
	}
	config, err := selfsigned.Config()
	if err != nil {
		return err
	}
	server.TLSConfig = config
	return server.ListenAndServeTLS("", "")
}
