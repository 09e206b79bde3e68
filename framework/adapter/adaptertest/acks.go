package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
)

// asked is an EmitWithAck that is under way.
type asked struct {
	c       *cluster
	done    chan struct{}
	answers []framework.Answer
	err     error
}

func (c *cluster) ask(ctx context.Context, b framework.Broadcast, args ...any) *asked {
	a := &asked{c: c, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.answers, a.err = b.EmitWithAck(ctx, "question", args...)
	}()
	return a
}

func (a *asked) wait() ([]framework.Answer, error) {
	a.c.Helper()
	within(a.c.T, a.done)
	return a.answers, a.err
}

// answersOf checks that each of the clients has answered once, with its id.
func (c *cluster) answersOf(answers []framework.Answer, want ...*client) {
	c.Helper()
	var got []string
	for _, a := range answers {
		var id string
		c.check(a.Args.Decode(0, &id))
		if a.ID != "" && a.ID != id {
			c.Errorf("answer of %s has the id %s", id, a.ID)
		}
		got = append(got, id)
	}
	expected := ids(want...)
	slices.Sort(got)
	slices.Sort(expected)
	if !slices.Equal(got, expected) {
		c.Errorf("got answers of %v, want %v", got, expected)
	}
}

// missing checks whose answers an error says are missing, and why.
func (c *cluster) missing(err, why error, want ...*client) {
	c.Helper()
	var missing *framework.MissingAcksError
	if !errors.As(err, &missing) {
		c.Fatalf("got error %v, want a %T", err, missing)
	}
	if !errors.Is(err, why) {
		c.Errorf("got error %q, want one that is %q", err, why)
	}
	if n := len(missing.Missing) + missing.Unknown; n != len(want) {
		c.Errorf("got %v and %d unknown missing, want %v", missing.Missing, missing.Unknown, ids(want...))
	}
	for _, id := range missing.Missing {
		if !slices.Contains(ids(want...), id) {
			c.Errorf("got %s missing, want %v", id, ids(want...))
		}
	}
}

func acksOfAll(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	a := c.ask(c.ctx(), c.server().Except(), 7)
	for _, client := range c.clients {
		e := client.Expect("question")
		if got, want := e.Args.JSON(), "[7]"; got != want {
			t.Errorf("got arguments %s, want %s", got, want)
		}
		e.Ack(client.ID())
	}
	answers, err := a.wait()
	c.check(err)
	c.answersOf(answers, c.clients...)

	c.clients[1].inside.Join("one")
	for _, b := range []framework.Broadcast{c.server().To("one"), c.server().To(c.clients[1].ID())} {
		a = c.ask(c.ctx(), b)
		c.clients[1].Expect("question").Ack(c.clients[1].ID())
		answers, err = a.wait()
		c.check(err)
		c.answersOf(answers, c.clients[1])
	}
	c.gets("nothing")
}

func binaryAcks(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	a := c.ask(c.ctx(), c.server().Except(), []byte{1, 2, 3})
	for _, client := range c.clients {
		e := client.Expect("question")
		if got, want := e.Args.Bytes(0), []byte{1, 2, 3}; !bytes.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		e.Ack(client.ID(), []byte{4, 5})
	}
	answers, err := a.wait()
	c.check(err)
	c.answersOf(answers, c.clients...)
	for _, a := range answers {
		var got []byte
		c.check(a.Args.Decode(1, &got))
		if want := []byte{4, 5}; !bytes.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func acksOfNobody(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	for _, b := range []framework.Broadcast{c.server().To(), c.server().To("empty"), c.server().Of("/other").Except()} {
		answers, err := c.ask(c.ctx(), b).wait()
		if err != nil || len(answers) > 0 {
			t.Errorf("got answers %v and error %v, want none", answers, err)
		}
	}
}

func acksOfThisServer(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	a := c.ask(c.ctx(), c.server().To(c.clients[0].ID(), c.clients[len(c.clients)-1].ID()).Local())
	own := []*client{c.clients[0]}
	if c.others() == 0 {
		own = append(own, c.clients[len(c.clients)-1])
	}
	for _, client := range own {
		client.Expect("question").Ack(client.ID())
	}
	answers, err := a.wait()
	c.check(err)
	c.answersOf(answers, own...)
}

// overheard is an adapter whose Asks the test hears.
type overheard struct {
	adapter.Adapter
	reached  chan int
	answered chan string
}

func (o overheard) Ask(ctx context.Context, p adapter.Packet, s adapter.Selection, f adapter.Flags, answers adapter.Answers) error {
	return o.Adapter.Ask(ctx, p, s, f, listener{answers, o})
}

type listener struct {
	adapter.Answers
	overheard
}

func (l listener) Reached(sids []string, unknown int) {
	l.Answers.Reached(sids, unknown)
	l.reached <- len(sids) + unknown
}

func (l listener) Answered(a adapter.Answer) {
	l.Answers.Answered(a)
	l.answered <- a.SID
}

func missingAcks(t *testing.T, newAdapter adapter.New) {
	far := overheard{reached: make(chan int, 10), answered: make(chan string, 10)}
	listening := newAdapter
	if newAdapter != nil {
		listening = func(local adapter.Local) (adapter.Adapter, error) {
			a, err := newAdapter(local)
			return overheard{a, far.reached, far.answered}, err
		}
	}
	c := start(t, listening)
	ctx, cancel := context.WithCancel(c.ctx())
	defer cancel()
	a := c.ask(ctx, c.server().Except())
	for _, client := range c.clients[:2] {
		client.Expect("question").Ack(client.ID())
		client.ExpectNone() // the server has read the answer
	}
	late := c.clients[2].Expect("question")
	if c.others() > 0 {
		for n := 0; n < 2; n += within(t, far.reached) {
		}
		within(t, far.answered)
	}
	cancel()
	answers, err := a.wait()
	c.answersOf(answers, c.clients[:2]...)
	c.missing(err, context.Canceled, c.clients[2])
	late.Ack(c.clients[2].ID())
	c.gets("nothing")

	answers, err = c.ask(c.ctx(), c.server().To(c.clients[2].ID()).Timeout(time.Millisecond)).wait()
	if len(answers) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got answers %v and error %v, want %v", answers, err, context.DeadlineExceeded)
	}
}

// within waits for a value.
func within[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

func aClientThatGoesIsMissing(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	a := c.ask(c.ctx(), c.server().Except())
	for _, client := range c.clients[:2] {
		client.Expect("question").Ack(client.ID())
	}
	c.clients[2].Expect("question")
	c.clients[2].Conn().Cut()
	answers, err := a.wait()
	c.answersOf(answers, c.clients[:2]...)
	c.missing(err, framework.ErrClosed, c.clients[2])
}

func aServerThatGoesIsMissing(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	a := c.ask(c.ctx(), c.server().Except())
	for _, client := range c.clients[:2] {
		client.Expect("question").Ack(client.ID())
	}
	c.clients[2].Expect("question")
	c.check(c.servers[2].Shutdown(c.ctx()))
	answers, err := a.wait()
	c.answersOf(answers, c.clients[:2]...)
	c.missing(err, framework.ErrClosed, c.clients[2])
}
