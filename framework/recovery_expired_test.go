package framework_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// Each session that is kept ends in one of two ways: its client comes back, or OnExpired
// tells of it.

// gate is middleware that holds a client that comes back.
type gate struct {
	pid     string
	started <-chan struct{}
	refuse  chan<- bool
}

func (g gate) come(t *testing.T, conn *sockettest.Conn) {
	t.Helper()
	conn.Send(`0{"pid":"` + g.pid + `"}`)
	receive(t, g.started)
}

func TestASessionThatIsLostWhileItsClientConnectsIsToldOf(t *testing.T) {
	tests := []struct {
		name string
		come func(t *testing.T, srv *away, conn *sockettest.Conn, gate gate)
	}{
		{"the client leaves", func(t *testing.T, srv *away, conn *sockettest.Conn, gate gate) {
			gate.come(t, conn)
			conn.Send("1")
			conn.Refused("/nowhere") // it has been read
			gate.refuse <- true
		}},
		{"the log is overrun", func(t *testing.T, srv *away, conn *sockettest.Conn, gate gate) {
			gate.come(t, conn)
			for range 20 {
				srv.Emit("news", strings.Repeat("x", 1000))
			}
			gate.refuse <- false
			conn.Closed()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expired := make(chan string, 10)
			started, refuse := make(chan struct{}, 1), make(chan bool, 1)
			srv := recoveringBehind(func(next framework.Handler) framework.Handler {
				return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
					if e.Kind() == framework.KindConnect && e.Socket.Recovered() {
						started <- struct{}{}
						if <-refuse {
							return nil, framework.Refuse("no")
						}
					}
					return next.ServeEvent(ctx, e)
				})
			}, func(o *framework.Options) {
				o.Recovery.MaxLog = 10_000
				o.Recovery.OnExpired = func(e framework.ExpiredSession) { expired <- e.ID }
			})
			client := sockettest.Connect(t, srv, "/")
			srv.cut(t, client)
			tt.come(t, srv, sockettest.Dial(t, srv, sockettest.Options{}), gate{client.PID(), started, refuse})
			equal(t, "expired", receive(t, expired), client.ID())
			recovered(t, srv.back(t, client), false)
			equal(t, "stats", srv.RecoveryStats().Expired, 1)
		})
	}
}

func TestOnExpiredIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := make(chan string, 10)
		srv := recovering(func(o *framework.Options) {
			o.Recovery.OnExpired = func(e framework.ExpiredSession) {
				calls <- e.ID
				runtime.Goexit()
			}
		})
		var clients []*sockettest.Socket
		for range 3 {
			client := sockettest.Connect(t, srv, "/")
			srv.cut(t, client)
			clients = append(clients, client)
		}
		time.Sleep(2 * time.Minute)
		for _, client := range clients {
			equal(t, "expired", receive(t, calls), client.ID())
		}
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestShutdownWaitsForOnExpiredAndIsRefusedInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var srv *away
		inside, release := make(chan error, 1), make(chan struct{})
		log := make(chan string, 20)
		srv = recovering(func(o *framework.Options) {
			o.Recovery.OnExpired = func(framework.ExpiredSession) {
				inside <- srv.Shutdown(context.Background())
				<-release
			}
		})
		srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
			return &stages{id: p.Get("id"), log: log}, nil
		})
		client := sockettest.Connect(t, srv, "/job/7")
		client.Conn().Cut()
		wantLog(t, log, "connect 7", "disconnect 7")
		time.Sleep(2 * time.Minute)
		if err := receive(t, inside); !errors.Is(err, framework.ErrShutdown) {
			t.Errorf("inside: got %v, want ErrShutdown", err)
		}
		equal(t, "the child is there for OnExpired", srv.Children("/job/{id}").Len(), 1)
		ended := make(chan error, 1)
		go func() { ended <- srv.Shutdown(context.Background()) }()
		synctest.Wait()
		equal(t, "ended already", len(ended), 0)
		close(release)
		if err := receive(t, ended); err != nil {
			t.Error(err)
		}
		equal(t, "closed before Shutdown returned", len(log), 1)
		wantLog(t, log, "close 7")
	})
}

func TestShutdownTellsOfNoSessionHoweverManyThereAre(t *testing.T) {
	srv := recovering(func(o *framework.Options) {
		o.Recovery.MaxSessions = 1
		o.Recovery.OnExpired = func(framework.ExpiredSession) { t.Error("told of a session that Shutdown has ended") }
	})
	for range 3 {
		sockettest.Connect(t, srv, "/")
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "stats", srv.RecoveryStats(), framework.RecoveryStats{})
}

func TestMiddlewareMayTryToConnectTwice(t *testing.T) {
	srv := recoveringBehind(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			reply, err := next.ServeEvent(ctx, e)
			if e.Kind() == framework.KindConnect && err != nil {
				return next.ServeEvent(ctx, e)
			}
			return reply, err
		})
	})
	calls := 0
	srv.On("connect", func() error {
		if calls++; calls%2 == 1 {
			_ = srv.Emit("between", "1")
			return framework.Refuse("not yet")
		}
		return nil
	})
	client := sockettest.Connect(t, srv, "/")
	hears(t, client, "between 1")
	srv.cut(t, client)
	back := sockettest.Dial(t, srv, sockettest.Options{}).RecoverAt("/", client.PID(), "")
	recovered(t, back, true)
	hears(t, back, "between 1", "between 1")
	srv.cut(t, back)
	again := sockettest.Dial(t, srv, sockettest.Options{}).RecoverAt("/", client.PID(), "")
	recovered(t, again, true)
	hears(t, again, "between 1", "between 1", "between 1")
}
