package framework_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// Promise 1.

func TestPromise01HandlersOfOneSocketRunOneAtATimeInOrder(t *testing.T) {
	const events = 200
	var running atomic.Int32
	var order []int // only ever touched by the socket's worker
	done := make(chan []int, 1)
	srv := quiet()
	srv.On("step", func(n int) {
		if running.Add(1) != 1 {
			t.Error("two handlers of one socket at once")
		}
		runtime.Gosched()
		order = append(order, n)
		running.Add(-1)
		if n == events-1 {
			done <- order
		}
	})
	client := sockettest.Connect(t, srv, "/")
	for n := range events {
		client.Emit("step", n)
	}
	for i, n := range receive(t, done) {
		if n != i {
			t.Fatalf("event %d came as number %d", n, i)
		}
	}
}

func TestPromise01SocketsRunBesideEachOther(t *testing.T) {
	met := make(chan struct{})
	srv := quiet()
	srv.On("meet", func() { // each waits for the other: alone neither would return
		select {
		case met <- struct{}{}:
		case <-met:
		}
	})
	a, b := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	first, second := a.EmitWithAck("meet"), b.EmitWithAck("meet")
	first.Wait()
	second.Wait()
}

func TestPromise01NamespacesOfOneClientRunBesideEachOther(t *testing.T) {
	met := make(chan struct{})
	meet := func() {
		select {
		case met <- struct{}{}:
		case <-met:
		}
	}
	srv := quiet()
	srv.On("meet", meet)
	srv.Route("/other", func(r *framework.Router) { r.On("meet", meet) })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	first, second := conn.Join("/").EmitWithAck("meet"), conn.Join("/other").EmitWithAck("meet")
	first.Wait()
	second.Wait()
}

// Promise 2.

func TestPromise02EmitWithAckInsideAHandlerDoesNotWaitForItself(t *testing.T) {
	srv := quiet()
	srv.On("ask", func(ctx context.Context, s *framework.Socket) (string, error) {
		return framework.Call[string](ctx, s, "name")
	})
	client := sockettest.Connect(t, srv, "/")
	answer := client.EmitWithAck("ask")
	client.Expect("name").Ack("ann")
	equal(t, "answer", answer.Wait().String(0), "ann")
}

func TestPromise02NothingInAHandlerStopsTheQueue(t *testing.T) {
	tests := []struct {
		name    string
		handler func()
	}{
		{"panic", func() { panic("boom") }},
		{"panic with nil", func() { panic(nil) }},
		{"Goexit", runtime.Goexit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := quiet()
			srv.On("bad", tt.handler)
			srv.On("good", func() string { return "still here" })
			client := sockettest.Connect(t, srv, "/")
			client.Emit("bad")
			client.Emit("bad")
			equal(t, "after it", client.Call("good").String(0), "still here")
		})
	}
}

func TestPromise02GoexitWhileConnectingRefuses(t *testing.T) {
	srv := quiet()
	srv.On("connect", func() { runtime.Goexit() })
	refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
	equal(t, "message", refusal.Message, "Internal server error")
}

// Promise 8.

func TestPromise08EmitsArriveInCallOrder(t *testing.T) {
	srv := quiet()
	srv.Route("/", func(r *framework.Router) {
		r.Attach(&mixed{})
	})
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			client := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/")
			pending := client.EmitWithAck("mix")
			for i := range 5 * rounds {
				var n int
				e := client.Next()
				if e.Args.Decode(0, &n); n != i {
					t.Fatalf("%s: got number %d, want %d", e.Name, n, i)
				}
			}
			pending.Wait() // behind all of them
			if client.EmitWithAck("nothing").Answered() {
				t.Error("an unknown event was acked")
			}
		})
	}
}

const rounds = 20

// mixed emits in every way there is, from one goroutine.
type mixed struct{ framework.Namespace }

func (m *mixed) OnMix(s *framework.Socket) {
	s.Join("room")
	n := 0
	next := func() int { n++; return n - 1 }
	for range rounds {
		s.Emit("socket", next())
		m.Emit("namespace", next())
		m.To("room").Emit("room", next())
		m.To(s.ID()).Emit("personal", next(), []byte{1, 2, 3})
		s.Send(next())
	}
	s.Leave("room")
	m.To("room").Emit("room", "nobody is there")
}

func TestPromise08JoinAndLeaveCountFromTheirReturn(t *testing.T) {
	srv := quiet()
	srv.On("go", func(s *framework.Socket) {
		ns := s.Namespace()
		ns.To("r").Emit("before")
		s.Join("r")
		ns.To("r").Emit("in")
		s.Leave("r")
		ns.To("r").Emit("after")
	})
	client := sockettest.Connect(t, srv, "/")
	client.Call("go")
	equal(t, "event", client.Next().Name, "in")
	client.ExpectNone()
}

func TestPromise08BinaryPacketsAreNeverSplit(t *testing.T) {
	srv := quiet()
	srv.On("start", func(s *framework.Socket) {
		for g := range 4 {
			go func() {
				for i := range 25 {
					s.Emit("part", g, fmt.Appendf(nil, "%d-%d", g, i), []byte{byte(i)})
				}
			}()
		}
	})
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			client := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/")
			client.Emit("start")
			next := [4]int{}
			for range 100 { // the client fails the test if anything slips between
				e := client.Expect("part")
				var g int
				e.Args.Decode(0, &g)
				equal(t, "text", string(e.Args.Bytes(1)), fmt.Sprintf("%d-%d", g, next[g]))
				next[g]++
			}
		})
	}
}

func TestAnAckDoesNotWaitForTheHandlersBehindIt(t *testing.T) {
	hold, gate := make(chan struct{}), make(chan struct{})
	defer close(gate)
	srv := quiet()
	srv.On("hold", func() { <-hold })
	srv.On("ends its goroutine", runtime.Goexit)
	srv.On("quick", func() string { return "at once" })
	srv.On("slow", func() { <-gate })
	srv.Route("/other", func(r *framework.Router) { r.On("sync", func() {}) })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("hold")
	client.Emit("ends its goroutine")
	answer := client.EmitWithAck("quick")
	client.Emit("slow")
	client.Conn().Join("/other").Call("sync") // so all of them have been read
	close(hold)
	equal(t, "answer", answer.Wait().JSON(), `["at once"]`)
}
