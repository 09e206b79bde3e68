package framework_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// The TestHostile tests send what no client sends. Each case is a fault of its own with
// the answer that it has to get: status and body, close code, packet, and the reason
// for which a session ends. Two clients that behave are there throughout, and are
// served after each. The tables stand in hostile_*_test.go, one file a group.

// arena is a whole server, two clients that behave, and doors for those who do not.
type arena struct {
	t       *testing.T
	srv     *framework.Server
	dial    func(t *testing.T) net.Conn // from an address of its own choice, see from
	from    net.Addr                    // what the server takes for the client's address; nil for the true one
	good    []behaved
	calls   int
	log     *logBuffer
	gone    chan arenaEnd         // of connections
	left    chan framework.Reason // of sockets in "/"
	ask     chan answer           // what became of the question that "ask" asks
	gate    chan struct{}         // closed when "wait" may go on
	release func()

	beside sync.WaitGroup // what a case does meanwhile

	mu     sync.Mutex
	secret []string      // session ids: nothing may show them
	opened []net.Conn    // by the case that runs
	polls  []*pollClient // likewise

	// What an observer has been told of.
	clients, sockets int
	told             chan struct{}
	observed         chan struct{}
}

// arenaEnd is how a connection came to its end.
type arenaEnd struct {
	reason framework.Reason
	err    error
}

type answer struct {
	args framework.Args
	err  error
}

// arenaSetup is what tests have different.
type arenaSetup struct {
	options framework.Options
	pipes   bool                    // connections in memory, for a synctest bubble
	serve   func(*framework.Server) // more handlers
}

// newArena starts a server as Run does.
func newArena(t *testing.T, setup arenaSetup) *arena {
	t.Helper()
	a := &arena{
		t:    t,
		log:  new(logBuffer),
		gone: make(chan arenaEnd, 10_000),
		left: make(chan framework.Reason, 10_000),
		ask:  make(chan answer, 10_000),
		gate: make(chan struct{}),

		told:     make(chan struct{}, 1),
		observed: make(chan struct{}, 1),
	}
	a.release = sync.OnceFunc(func() { close(a.gate) })
	setup.options.Logger = zerolog.New(a.log).Level(zerolog.InfoLevel)
	a.srv = unhurried(setup.options)
	a.register()
	if setup.serve != nil {
		setup.serve(a.srv)
	}

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", a.srv)
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       120 * time.Second,
		ErrorLog:          log.New(a.log, "", 0),
	}
	listener := a.listen(setup.pipes)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		a.release()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		equal(t, "sessions at the end", a.srv.ClientsCount(), 0)
		_ = server.Close()
		<-served
		a.keepsSecrets(t)
	})

	if setup.options.Parser != nil { // which sockettest's clients do not speak
		a.good = append(a.good, packedClient{a.joinedPacked(t)})
		a.opened = nil // clear is to leave it alone
		return a
	}
	for _, transport := range []string{"websocket", "polling"} {
		client := sockettest.Dial(t, a.srv, sockettest.Options{Transport: transport, Timeout: 20 * time.Second})
		a.good = append(a.good, jsonClient{client.Join("/")})
		a.secret = append(a.secret, client.SID())
	}
	return a
}

// register serves what the cases speak to.
func (a *arena) register() {
	count := func(clients, sockets int) {
		a.mu.Lock()
		a.clients += clients
		a.sockets += sockets
		a.mu.Unlock()
		select {
		case a.told <- struct{}{}:
		default:
		}
	}
	a.srv.Observe(framework.Observer{
		Opened: func(framework.Client) { count(1, 0) },
		Closed: func(_ framework.Client, reason framework.Reason, err error) {
			a.gone <- arenaEnd{reason, err}
			count(-1, 0)
		},
		Connected:    func(*framework.Socket) { count(0, 1) },
		Disconnected: func(*framework.Socket, framework.Reason, error) { count(0, -1) },
		Left: func(_ *framework.Socket, room string) {
			if room == "observed" {
				a.observed <- struct{}{}
			}
		},
	})
	a.srv.On("disconnect", func(r framework.Reason) { a.left <- r })
	a.srv.On("echo", func(args framework.Args) framework.Args { return args })
	a.srv.On("int", func(n int) int { return n })
	a.srv.On("float", func(f float64) float64 { return f })
	a.srv.On("text", func(s string) int { return len(s) })
	a.srv.On("any", func(v any) any { return v })
	a.srv.On("file", func(b []byte) int { return len(b) })
	a.srv.On("raw", func(v json.RawMessage) int { return len(v) })
	a.srv.On("object", func(v struct{ Name string }) string { return v.Name })
	a.srv.On("join", func(s *framework.Socket, room string) error { return s.Join(room) })
	a.srv.On("leave", func(s *framework.Socket, room string) { s.Leave(room) })
	a.srv.On("panic", func() { panic("secret") })
	a.srv.On("wait", func() { <-a.gate })
	a.srv.On("quiz", func(s *framework.Socket, n int) (asked int) {
		for range n {
			if s.Emit("question", func() {}) == nil {
				asked++
			}
		}
		return asked
	})
	a.srv.On("ask", func(s *framework.Socket) {
		args, err := s.EmitWithAck(context.Background(), "question") // a client may never answer, but it goes
		a.ask <- answer{args, err}
	})
	a.srv.Route("/side", func(r *framework.Router) {
		r.On("echo", func(args framework.Args) framework.Args { return args })
	})
	a.srv.Route("/closed", func(r *framework.Router) {
		r.On("connect", func() error { return fmt.Errorf("secret") })
	})
	a.srv.RouteFunc("/job/{id}", func(r *framework.Router, p framework.Params) error {
		if p.Get("id") == "none" {
			return framework.Refuse("no such job")
		}
		r.On("echo", func(args framework.Args) framework.Args { return args })
		return nil
	})
}

// shout sends to a room.
func (a *arena) shout(t *testing.T, room, text string) {
	t.Helper()
	if err := a.srv.To(room).Emit("shouted", text); err != nil {
		t.Error(err)
	}
}

// behaved is a client that does nothing wrong.
type behaved interface {
	echo(t *testing.T, n int)
	beObserved(t *testing.T) // joins the room "observed" and leaves it
}

type jsonClient struct{ *sockettest.Socket }

func (c jsonClient) echo(t *testing.T, n int) {
	t.Helper()
	equal(t, "answer to a client that behaves", c.Call("echo", t.Name(), n).JSON(), fmt.Sprintf("[%q,%d]", t.Name(), n))
}

func (c jsonClient) beObserved(*testing.T) {
	c.Call("join", "observed")
	c.Call("leave", "observed")
}

// healthy has the clients that behave served.
func (a *arena) healthy(t *testing.T) {
	t.Helper()
	a.calls++
	for _, c := range a.good {
		c.echo(t, a.calls)
	}
}

// ended waits for the next connection that ends and returns why it did.
func (a *arena) ended(t *testing.T) arenaEnd {
	t.Helper()
	select {
	case e := <-a.gone:
		return e
	case <-time.After(time.Minute): // in a bubble a ping timeout is to be waited for
		t.Fatal("no connection ended within a minute")
		panic("unreachable")
	}
}

// exceeded is how often clients went beyond a bound.
func (a *arena) exceeded(option string) int { return int(a.srv.Exceeded()[option]) }

// wantEnd checks why the connection ended, and the socket that it had in "/" if it is
// said to have had one.
func (a *arena) wantEnd(t *testing.T, reason framework.Reason, joined bool) {
	t.Helper()
	got := a.ended(t)
	if got.reason != reason {
		t.Errorf("the connection ended with %q (%v), want %q", got.reason, got.err, reason)
	}
	if joined {
		equal(t, "OnDisconnect was told", receive(t, a.left), reason)
	}
}

// clear ends what a case has opened and left open, and waits for that.
func (a *arena) clear(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	opened, polls := a.opened, a.polls
	a.opened, a.polls = nil, nil
	a.mu.Unlock()
	for _, c := range opened {
		_ = c.Close()
	}
	for _, p := range polls {
		p.leave()
	}
	a.beside.Wait()
	a.settle(t)
}

// settle waits until only the clients that behave are left, in what observers are told
// too: what comes late would be taken for the next case's.
func (a *arena) settle(t *testing.T) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !a.settled(t) {
		select {
		case <-a.told:
		case <-deadline:
			t.Fatalf("%d clients are left, want %d", a.srv.ClientsCount(), len(a.good))
		}
	}
	for len(a.gone)+len(a.left) > 0 {
		select {
		case <-a.gone:
		case <-a.left:
		}
	}
}

func (a *arena) settled(t *testing.T) bool {
	t.Helper()
	if a.srv.ClientsCount() > len(a.good) {
		return false
	}
	// Who hears of this room has heard of all that was opened before.
	a.good[0].beObserved(t)
	receive(t, a.observed)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.clients == len(a.good) && a.sockets == len(a.good)
}

// hides notes a session id, which nobody but its client is to see.
func (a *arena) hides(sid string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secret = append(a.secret, sid)
}

// polled notes a session, so that clear can end it.
func (a *arena) polled(p *pollClient) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.polls = append(a.polls, p)
}

func (a *arena) keepsSecrets(t *testing.T) {
	t.Helper()
	lines := a.log.String()
	for _, sid := range a.secret {
		if strings.Contains(lines, sid) {
			t.Errorf("the log has the session id %s in full", sid)
		}
	}
}

// hostileTables are the names of all cases, by group.
var hostileTables = map[string]func() []string{}

func TestHostileCasesAreManyAndDistinct(t *testing.T) {
	seen := make(map[string]string)
	for group, names := range hostileTables {
		list := names()
		t.Logf("%s: %d cases", group, len(list))
		for _, name := range list {
			if other, ok := seen[name]; ok {
				t.Errorf("%q is in %s and in %s", name, group, other)
			}
			seen[name] = group
		}
	}
	if len(seen) < 150 {
		t.Errorf("got %d cases, want 150 at least", len(seen))
	}
}

// names lists the cases of a table.
func names[T any](table []T, name func(T) string) func() []string {
	return func() []string {
		list := make([]string, len(table))
		for i, c := range table {
			list[i] = name(c)
		}
		return list
	}
}
