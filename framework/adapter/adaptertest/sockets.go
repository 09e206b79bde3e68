package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
)

func joinRooms(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.check(c.server().Join(c.ctx(), "all", "also"))
	c.check(c.server().To("all").Emit("news"))
	c.gets("news", c.clients...)
	c.check(c.server().To(c.clients[2].ID()).Join(c.ctx(), "one"))
	c.check(c.server().To("one").Emit("news"))
	c.gets("news", c.clients[2])
	if got, want := c.clients[2].inside.Rooms(), []string{c.clients[2].ID(), "all", "also", "one"}; !slices.Equal(got, want) {
		t.Errorf("got rooms %v, want %v", got, want)
	}
}

func leaveRooms(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	for _, client := range c.clients {
		client.inside.Join("all", "more")
	}
	c.check(c.server().To(c.clients[1].ID()).Leave(c.ctx(), "all"))
	c.check(c.server().To("all").Emit("news"))
	c.gets("news", c.clients[0], c.clients[2])
	c.check(c.server().Leave(c.ctx(), "all"))
	c.check(c.server().To("all").Emit("news"))
	c.gets("news")
	c.check(c.server().To("more").Emit("news"))
	c.gets("news", c.clients...)
}

func closeRoom(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	for _, client := range c.clients {
		client.inside.Join("all")
	}
	c.check(c.server().Of("/").CloseRoom("all"))
	c.check(c.server().To("all").Emit("news"))
	c.gets("news")
	for i, client := range c.clients {
		if got, want := client.inside.Rooms(), ids(client); !slices.Equal(got, want) {
			t.Errorf("client %d: got rooms %v, want %v", i, got, want)
		}
	}
}

func disconnect(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	goes := c.clients[2]
	other := goes.Conn().Join("/other")
	c.check(c.server().To(goes.ID()).Emit("goodbye"))
	c.check(c.server().To(goes.ID()).Disconnect(c.ctx()))
	goes.Expect("goodbye") // before
	if got, want := goes.Disconnected(), "io server disconnect"; got != want {
		t.Errorf("got reason %q, want %q", got, want)
	}
	c.clients = c.clients[:2]
	c.check(c.server().Emit("news"))
	c.gets("news", c.clients...)
	c.check(c.server().Of("/other").Emit("news"))
	other.Expect("news") // the connection stays

	c.check(c.server().Disconnect(c.ctx()))
	for i, client := range c.clients {
		if got, want := client.Disconnected(), "io server disconnect"; got != want {
			t.Errorf("client %d: got reason %q, want %q", i, got, want)
		}
	}
}

func closeConnections(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	other := c.clients[2].Conn().Join("/other")
	c.check(c.server().Except(c.clients[0].ID()).Close(c.ctx()))
	for _, s := range []interface{ Disconnected() string }{c.clients[1], c.clients[2], other} {
		if got, want := s.Disconnected(), "io server disconnect"; got != want {
			t.Errorf("got reason %q, want %q", got, want)
		}
	}
	c.clients[2].Conn().Closed()
	c.clients = c.clients[:1]
	c.check(c.server().Emit("news"))
	c.gets("news", c.clients...)
}

// fetched checks that exactly these clients were found.
func (c *cluster) fetched(list []*framework.RemoteSocket, err error, want ...*client) {
	c.Helper()
	c.check(err)
	var got []string
	for _, r := range list {
		got = append(got, r.ID())
	}
	expected := ids(want...)
	slices.Sort(got)
	slices.Sort(expected)
	if !slices.Equal(got, expected) {
		c.Errorf("got %v, want %v", got, expected)
	}
}

func fetch(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.clients[0].inside.Join("some")
	c.clients[2].inside.Join("some", "few")
	all, err := c.server().Fetch(c.ctx())
	c.fetched(all, err, c.clients...)
	some, err := c.server().To("some").Fetch(c.ctx())
	c.fetched(some, err, c.clients[0], c.clients[2])
	but, err := c.server().To("some").Except("few").Fetch(c.ctx())
	c.fetched(but, err, c.clients[0])
	none, err := c.server().To().Fetch(c.ctx())
	c.fetched(none, err)
	here, err := c.server().Local().Fetch(c.ctx())
	own := c.clients
	if c.others() > 0 {
		own = c.clients[:1]
	}
	c.fetched(here, err, own...)
	if n := len(c.server().Of("/").Sockets()); n != len(own) {
		t.Errorf("Sockets: got %d, want %d", n, len(own))
	}
}

func fetchOne(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	visits.Set(c.clients[2].inside, 3)
	c.clients[2].inside.Join("some")
	list, err := c.server().To(c.clients[2].ID()).Fetch(c.ctx())
	c.fetched(list, err, c.clients[2])
	if len(list) != 1 {
		return
	}
	r, inside := list[0], c.clients[2].inside
	if got, want := r.Rooms(), inside.Rooms(); !slices.Equal(got, want) {
		t.Errorf("got rooms %v, want %v", got, want)
	}
	if v, ok, err := visits.From(r); v != 3 || !ok || err != nil {
		t.Errorf("got value %d, %v, error %v, want 3", v, ok, err)
	}
	if v, ok, err := framework.NewKey[int]("unset").From(r); v != 0 || ok || err != nil {
		t.Errorf("got value %d, %v, error %v, want none", v, ok, err)
	}
	var auth struct{ User string }
	c.check(r.Auth().Decode(0, &auth))
	if auth.User != "ann" {
		t.Errorf("got auth %v, want ann", auth)
	}
	got, want := r.Handshake(), inside.Handshake()
	if got.Host != want.Host || got.Secure != want.Secure || got.Time.UnixMilli() != want.Time.UnixMilli() ||
		got.URL().String() != want.URL().String() || got.Query().Get("color") != "red" ||
		fmt.Sprint(got.Header()) != fmt.Sprint(want.Header()) {
		t.Errorf("got handshake %+v, want %+v", got, want)
	}
}

func aFetchedSocket(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	far := c.clients[2]
	list, err := c.server().To(far.ID()).Fetch(c.ctx())
	c.fetched(list, err, far)
	if len(list) != 1 {
		return
	}
	r := list[0]
	c.check(r.Emit("news", 1))
	far.Expect("news")
	c.check(r.Join(c.ctx(), "one", "two"))
	c.check(r.Leave(c.ctx(), "two"))
	c.check(c.server().To("one").Emit("news"))
	c.check(c.server().To("two").Emit("wrong"))
	c.gets("news", far)

	answered := make(chan error, 1)
	go func() {
		answer, err := r.EmitWithAck(c.ctx(), "question")
		if err == nil && string(answer.Raw(0)) != "42" {
			err = fmt.Errorf("got answer %s, want 42", answer.Raw(0))
		}
		answered <- err
	}()
	far.Expect("question").Ack(42)
	c.check(<-answered)

	c.check(r.Disconnect(c.ctx()))
	if got, want := far.Disconnected(), "io server disconnect"; got != want {
		t.Errorf("got reason %q, want %q", got, want)
	}
	if _, err := r.EmitWithAck(c.ctx(), "question"); !errors.Is(err, framework.ErrClosed) {
		t.Errorf("after it went: got error %v, want %v", err, framework.ErrClosed)
	}
}

func count(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.clients[1].inside.Join("some")
	c.clients[2].inside.Join("some")
	own := len(c.clients)
	if c.others() > 0 {
		own = 1
	}
	tests := []struct {
		name  string
		count func(context.Context) (int, error)
		want  int
	}{
		{"all", c.server().Count, 3},
		{"a room", c.server().To("some").Count, 2},
		{"but one", c.server().Except(c.clients[0].ID()).Count, 2},
		{"but oneself", c.clients[0].inside.Broadcast().Count, 2},
		{"here", c.server().Local().Count, own},
		{"nobody", c.server().To().Count, 0},
		{"another namespace", c.server().Of("/other").Count, 0},
	}
	for _, tt := range tests {
		if got, err := tt.count(c.ctx()); got != tt.want || err != nil {
			t.Errorf("%s: got %d and error %v, want %d", tt.name, got, err, tt.want)
		}
	}
}

func aServerLeaves(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.check(c.servers[2].Shutdown(c.ctx()))
	c.clients = c.clients[:2]
	all, err := c.server().Fetch(c.ctx())
	c.fetched(all, err, c.clients...)
	if n, err := c.server().Count(c.ctx()); n != 2 || err != nil {
		t.Errorf("got %d and error %v, want 2", n, err)
	}
	a := c.ask(c.ctx(), c.server().Except())
	for _, client := range c.clients {
		client.Expect("question").Ack(client.ID())
	}
	answers, err := a.wait()
	c.check(err)
	c.answersOf(answers, c.clients...)
	c.check(c.server().Emit("news"))
	c.gets("news", c.clients...)
}

func nothingAfterClose(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.check(c.server().Shutdown(c.ctx()))
	c.check(c.server().Shutdown(c.ctx())) // closed once
	err := c.server().Emit("news")
	if newAdapter != nil && err == nil {
		t.Error("emit after the adapter has been closed: got no error")
	}
	if newAdapter == nil {
		c.check(err)
		return
	}
	for _, client := range c.clients[1:] {
		client.ExpectNone()
	}
	if _, err := c.server().Fetch(c.ctx()); err == nil {
		t.Error("fetch after the adapter has been closed: got no error")
	}
	c.check(c.servers[1].Emit("news")) // the others go on
	c.clients[2].Expect("news")
}
