package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// serverOptions are what the server's process is told.
type serverOptions struct {
	Ping     time.Duration // interval
	Timeout  time.Duration // of pings
	Patience time.Duration // of every other deadline that a client may run into
	Keep     time.Duration // Recovery.MaxDisconnection

	MaxSessions int   // 0 is the default
	MaxBuffered int64 // bytes
}

func (o serverOptions) framework(t *tally) framework.Options {
	return framework.Options{
		Transport: transport.Options{
			PingInterval: o.Ping, PingTimeout: o.Timeout,
			UpgradeTimeout: o.Patience, WriteTimeout: 2 * o.Patience,
			MaxSendBuffer: sendBound, MaxSessions: o.MaxSessions, MaxBuffered: o.MaxBuffered,
		},
		ConnectTimeout: o.Patience, AttachmentTimeout: o.Patience,
		Recovery: framework.Recovery{MaxDisconnection: o.Keep, MaxLog: logBound},
		Logger:   zerolog.New(os.Stderr).Level(zerolog.ErrorLevel).Hook(t),
	}
}

const (
	sendBound   = 1 << 20  // of one client
	logBound    = 8 << 20  // of one namespace
	bufferBound = 64 << 20 // of all clients
)

// lobby is "/", and each "/job/{id}": what concerns one client alone.
type lobby struct {
	framework.Namespace
	tally *tally
}

func (l *lobby) OnConnect(s *framework.Socket)                             { l.tally.came(s) }
func (l *lobby) OnDisconnect(s *framework.Socket, reason framework.Reason) { l.tally.went(s, reason) }
func (l *lobby) OnEcho(v json.RawMessage) json.RawMessage                  { return v }
func (l *lobby) OnBlob(b []byte) []byte                                    { return b }

// OnAsk passes the client's question back to it, and its answer on: acks both ways.
func (l *lobby) OnAsk(ctx context.Context, s *framework.Socket, n int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, ackPatience-5*time.Second)
	defer cancel()
	return framework.Call[int](ctx, s, "question", n)
}

// chat is "/chat", and "/heavy": rooms whose messages are numbered.
type chat struct {
	framework.Namespace
	tally *tally
	mu    sync.Mutex
	rooms map[string]*room
}

// room numbers what is said in it. Its mutex is held from the number to the end of the
// emit, and over joining and leaving: so each member knows what it has to get.
type room struct {
	mu  sync.Mutex
	seq int64
}

func (c *chat) room(name string) *room {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rooms[name]
	if r == nil {
		r = &room{}
		c.rooms[name] = r
	}
	return r
}

// said is how many messages of its own a connected client has sent.
var said = framework.NewKey[int64]("said")

func (c *chat) OnConnect(s *framework.Socket) {
	said.Set(s, 0)
	c.tally.came(s)
}

func (c *chat) OnDisconnect(s *framework.Socket, reason framework.Reason) { c.tally.went(s, reason) }

// OnJoin answers with the number of the last message that the client does not get.
func (c *chat) OnJoin(s *framework.Socket, name string) (int64, error) {
	r := c.room(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seq, s.Join(name)
}

// OnLeave answers with the number of the last message that the client does get.
func (c *chat) OnLeave(s *framework.Socket, name string) int64 {
	r := c.room(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Leave(name)
	return r.seq
}

// OnSay tells the room. n counts the client's own messages.
func (c *chat) OnSay(s *framework.Socket, name string, n int64, text string) (int64, error) {
	if before, _ := said.Get(s); n != before+1 {
		c.tally.outOfTurn.Add(1)
	}
	said.Set(s, n)
	return c.say(name, text)
}

func (c *chat) say(name, text string) (int64, error) {
	r := c.room(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	return r.seq, c.To(name).Emit("said", name, r.seq, text)
}

// OnFlood tells the room much, at once.
func (c *chat) OnFlood(name string, count, size int) error {
	text := fmt.Sprintf("%0*d", min(size, floodSize), 0)
	for range min(count, 1000) {
		if _, err := c.say(name, text); err != nil {
			return err
		}
	}
	return nil
}

// OnFill tells the client much.
func (c *chat) OnFill(s *framework.Socket, count, size int) error {
	text := fmt.Sprintf("%0*d", min(size, floodSize), 0)
	for range min(count, 1000) {
		if err := s.Emit("filled", text); err != nil {
			return err
		}
	}
	return nil
}

// newHandler is the server under soak, and what it tells about itself.
func newHandler(o serverOptions, t *tally) (http.Handler, *framework.Server) {
	srv := framework.New(o.framework(t))
	srv.Register("/", &lobby{tally: t})
	for _, path := range []string{"/chat", "/heavy"} {
		srv.Register(path, &chat{tally: t, rooms: map[string]*room{}})
	}
	srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) { return &lobby{tally: t}, nil })
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	r.Get("/stats", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(t.stats(srv, r.URL.Query().Has("gc"))) // who has gone needs no answer
	})
	return r, srv
}

// serve is the server's process. It writes its address to out and ends when in does.
func serve(config string, in io.Reader, out io.Writer) error {
	var o serverOptions
	if err := json.Unmarshal([]byte(config), &o); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	t := newTally()
	stop := make(chan struct{})
	go t.pauses.watch(stop)
	h, srv := newHandler(o, t)
	web := &http.Server{Handler: h, ReadHeaderTimeout: 2 * o.Patience, IdleTimeout: 2 * o.Patience}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(stop)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(ctx) // whoever is left is closed
		_ = web.Close()
	}()
	fmt.Fprintln(out, l.Addr())
	if err := web.Serve(smallBuffers{l}); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// smallBuffers has the kernel keep little for each client, so that what a stalled one is
// owed waits in the server.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		_ = conn.(*net.TCPConn).SetWriteBuffer(64 << 10) // it is a wish
	}
	return conn, err
}
