package admin_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/admin"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// pair joins two servers, as much as administration needs.
type pair struct{ nodes map[string][]*node }

type node struct {
	adapter.Adapter // what else there is is not called
	pair            *pair
	local           adapter.Local
}

func (p *pair) join(local adapter.Local) (adapter.Adapter, error) {
	n := &node{pair: p, local: local}
	p.nodes[local.Path()] = append(p.nodes[local.Path()], n)
	return n, nil
}

func (n *node) other() adapter.Local {
	all := n.pair.nodes[n.local.Path()]
	if all[0] == n {
		return all[1].local
	}
	return all[0].local
}

func (n *node) Broadcast(p adapter.Packet, s adapter.Selection, f adapter.Flags) error {
	return n.other().Broadcast(p, s, f)
}

func (n *node) Join(_ context.Context, s adapter.Selection, rooms []string) error {
	n.other().Join(s, rooms)
	return nil
}

func (n *node) Disconnect(_ context.Context, s adapter.Selection, closing bool) error {
	n.other().Disconnect(s, closing)
	return nil
}

func (n *node) ServerEmit(ctx context.Context, p adapter.Packet, _ adapter.Answers) error {
	_, err := n.other().ServerEvent(ctx, p)
	return err
}

func (n *node) Close() error { return nil }

func TestAllServersOfAClusterTellTheirCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := &pair{nodes: make(map[string][]*node)}
		server := func(id string) *framework.Server {
			srv := framework.New(framework.Options{Logger: zerolog.Nop(), NewAdapter: both.join, Transport: unhurried})
			opts := open(admin.Development)
			opts.ServerID, opts.StatsInterval = id, 2*time.Second
			instrument(srv, opts)
			return srv
		}
		one, two := server("one"), server("two")
		ann := sockettest.Connect(t, two, "/", "ann")
		boss := sockettest.Connect(t, one, "/admin")
		told := make(map[string]int) // clients by server
		for range 5 {                // the first at once, the others of both
			got := stats(boss)
			told[got.ServerID] = got.ClientsCount
		}
		equal(t, "servers", asJSON(t, told), `{"one":1,"two":1}`)
		boss.Emit("join", "/", "den", ann.ID())
		boss.Emit("emit", "/", "den", "news")
		ann.Expect("news")
		boss.Emit("_disconnect", "/", false, ann.ID())
		equal(t, "disconnect", ann.Disconnected(), "io server disconnect")
		boss.Expect("config")
		boss.Expect("all_sockets")
		for range 4 { // of two's sockets nothing is told
			equal(t, "event", boss.Next().Name, "server_stats")
		}
		boss.Conn().Close()
		time.Sleep(time.Minute) // in which two's stats have ended, or the bubble says so
	})
}
