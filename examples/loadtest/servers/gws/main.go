// Command gws is the limit of the comparison: gws alone on net/http, with just
// enough of Socket.IO, written by hand, for the generator's checks to pass. It
// decodes no JSON, checks nothing, and writes each message with a call of its
// own; a framework has more to do.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	_ "net/http/pprof" // on http.DefaultServeMux
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"

	"github.com/parlor-go/parlor/examples/loadtest/internal/selfsigned"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "where to listen")
	ping := flag.Duration("ping", 25*time.Second, "the interval of the heartbeat")
	secure := flag.Bool("tls", false, "serve TLS, with a certificate made for this run")
	timeout := flag.Duration("ping-timeout", 20*time.Second, "what clients are told of it; nobody looks")
	flag.Parse()
	s := newServer(*ping, *timeout)
	go s.heartbeat(context.Background())
	if err := serve(*addr, *secure, s.handler()); err != nil {
		log.Fatal(err)
	}
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

// server accepts clients: over WebSocket (events.go) and polling (polling.go).
type server struct {
	ping     time.Duration
	timeout  time.Duration
	lastID   atomic.Int64
	upgrader *gws.Upgrader
	rooms    *rooms
	polls    *polls
}

func newServer(ping, timeout time.Duration) *server {
	s := &server{ping: ping, timeout: timeout, rooms: newRooms(), polls: newPolls()}
	s.upgrader = gws.NewUpgrader(&events{server: s}, nil)
	return s
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/socket.io/", s.engine)
	mux.HandleFunc("/debug/goroutines", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, runtime.NumGoroutine())
	})
	mux.Handle("/debug/pprof/", http.DefaultServeMux)
	return mux
}

func (s *server) engine(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		s.polling(w, r)
		return
	}
	if conn, err := s.upgrader.Upgrade(w, r); err == nil {
		// Not here: net/http's stack and buffers for the request could not go.
		go conn.ReadLoop()
	}
}

// open is Engine.IO's greeting.
func (s *server) open(sid string) string {
	return fmt.Sprintf(`0{"sid":"%s","upgrades":[],"pingInterval":%d,"pingTimeout":%d,"maxPayload":1000000}`,
		sid, s.ping.Milliseconds(), s.timeout.Milliseconds())
}

func (s *server) newID() string { return strconv.FormatInt(s.lastID.Add(1), 10) }

// heartbeat pings everybody at once. A client that does not answer is never
// noticed, which makes this cheaper than what a real server has to do.
func (s *server) heartbeat(ctx context.Context) {
	ticker := time.NewTicker(s.ping)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.rooms.broadcast(everybody, []byte("2"))
		case <-ctx.Done():
			return
		}
	}
}
