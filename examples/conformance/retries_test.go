package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/middleware"
)

// The option retries of the JavaScript client against middleware.Once, on a
// network that loses acks.
func TestRetriesActOnce(t *testing.T) {
	for _, mode := range []string{"websocket", "polling"} {
		t.Run(mode, func(t *testing.T) {
			network := &cutListener{Listener: newListener(t, "127.0.0.1:0")}
			srv := framework.New(framework.Options{Logger: zerolog.Nop()})
			srv.Route("/shop", (&shop{cut: network.cut}).routes)
			stop := serveOn(t, network, srv)
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				if err := srv.Shutdown(ctx); err != nil {
					t.Errorf("shutdown: %v", err)
				}
				stop()
			})
			testclients.Run(t, "retries.mjs", "http://"+network.Addr().String(), mode)
		})
	}
}

// cutListener is a network whose connections can be cut.
type cutListener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (l *cutListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return c, err
}

func (l *cutListener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}

// shop sells, and loses what it can on the first occasion.
type shop struct {
	cut func()

	mu   sync.Mutex
	sold []int
	seen map[string]bool
}

type purchase struct {
	Amount int `json:"amount"`
}

func (s *shop) routes(r *framework.Router) {
	once := middleware.Once(middleware.OnceOptions{Client: func(_ context.Context, e *framework.Event) string {
		var auth struct{ User string }
		_ = e.Socket.Auth().Decode(0, &auth)
		return auth.User
	}})
	lossy := r.With(s.lose, once)
	for _, event := range []string{"lose ack", "lose connection"} {
		lossy.On(event, s.sell)
	}
	lossy.On("slow", func(p purchase) string {
		time.Sleep(time.Second)
		return s.sell(p)
	})
	lossy.On("late", func(ack *framework.Ack, p purchase) {
		receipt := s.sell(p)
		s.cut()
		time.AfterFunc(time.Second, func() { _ = ack.Reply(receipt) })
	})
	lossy.On("fail once", func(p purchase) (string, error) {
		if s.first("failure") {
			return "", errors.New("store is down")
		}
		return s.sell(p), nil
	})
	r.On("sold", func() []int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Clone(s.sold)
	})
}

func (s *shop) sell(p purchase) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sold = append(s.sold, p.Amount)
	return fmt.Sprint("receipt ", len(s.sold))
}

var errLost = errors.New("the ack is lost")

// lose is the network between Once and the client.
func (s *shop) lose(next framework.Handler) framework.Handler {
	return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
		reply, err := next.ServeEvent(ctx, e)
		switch {
		case e.Name == "lose ack" && s.first(e.Name):
			return nil, errLost
		case e.Name == "lose connection" && s.first(e.Name):
			s.cut()
		}
		return reply, err
	})
}

func (s *shop) first(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[string]bool)
	}
	again := s.seen[what]
	s.seen[what] = true
	return !again
}
