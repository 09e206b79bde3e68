package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// region gather
func (l *Library) OnVote(ctx context.Context, isbn string) (yes, silent int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answers, err := l.To("book:"+isbn).EmitWithAck(ctx, "buy another?", isbn)
	var missing *framework.MissingAcksError
	if errors.As(err, &missing) {
		silent = len(missing.Missing) // their ids
	} else if err != nil {
		return 0, 0, err
	}
	for _, answer := range answers {
		var agrees bool
		if answer.Args.Decode(0, &agrees) == nil && agrees {
			yes++
		}
	}
	return yes, silent, nil
}

func (l *Library) OnCloseBook(ctx context.Context, isbn string) (int, error) {
	readers := l.To("book:" + isbn)
	n, err := readers.Count(ctx)
	if err != nil {
		return 0, err
	}
	return n, errors.Join(readers.Join(ctx, "former readers"), readers.Leave(ctx, "book:"+isbn))
}

// endregion

// region pattern
type Shelf struct {
	framework.Namespace
	number int
}

func newShelf(p framework.Params) (framework.NamespaceHandler, error) {
	n, err := strconv.Atoi(p.Get("number"))
	if err != nil || n > 40 {
		return nil, framework.Refuse("there is no such shelf")
	}
	return &Shelf{number: n}, nil
}

func (s *Shelf) OnLook() int { return s.number }

// endregion

// region observe
func observe(srv *framework.Server) *framework.Traffic {
	traffic := new(framework.Traffic)
	srv.Observe(framework.Observer{
		Traffic: traffic,
		Disconnected: func(s *framework.Socket, reason framework.Reason, err error) {
			// ... count it
		},
	})
	return traffic
}

// endregion

// region listen
func trace(s *framework.Socket, show func(direction, event string)) (stop func()) {
	in := s.OnAny(func(event string, _ framework.Args) { show("in", event) })
	out := s.OnAnyOutgoing(func(event string, _ framework.Args) { show("out", event) })
	return func() { in(); out() }
}

// endregion
