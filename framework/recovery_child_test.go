package framework_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// The child of a pattern stays for the sessions of it that are kept.

func recoveringJobs(log chan<- string) *away {
	srv := recovering()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		log <- "make " + p.Get("id")
		return &stages{id: p.Get("id"), log: log}, nil
	})
	return srv
}

func TestAChildStaysWhileSessionsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := make(chan string, 20)
		srv := recoveringJobs(log)
		client := sockettest.Connect(t, srv, "/job/7")
		for range 3 {
			client.Conn().Cut()
			synctest.Wait()
			equal(t, "children", srv.Children("/job/{id}").Len(), 1)
			srv.Of("/job/7").Emit("news", "1")
			client = srv.back(t, client)
			recovered(t, client, true)
			hears(t, client, "news 1")
		}
		wantLog(t, log, "make 7", "connect 7", "disconnect 7", "connect 7", "disconnect 7", "connect 7", "disconnect 7", "connect 7")
		client.Conn().Cut()
		time.Sleep(2 * time.Minute)
		wantLog(t, log, "disconnect 7", "close 7")
		equal(t, "children", srv.Children("/job/{id}").Len(), 0)
		client = srv.back(t, client)
		recovered(t, client, false)
		wantLog(t, log, "make 7", "connect 7")
		client.Leave()
		wantLog(t, log, "disconnect 7", "close 7")
		equal(t, "expired", srv.RecoveryStats().Expired, 1)
		client.Conn().Close()
		srv.Shutdown(context.Background())
	})
}

func TestShutdownClosesChildrenThatStayForSessions(t *testing.T) {
	log := make(chan string, 20)
	srv := recoveringJobs(log)
	client := sockettest.Connect(t, srv, "/job/7")
	client.Conn().Cut()
	wantLog(t, log, "make 7", "connect 7", "disconnect 7")
	other := sockettest.Connect(t, srv, "/job/8")
	wantLog(t, log, "make 8", "connect 8")
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.Disconnected()
	equal(t, "log", len(log), 3) // all of it has run by now
	equal(t, "children", srv.Children("/job/{id}").Len(), 0)
}

// Who connects to children and is gone must not fill their pattern, nor the memory.
func TestSessionsKeepNoMoreThanHalfOfTheChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxChildren: 10,
			Recovery: framework.Recovery{MaxDisconnection: time.Minute, MaxLog: 1 << 20}})
		srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) { return &plain{}, nil })
		attacker := sockettest.Dial(t, srv, sockettest.Options{})
		for i := range 10 {
			attacker.Join(fmt.Sprintf("/job/%d", i))
		}
		attacker.Cut()
		synctest.Wait()
		kept := srv.RecoveryStats().Kept // fewer if several come to their end at once
		if kept > 5 {
			t.Errorf("got %d sessions that are kept, want 5 at most", kept)
		}
		equal(t, "children", srv.Children("/job/{id}").Len(), int(kept))
		equal(t, "exceeded", int(srv.Exceeded()["MaxChildren"]), 10-int(kept))
		sockettest.Connect(t, srv, "/job/of-another").Leave()

		big := strings.Repeat("x", 100<<10)
		for range 20 {
			for i := range 10 {
				if err := srv.Of(fmt.Sprintf("/job/%d", i)).Emit("news", big); err != nil {
					t.Fatal(err)
				}
			}
		}
		if logged := srv.RecoveryStats().Logged; logged > 2<<20 {
			t.Errorf("their logs hold %d bytes, want twice MaxLog at most", logged)
		}
		time.Sleep(2 * time.Minute)
		equal(t, "children in the end", srv.Children("/job/{id}").Len(), 0)
		equal(t, "logged in the end", srv.RecoveryStats().Logged, 0)
	})
}
