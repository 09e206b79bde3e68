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

func serverSideEvents(t *testing.T, newAdapter adapter.New) {
	type heard struct {
		server int
		text   string
		data   []byte
	}
	got := make(chan heard, 10)
	c := start(t, newAdapter, func(i int, srv *framework.Server) {
		srv.Route("/", func(r *framework.Router) {
			r.OnServerSide("hello", func(text string, data []byte) { got <- heard{i, text, data} })
		})
	})
	c.check(c.server().ServerSideEmit("hello", "world", []byte{1}))
	var servers []int
	for range c.others() {
		h := within(t, got)
		if h.text != "world" || !bytes.Equal(h.data, []byte{1}) {
			t.Errorf("got %+v, want world and 1", h)
		}
		servers = append(servers, h.server)
	}
	slices.Sort(servers)
	if want := []int{1, 2}[:c.others()]; !slices.Equal(servers, want) {
		t.Errorf("got %v, want %v", servers, want)
	}
	c.gets("nothing") // it is not for clients
}

func serverSideAnswers(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter, func(i int, srv *framework.Server) {
		srv.Route("/", func(r *framework.Router) {
			r.OnServerSide("number", func(add int) (int, []byte) { return add + i, []byte{byte(i)} })
		})
	})
	answers, err := c.server().ServerSideEmitWithAck(c.ctx(), "number", 10)
	c.check(err)
	var got []int
	for _, a := range answers {
		var n int
		var data []byte
		c.check(a.Decode(0, &n))
		c.check(a.Decode(1, &data))
		if !bytes.Equal(data, []byte{byte(n - 10)}) {
			t.Errorf("got %d with %v", n, data)
		}
		got = append(got, n)
	}
	slices.Sort(got)
	if want := []int{11, 12}[:c.others()]; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func missingServerSideAnswers(t *testing.T, newAdapter adapter.New) {
	release := make(chan struct{})
	c := start(t, newAdapter, func(i int, srv *framework.Server) {
		srv.Route("/", func(r *framework.Router) {
			r.OnServerSide("number", func() (int, error) {
				if i == 2 {
					return 0, errors.New("not today")
				}
				return i, nil
			})
			r.OnServerSide("slow", func(ctx context.Context) int { <-release; return i })
		})
	})
	defer close(release)
	answers, err := c.server().ServerSideEmitWithAck(c.ctx(), "number")
	var missing *framework.MissingAcksError
	if len(answers) != 1 || !errors.As(err, &missing) || missing.Unknown != 1 {
		t.Errorf("one that fails: got answers %v and error %v, want 1 missing", answers, err)
	}
	answers, err = c.server().ServerSideEmitWithAck(c.ctx(), "unheard of")
	if len(answers) != 0 || !errors.As(err, &missing) || missing.Unknown != c.others() {
		t.Errorf("no handler: got answers %v and error %v, want %d missing", answers, err, c.others())
	}
	ctx, cancel := context.WithTimeout(c.ctx(), 100*time.Millisecond)
	defer cancel()
	answers, err = c.server().ServerSideEmitWithAck(ctx, "slow")
	if len(answers) != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow ones: got answers %v and error %v, want %v", answers, err, context.DeadlineExceeded)
	}
}
