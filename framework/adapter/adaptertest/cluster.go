package adaptertest

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// clients is how many there are in a cluster, one a server if there are so many.
const clients = 3

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// visits is a value that clients carry, which other servers can read.
var visits = framework.NewKey[int]("visits")

// cluster is the servers that an adapter joins, and their clients.
type cluster struct {
	*testing.T
	servers []*framework.Server
	clients []*client
}

// client is one of them, as its own test sees it and as its server does.
type client struct {
	*sockettest.Socket
	server *framework.Server
	inside *framework.Socket
}

// start makes a cluster of three servers, or of one if newAdapter is nil. setUp
// registers what the test needs.
func start(t *testing.T, newAdapter adapter.New, setUp ...func(i int, srv *framework.Server)) *cluster {
	t.Helper()
	c := &cluster{T: t}
	n := clients
	if newAdapter == nil {
		n = 1
	}
	for i := range n {
		srv := framework.New(framework.Options{NewAdapter: newAdapter, Logger: zerolog.Nop()})
		srv.Route("/other", func(*framework.Router) {})
		for _, f := range setUp {
			f(i, srv)
		}
		c.servers = append(c.servers, srv)
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := srv.Shutdown(ctx); err != nil {
				t.Errorf("shutdown of server %d: %v", i, err)
			}
		})
	}
	for i := range clients {
		c.join(c.servers[i%n])
	}
	return c
}

// join connects a client to "/" of srv.
func (c *cluster) join(srv *framework.Server) *client {
	c.Helper()
	s := sockettest.Dial(c, srv, sockettest.Options{Query: map[string][]string{"color": {"red"}}}).Join("/", map[string]string{"user": "ann"})
	inside, ok := srv.Of("/").Socket(s.ID())
	if !ok {
		c.Fatalf("client %s is not connected", s.ID())
	}
	joined := &client{s, srv, inside}
	c.clients = append(c.clients, joined)
	return joined
}

// server is the one that speaks in a test.
func (c *cluster) server() *framework.Server { return c.servers[0] }

// others is how many servers there are beside it.
func (c *cluster) others() int { return len(c.servers) - 1 }

// gets checks that exactly these clients get an event, once, of what the server has
// sent so far. Behind it the server sends another to all, as everything of one
// goroutine's arrives in order.
func (c *cluster) gets(event string, want ...*client) {
	c.Helper()
	c.check(c.server().Emit("fence"))
	for i, each := range c.clients {
		expected := 0
		for _, w := range want {
			if w == each {
				expected++
			}
		}
		got := 0
		for e := each.Next(); e.Name != "fence"; e = each.Next() {
			if e.Name != event {
				c.Errorf("client %d: got event %q, want %q", i, e.Name, event)
			}
			got++
		}
		if got != expected {
			c.Errorf("client %d: got %q %d times, want %d", i, event, got, expected)
		}
	}
}

func (c *cluster) check(err error) {
	c.Helper()
	if err != nil {
		c.Error(err)
	}
}

// ctx ends when the test should have long been over.
func (c *cluster) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	c.Cleanup(cancel)
	return ctx
}

// ids lists the ids of clients.
func ids(list ...*client) []string {
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID())
	}
	return ids
}
