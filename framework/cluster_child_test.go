package framework_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// Children of a pattern, and selections of them.

func TestAChildIsInTheClusterFromItsFirstToItsLastClient(t *testing.T) {
	steps := make(chan string, 10)
	cluster := &fakeCluster{}
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), NewAdapter: func(local adapter.Local) (adapter.Adapter, error) {
		if local.Path() == "/" {
			return nil, nil
		}
		steps <- "join " + local.Path()
		return stepping{cluster, steps}, nil
	}})
	srv.RouteFunc("/job/{id}", func(r *framework.Router, p framework.Params) error {
		steps <- "make " + p.Get("id")
		if p.Get("id") == "none" {
			return errors.New("unknown job")
		}
		r.OnServerSide("x", func() {})
		return nil
	})
	client := sockettest.Connect(t, srv, "/job/7")
	equal(t, "first", receive(t, steps), "join /job/7")
	equal(t, "then", receive(t, steps), "make 7")
	if err := srv.Of("/job/7").Emit("x"); err != nil {
		t.Error(err)
	}
	equal(t, "published", len(cluster.notes()), 1)
	client.Leave()
	equal(t, "at the end", receive(t, steps), "leave")

	refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/job/none")
	equal(t, "refusal", refusal.Message, "Invalid namespace")
	for _, want := range []string{"join /job/none", "make none", "leave"} {
		equal(t, "one that is not made", receive(t, steps), want)
	}
	if err := srv.Of("/job/7").Emit("x"); err != nil {
		t.Error(err)
	}
	equal(t, "published of nobody", len(cluster.notes()), 0)
}

// closing is a class that says when it is closed.
type closing struct {
	framework.Namespace
	steps chan string
}

func (c *closing) Close() error {
	c.steps <- "close"
	return nil
}

func TestNoServerSideEventComesToAValueThatIsClosed(t *testing.T) {
	steps := make(chan string, 10)
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), NewAdapter: func(local adapter.Local) (adapter.Adapter, error) {
		if local.Path() == "/" {
			return nil, nil
		}
		return stepping{new(fakeCluster), steps}, nil
	}})
	srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) { return &closing{steps: steps}, nil })
	sockettest.Connect(t, srv, "/job/7").Leave()
	equal(t, "first", receive(t, steps), "leave")
	equal(t, "then", receive(t, steps), "close")
}

type stepping struct {
	adapter.Adapter
	steps chan string
}

func (s stepping) Close() error {
	s.steps <- "leave"
	return errors.New("is logged")
}

func TestAChildThatCannotJoinTheClusterIsRefused(t *testing.T) {
	broken := true
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), NewAdapter: func(local adapter.Local) (adapter.Adapter, error) {
		if local.Path() != "/" && broken {
			return nil, errors.New("secret: no connection")
		}
		return nil, nil
	}})
	srv.RouteFunc("/job/{id}", func(*framework.Router, framework.Params) error { return nil })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	equal(t, "refusal", conn.Refused("/job/7").Message, "Internal server error")
	broken = false
	conn.Join("/job/7") // the next one tries again
}

func TestASelectionOfAllChildren(t *testing.T) {
	srv := quiet()
	srv.RouteFunc("/job/{id}", func(r *framework.Router, _ framework.Params) error {
		r.On("join", func(s *framework.Socket, room string) { s.Join(room) })
		return nil
	})
	ctx := t.Context()
	one, two, other := sockettest.Connect(t, srv, "/job/1"), sockettest.Connect(t, srv, "/job/2"), sockettest.Connect(t, srv, "/job/2")
	one.Call("join", "a")
	two.Call("join", "a")
	all, rooms := srv.Children("/job/{id}").Except(), srv.Children("/job/{id}").To("a")
	count := func(b framework.Broadcast, want int) {
		t.Helper()
		n, err := b.Count(ctx)
		equal(t, "count", n, want)
		equal(t, "error", err, nil)
	}
	count(all, 3)
	count(rooms, 2)
	list, err := rooms.Fetch(ctx)
	equal(t, "fetched", len(list), 2)
	equal(t, "error", err, nil)

	q := ask(ctx, rooms)
	one.Expect("q").Ack(1)
	two.Expect("q").Ack(2)
	answers, err := q.wait(t)
	want := []string{one.ID()[:2] + "1", two.ID()[:2] + "2"}
	slices.Sort(want)
	equal(t, "answers", "["+answers+"]", fmt.Sprint(want))
	equal(t, "error", err, nil)
	over, cancel := context.WithCancel(ctx)
	q = ask(over, all)
	for _, s := range []*sockettest.Socket{one, two, other} {
		s.Expect("q")
	}
	cancel()
	_, err = q.wait(t)
	equal(t, "missing", len(missing(t, err).Missing), 3)

	equal(t, "join", all.Join(ctx, "b"), nil)
	count(srv.Of("/job/2").To("b"), 2)
	equal(t, "members", len(srv.Of("/job/2").Members("a")), 1)
	equal(t, "close room", srv.Of("/job/2").CloseRoom("a"), nil)
	count(rooms, 1)
	equal(t, "leave", all.Leave(ctx, "a"), nil)
	count(rooms, 0)
	equal(t, "disconnect", all.Disconnect(ctx), nil)
	for _, s := range []*sockettest.Socket{one, two, other} {
		equal(t, "reason", s.Disconnected(), "io server disconnect")
	}
}

func TestASelectionOfAChildThatIsNotThereIsNobody(t *testing.T) {
	srv := quiet()
	srv.RouteFunc("/job/{id}", func(*framework.Router, framework.Params) error { return nil })
	ctx := t.Context()
	for _, b := range []framework.Broadcast{srv.Of("/job/7").Except(), srv.Children("/job/{id}").Except()} {
		n, err := b.Count(ctx)
		list, fetchErr := b.Fetch(ctx)
		answers, askErr := b.EmitWithAck(ctx, "q")
		if err = errors.Join(err, fetchErr, askErr, b.Join(ctx, "a"), b.Disconnect(ctx)); err != nil || n+len(list)+len(answers) > 0 {
			t.Errorf("got %d, %v, %v and error %v, want nothing", n, list, answers, err)
		}
		if _, err := b.EmitWithAck(ctx, "disconnect"); !errors.Is(err, framework.ErrReservedEvent) {
			t.Errorf("got error %v, want %v", err, framework.ErrReservedEvent)
		}
	}
	ns := srv.Of("/job/7")
	equal(t, "close room", ns.CloseRoom("a"), nil)
	equal(t, "server-side", ns.ServerSideEmit("x"), nil)
	equal(t, "members", len(ns.Members("a")), 0)
	if _, err := srv.Children("/nothing/{id}").Except().Count(ctx); !errors.Is(err, framework.ErrNotRegistered) {
		t.Errorf("unknown pattern: got error %v, want %v", err, framework.ErrNotRegistered)
	}
}
