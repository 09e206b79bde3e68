package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/parser/msgpack"
)

// The JavaScript client behind a network that fails: it has its session again, and
// exactly what it missed.
func TestJavaScriptClientRecovers(t *testing.T) {
	news := func(srv *framework.Server, n int, _ <-chan struct{}) error { return srv.Emit("news", n) }
	packed := framework.Options{Parser: msgpack.Parser{}}
	scenarios := []struct {
		name   string
		before []send // what comes before the first cut
		half   bool   // the server is not told of the cuts
		opts   framework.Options
		parser string
	}{
		{name: "after an event", before: []send{news}},
		{name: "after nothing"},
		{name: "after volatile events only", before: []send{volatile}},
		{name: "before the server notices", before: []send{news}, half: true},
		{name: "with MessagePack", before: []send{volatile}, opts: packed, parser: "socket.io-msgpack-parser"},
	}
	for _, mode := range []string{"websocket", "polling", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			for _, s := range scenarios {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					script := func(url string, args ...string) *testclients.Script {
						return testclients.Start(t, "recovery.mjs", append([]string{url, mode, s.parser, "socket.io-client"}, args...)...)
					}
					recoverInRounds(t, newRecovering(s.opts), script, s.before, s.half)
				})
			}
		})
	}
}

// send emits the event with number n, until the client has told that it came.
type send func(srv *framework.Server, n int, came <-chan struct{}) error

// volatile emits again and again: what is volatile may be dropped. The client ignores
// that it comes more than once.
func volatile(srv *framework.Server, n int, came <-chan struct{}) error {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		if err := srv.Of("/").Volatile().Emit("volatile", n, "text"); err != nil {
			return err
		}
		select {
		case <-came:
			return nil
		case <-again.C:
		}
	}
}

func recoverInRounds(t *testing.T, srv *framework.Server, start func(string, ...string) *testclients.Script, before []send, half bool) {
	t.Helper()
	const rounds = 2
	network := newCable(t, serveServer(t, newListener(t, "127.0.0.1:0"), srv))
	script := start(network.url(), strconv.Itoa(rounds), strconv.Itoa(len(before)))
	n := 0
	next := func() int { n++; return n }
	for round := 1; round <= rounds; round++ {
		script.Await(fmt.Sprintf("ready %d", round))
		var sending sync.WaitGroup
		came := make(chan struct{})
		for _, send := range before {
			n := next()
			sending.Go(func() {
				if err := send(srv, n, came); err != nil {
					t.Error(err)
				}
			})
		}
		before = nil
		script.Await(fmt.Sprintf("cut %d", round))
		close(came)
		sending.Wait()

		network.cut(half)
		room := srv.To("room")
		err := errors.Join(
			srv.Emit("news", next(), "x"),
			room.Emit("room", next()),
			srv.To("elsewhere").Emit("not for the client", 0),
			room.Emit("binary", next(), []byte{byte(n)}),
			srv.Emit("object", next(), map[string]string{"k": "v"}),
		)
		if err != nil {
			t.Error(err)
		}
		script.Await(fmt.Sprintf("lost %d", round))
		network.mend()
	}
	script.Finish()
	if got := srv.RecoveryStats(); got.Recovered != rounds {
		t.Errorf("got %+v, want %d recovered", got, rounds)
	}
}

func newRecovering(opts framework.Options) *framework.Server {
	opts.Logger = zerolog.Nop()
	opts.Recovery.MaxDisconnection = time.Minute
	srv := framework.New(opts)
	srv.On("join", func(s *framework.Socket, room string) bool { s.Join(room); return true })
	srv.On("rooms", func(s *framework.Socket) []string { return s.Rooms() })
	return srv
}

// cable is a TCP proxy that fails when it is told to.
type cable struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	isCut bool
	near  []net.Conn // the clients' ends
	far   []net.Conn
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	c := &cable{listener: newListener(t, "127.0.0.1:0"), to: to[len("http://"):]}
	var running sync.WaitGroup
	running.Go(func() { c.serve(&running) })
	t.Cleanup(func() {
		c.listener.Close()
		c.cut(false)
		c.closeAll(&c.far) // those of a half cut, too
		running.Wait()
	})
	return c
}

func (c *cable) url() string { return "http://" + c.listener.Addr().String() }

func (c *cable) serve(running *sync.WaitGroup) {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.to)
		c.mu.Lock()
		if err != nil || c.isCut {
			c.mu.Unlock()
			near.Close()
			if far != nil {
				far.Close()
			}
			continue
		}
		c.near, c.far = append(c.near, near), append(c.far, far)
		c.mu.Unlock()
		running.Go(func() { io.Copy(far, near); near.Close() })
		running.Go(func() { io.Copy(near, far); near.Close() })
	}
}

// cut breaks all connections and refuses new ones. A half cut only shows on the
// clients' side, as when a phone changes networks.
func (c *cable) cut(half bool) {
	c.mu.Lock()
	c.isCut = true
	c.mu.Unlock()
	c.closeAll(&c.near)
	if !half {
		c.closeAll(&c.far)
	}
}

func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = false
}

func (c *cable) closeAll(conns *[]net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range *conns {
		conn.Close()
	}
	*conns = nil
}
