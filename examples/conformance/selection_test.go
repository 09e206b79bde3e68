package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
)

func TestJavaScriptClientsInASelection(t *testing.T) {
	for _, mode := range []string{"websocket", "polling", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			srv := framework.New(framework.Options{Logger: zerolog.Nop()})
			srv.Register("/", &selecting{})
			testclients.Run(t, "selection.mjs", serveServer(t, newListener(t, "127.0.0.1:0"), srv), mode)
		})
	}
}

// selecting does to a selection what a client asks for.
type selecting struct{ framework.Namespace }

func (n *selecting) of(rooms []string) framework.Broadcast {
	if len(rooms) == 0 {
		return n.Except()
	}
	return n.To(rooms...)
}

func (n *selecting) OnJoin(s *framework.Socket, room string) bool {
	s.Join(room)
	return true
}

func (n *selecting) OnAsk(ctx context.Context, rooms []string) ([]string, error) {
	answers, err := n.of(rooms).EmitWithAck(ctx, "q", []byte{7})
	list := make([]string, len(answers))
	for i, a := range answers {
		var who int
		var data []byte
		if err := errors.Join(a.Args.Decode(0, &who), a.Args.Decode(1, &data)); err != nil {
			return nil, err
		}
		list[i] = fmt.Sprintf("%d:%d", who, data[0])
	}
	slices.Sort(list)
	return list, err
}

// OnMissing returns the ids of those who did not answer, in so many milliseconds or ever.
func (n *selecting) OnMissing(ctx context.Context, rooms []string, ms int) ([]string, error) {
	_, err := n.of(rooms).Timeout(time.Duration(ms)*time.Millisecond).EmitWithAck(ctx, "q", []byte{7})
	var missing *framework.MissingAcksError
	if errors.As(err, &missing) {
		return missing.Missing, nil
	}
	return nil, err
}

func (n *selecting) OnCount(ctx context.Context, rooms []string) (int, error) {
	return n.of(rooms).Count(ctx)
}

func (n *selecting) OnFetch(ctx context.Context, rooms []string) ([]string, error) {
	sockets, err := n.of(rooms).Fetch(ctx)
	ids := make([]string, len(sockets))
	for i, s := range sockets {
		ids[i] = s.ID()
	}
	slices.Sort(ids)
	return ids, err
}

func (n *selecting) OnMove(ctx context.Context, rooms []string, to string) (bool, error) {
	return true, errors.Join(n.of(rooms).Join(ctx, to), n.of(rooms).Leave(ctx, rooms...))
}

func (n *selecting) Routes(r *framework.Router) {
	r.On("send away", func(ctx context.Context, rooms []string) (bool, error) {
		return true, errors.Join(n.of(rooms).Emit("goodbye"), n.of(rooms).Disconnect(ctx))
	})
}
