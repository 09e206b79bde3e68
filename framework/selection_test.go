package framework_test

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMembersAreWhoIsConnectedAndInTheRoom(t *testing.T) {
	srv := quiet()
	entered, gate := make(chan struct{}), make(chan struct{})
	srv.On("connect", func(s *framework.Socket, auth struct{ Slow bool }) {
		s.Join("kitchen")
		if auth.Slow {
			close(entered)
			<-gate
		}
	})
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	slow := sockettest.Dial(t, srv, sockettest.Options{})
	slow.Send(`0{"slow":true}`)
	receive(t, entered)
	defer close(gate)

	ns := srv.Of("/")
	var got []string
	for _, s := range ns.Members("kitchen") {
		got = append(got, s.ID())
	}
	want := []string{ann.ID(), bob.ID()}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	equal(t, "of an id", len(ns.Members(ann.ID())), 1)
	equal(t, "of nothing", len(ns.Members("nothing")), 0)
	n, err := srv.To("kitchen").Count(t.Context())
	equal(t, "count", n, 2)
	equal(t, "error", err, nil)
	list, err := srv.To("kitchen").Fetch(t.Context())
	equal(t, "fetched", len(list), 2)
	equal(t, "error", err, nil)
}

func TestDisconnectingASelectionReachesWhoIsInOnConnect(t *testing.T) {
	srv := quiet()
	entered, gate, gone := make(chan struct{}), make(chan struct{}), make(chan framework.Reason, 1)
	srv.On("connect", func(s *framework.Socket) {
		s.Join("user:1")
		close(entered)
		<-gate
	})
	srv.On("disconnect", func(r framework.Reason) { gone <- r })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0")
	receive(t, entered)
	if err := srv.To("user:1").Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(gate)
	equal(t, "reason", receive(t, gone), framework.ServerNamespaceDisconnect)
}

func TestWhatWasEmittedBeforeASelectionIsSentAwayArrives(t *testing.T) {
	srv := quiet()
	srv.Route("/other", func(*framework.Router) {})
	for _, tt := range []struct {
		name   string
		away   func(framework.Broadcast) error
		closes bool
	}{
		{"disconnect", func(b framework.Broadcast) error { return b.Disconnect(context.Background()) }, false},
		{"close", func(b framework.Broadcast) error { return b.Close(context.Background()) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
			other := bob.Conn().Join("/other")
			b := srv.To(bob.ID())
			b.Emit("goodbye", strings.Repeat("x", 10_000))
			if err := tt.away(b); err != nil {
				t.Error(err)
			}
			bob.Expect("goodbye")
			equal(t, "reason", bob.Disconnected(), "io server disconnect")
			if tt.closes {
				equal(t, "other namespace", other.Disconnected(), "io server disconnect")
			} else {
				other.ExpectNone()
			}
			ann.ExpectNone()
			ann.Conn().Close()
			bob.Conn().Close()
		})
	}
}

func TestASocketsSelectionLeavesItOut(t *testing.T) {
	srv := quiet()
	srv.On("invite", func(ctx context.Context, s *framework.Socket) (int, error) {
		if err := s.Broadcast().Join(ctx, "guests"); err != nil {
			return 0, err
		}
		return s.Broadcast().Count(ctx)
	})
	ann := sockettest.Connect(t, srv, "/")
	sockettest.Connect(t, srv, "/")
	sockettest.Connect(t, srv, "/")
	equal(t, "others", ann.Call("invite").JSON(), "[2]")
	n, err := srv.To("guests").Count(t.Context())
	equal(t, "guests", n, 2)
	equal(t, "error", err, nil)
	equal(t, "but one", len(srv.Of("/").Members("guests")), 2)
}

func TestSelectionsAreValues(t *testing.T) {
	srv := quiet()
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	b := srv.To(ann.ID())
	_ = b.To(bob.ID())
	_ = b.Except(ann.ID())
	_ = b.Local().Compress(false).Timeout(1).Volatile()
	b.Emit("x")
	ann.Expect("x")
	bob.ExpectNone()
}

func TestWhatIsNotToBeCompressedIsNot(t *testing.T) {
	var a fakeCluster
	srv := clustered(&a)
	sid := strings.Split(request(t, srv, "GET", "", ""), `"`)[3]
	request(t, srv, "POST", sid, "40")
	request(t, srv, "GET", sid, "")
	s := srv.Of("/").Sockets()[0]
	over, cancel := context.WithCancel(t.Context())
	var question *asking
	large := strings.Repeat("x", 10_000)
	tests := []struct {
		name string
		emit func() error
		want string // the answer's encoding
	}{
		{"as it comes", func() error { return srv.Local().Emit("x", large) }, "gzip"},
		{"compressed", func() error { return srv.Local().Compress(false).Compress(true).Emit("x", large) }, "gzip"},
		{"to all", func() error { return srv.Compress(false).Emit("x", large) }, ""},
		{"to one", func() error { return s.Compress(false).Emit("x", large) }, ""},
		{"from another server", func() error {
			return a.local.Broadcast(adapter.Packet{Data: []byte(`["x","` + large + `"]`)}, adapter.Selection{}, adapter.Flags{Plain: true})
		}, ""},
		{"a question", func() error {
			question = ask(over, srv.Local().Compress(false), large)
			return nil
		}, ""},
	}
	for _, tt := range tests {
		if err := tt.emit(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		r := httptest.NewRequest("GET", "/socket.io/?EIO=4&transport=polling&sid="+sid, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if w.Body.Len() == 0 || w.Header().Get("Content-Encoding") != tt.want {
			t.Errorf("%s: got %d bytes encoded as %q, want %q", tt.name, w.Body.Len(), w.Header().Get("Content-Encoding"), tt.want)
		}
	}
	cancel()
	if _, err := question.wait(t); !errors.Is(err, context.Canceled) {
		t.Errorf("the question: got error %v, want %v", err, context.Canceled)
	}
	request(t, srv, "POST", sid, "1")
}

func TestAVolatileBinaryBroadcastArrivesWhenNothingIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := quiet()
		ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
		synctest.Wait() // nothing is being written
		srv.Volatile().Emit("file", []byte{1, 2})
		for _, s := range []*sockettest.Socket{ann, bob} {
			if got, want := s.Expect("file").Args.Bytes(0), []byte{1, 2}; !bytes.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	})
}

func TestPromise14WhatNobodyServesIsAnError(t *testing.T) {
	srv := quiet()
	room := strings.Repeat("r", 20) // as long as an id
	ctx := t.Context()
	var zero framework.Broadcast
	for name, ns := range map[string]*framework.Namespace{"unknown": srv.Of("/nobody"), "zero": {}} {
		for call, err := range map[string]error{
			"CloseRoom":      ns.CloseRoom(room),
			"Join":           ns.Join(ctx, room),
			"Leave":          ns.Leave(ctx, room),
			"Disconnect":     ns.Disconnect(ctx),
			"Close":          ns.To(room).Close(ctx),
			"Local.Emit":     ns.Local().Emit("x"),
			"ServerSideEmit": ns.ServerSideEmit("x"),
			"zero Join":      zero.Join(ctx, room),
		} {
			if !errors.Is(err, framework.ErrNotRegistered) {
				t.Errorf("%s, %s: got error %v, want %v", name, call, err, framework.ErrNotRegistered)
			}
		}
		if _, err := ns.Fetch(ctx); !errors.Is(err, framework.ErrNotRegistered) {
			t.Errorf("%s, Fetch: got error %v", name, err)
		}
		if _, err := ns.Count(ctx); !errors.Is(err, framework.ErrNotRegistered) {
			t.Errorf("%s, Count: got error %v", name, err)
		}
		if _, err := ns.ServerSideEmitWithAck(ctx, "x"); !errors.Is(err, framework.ErrNotRegistered) {
			t.Errorf("%s, ServerSideEmitWithAck: got error %v", name, err)
		}
		if _, ok := ns.Socket(room); ok || len(ns.Members(room)) > 0 {
			t.Errorf("%s: got somebody", name)
		}
	}
	err := srv.Of("/nobody").Join(ctx, room)
	equal(t, "text", err.Error(), `framework: join rooms with sockets of namespace "/nobody": namespace is not registered`)
}
