package framework_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// slowly is a class with an event that waits until it is told to go on.
type slowly struct {
	framework.Namespace
	started chan string
	release chan struct{}
	log     chan string
}

func newSlowly() *slowly {
	return &slowly{started: make(chan string, 100), release: make(chan struct{}), log: make(chan string, 100)}
}

func (s *slowly) Routes(r *framework.Router) { r.Concurrent("slow") }
func (s *slowly) OnSlow(name string) string {
	s.started <- name
	<-s.release
	s.log <- "slow " + name
	return name
}
func (s *slowly) OnFast(name string) string { s.log <- "fast " + name; return name }
func (s *slowly) OnDisconnect(r framework.Reason) {
	s.log <- "disconnect: " + string(r)
}

func TestAConcurrentHandlerHoldsUpNobody(t *testing.T) {
	c := newSlowly()
	srv := quiet()
	srv.Register("/", c)
	client := sockettest.Connect(t, srv, "/")
	one, two := client.EmitWithAck("slow", "1"), client.EmitWithAck("slow", "2")
	for range 3 {
		equal(t, "an event behind", client.Call("fast", "x").JSON(), `["x"]`)
	}
	receive(t, c.started)
	receive(t, c.started) // both at a time
	equal(t, "answered", one.Answered() || two.Answered(), false)
	close(c.release)
	equal(t, "answers", one.Wait().JSON()+two.Wait().JSON(), `["1"]["2"]`)
}

func TestFunctionsAndTheCatchAllMayBeConcurrent(t *testing.T) {
	started, release := make(chan string, 10), make(chan struct{})
	wait := func(e *framework.Event) string {
		started <- e.Name
		<-release
		return e.Name
	}
	srv := quiet()
	srv.Route("/", func(r *framework.Router) {
		r.On("one", wait)
		r.On("*", framework.HandlerFunc(func(_ context.Context, e *framework.Event) ([]any, error) { return []any{wait(e)}, nil }))
		r.On("fast", func() {})
		r.Concurrent("one", "*")
	})
	client := sockettest.Connect(t, srv, "/")
	var answers []*sockettest.Pending
	for _, event := range []string{"one", "some", `"quoted"`, "one"} {
		answers = append(answers, client.EmitWithAck(event))
		receive(t, started)
	}
	client.Call("fast")
	close(release)
	for _, a := range answers {
		a.Wait()
	}
}

func TestAFunctionThatWinsOverAConcurrentMethodIsConcurrent(t *testing.T) {
	c, started := newSlowly(), make(chan struct{}, 1)
	srv := quiet()
	srv.Register("/", c)
	srv.On("slow", func() { started <- struct{}{}; <-c.release })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("slow", "1")
	client.Call("fast", "x")
	receive(t, started)
	close(c.release)
}

func TestPromise05OnDisconnectComesBehindConcurrentHandlers(t *testing.T) {
	tests := []struct {
		name, want string
		end        func(client *sockettest.Socket, s *framework.Socket)
	}{
		{"leave", "client namespace disconnect", func(c *sockettest.Socket, _ *framework.Socket) { c.Leave() }},
		{"transport lost", "transport close", func(c *sockettest.Socket, _ *framework.Socket) { c.Conn().Cut() }},
		{"Disconnect", "server namespace disconnect", func(_ *sockettest.Socket, s *framework.Socket) { s.Disconnect() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newSlowly()
			gone := make(chan struct{})
			srv := quiet()
			srv.Register("/chat", c)
			srv.On("disconnect", func() { close(gone) })
			client := sockettest.Connect(t, srv, "/chat")
			client.Emit("slow", "1")
			client.Emit("slow", "2")
			client.Emit("fast", "3")
			receive(t, c.started)
			receive(t, c.started)
			wantLog(t, c.log, "fast 3")
			s, _ := srv.Of("/chat").Socket(client.ID())
			joined := client.Conn().Join("/")
			tt.end(client, s)
			if tt.name == "leave" {
				client.Conn().Refused("/nowhere") // it was read, and waits
				equal(t, "context", s.Context().Err(), nil)
				equal(t, "connected", s.Connected(), true)
			} else {
				<-s.Context().Done() // running handlers are told
			}
			if tt.name != "transport lost" {
				joined.Leave()
			}
			receive(t, gone)
			equal(t, "meanwhile", len(c.log), 0)
			close(c.release)
			first, second := receive(t, c.log), receive(t, c.log)
			if first+second != "slow 1slow 2" && first+second != "slow 2slow 1" {
				t.Errorf("got %q and %q, want both handlers", first, second)
			}
			wantLog(t, c.log, "disconnect: "+tt.want)
		})
	}
}

func TestPromise07EventsBeforeALeaveRunThoughTheyAreConcurrent(t *testing.T) {
	c := newSlowly()
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxConcurrent: 1})
	srv.Register("/", c)
	client := sockettest.Connect(t, srv, "/")
	for _, name := range []string{"1", "2", "3"} {
		client.Emit("slow", name)
	}
	client.Leave()
	for _, name := range []string{"1", "2", "3"} {
		equal(t, "started", receive(t, c.started), name)
		c.release <- struct{}{}
		wantLog(t, c.log, "slow "+name)
	}
	wantLog(t, c.log, "disconnect: client namespace disconnect")
}

func TestDisconnectDropsConcurrentEventsThatWait(t *testing.T) {
	c := newSlowly()
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxConcurrent: 1})
	srv.Register("/", c)
	client := sockettest.Connect(t, srv, "/")
	s, _ := srv.Of("/").Socket(client.ID())
	client.Emit("slow", "1")
	client.Emit("slow", "2")
	client.Emit("fast", "3")
	receive(t, c.started)
	client.Conn().Refused("/nowhere")
	s.Disconnect()
	close(c.release)
	wantLog(t, c.log, "slow 1", "disconnect: server namespace disconnect")
	equal(t, "started", len(c.started), 0)
}

func TestConcurrentHandlersAreBounded(t *testing.T) {
	c := newSlowly()
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxConcurrent: 2})
	srv.Register("/", c)
	gate := make(chan struct{})
	srv.On("gate", func() { <-gate })
	client := sockettest.Connect(t, srv, "/")
	other := sockettest.Connect(t, srv, "/")
	client.Emit("gate") // so that all of it is there when the queue is looked at
	first := client.EmitWithAck("fast", "0")
	var answers []*sockettest.Pending
	for i := range 5 {
		answers = append(answers, client.EmitWithAck("slow", fmt.Sprint(i)))
	}
	last := client.EmitWithAck("fast", "behind")
	client.Conn().Refused("/nowhere")
	close(gate)
	receive(t, c.started)
	receive(t, c.started)
	equal(t, "what was answered before is not held back", first.Wait().JSON(), `["0"]`)
	client.Conn().Refused("/nowhere")
	other.Call("fast", "other")
	equal(t, "started", len(c.started), 0)
	equal(t, "answered", last.Answered(), false)
	c.release <- struct{}{}
	receive(t, c.started)
	client.Conn().Refused("/nowhere")
	equal(t, "started", len(c.started), 0)
	close(c.release)
	for i, a := range answers {
		equal(t, "answer", a.Wait().JSON(), fmt.Sprintf(`["%d"]`, i))
	}
	equal(t, "last", last.Wait().JSON(), `["behind"]`)
}

func TestPromise10ConcurrentEventsCountUntilTheyReturn(t *testing.T) {
	c := newSlowly()
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), Transport: transport.Options{MaxBacklog: 10_000}})
	srv.Register("/", c)
	client := sockettest.Connect(t, srv, "/")
	for range 10 { // more than may wait, of what has been started
		client.Emit("slow", strings.Repeat("x", 500))
	}
	for range 7 {
		receive(t, c.started)
	}
	blocked := client.EmitWithAck("fast", "behind")
	if runtime.Gosched(); len(c.log) > 0 {
		t.Error("the event behind was read")
	}
	close(c.release)
	equal(t, "read at last", blocked.Wait().JSON(), `["behind"]`)
}

func TestPromise11WhatAConcurrentHandlerDoesWrongEndsNothing(t *testing.T) {
	release := make(chan struct{})
	srv := quiet()
	failures := map[string]func(){
		"panics": func() { panic("on purpose") },
		"exits":  runtime.Goexit,
	}
	srv.Route("/", func(r *framework.Router) {
		for name, fail := range failures {
			r.On(name, func(string) { <-release; fail() }) // private to the framework
			r.On(name+" with context", func(context.Context, *framework.Event) { <-release; fail() })
			r.Concurrent(name, name+" with context")
		}
		r.On("fails", func() error { <-release; return errors.New("on purpose") })
		r.Concurrent("fails")
		r.On("fine", func() {})
		r.OnError(func(_ context.Context, e *framework.Event, _ error) ([]any, bool) { return []any{e.Name}, true })
	})
	gone := make(chan struct{})
	srv.On("disconnect", func() { close(gone) })
	client := sockettest.Connect(t, srv, "/")
	want := make(map[string]*sockettest.Pending)
	for _, event := range []string{"panics", "panics with context", "exits", "exits with context", "fails"} {
		want[event] = client.EmitWithAck(event, "x")
	}
	client.Call("fine")
	close(release)
	for event, answer := range want {
		equal(t, "answer", answer.Wait().JSON(), fmt.Sprintf("[%q]", event))
	}
	client.Call("fine")
	client.Leave()
	receive(t, gone) // all have been counted down
}

func TestConcurrentEventsOfAllSortsSideBySide(t *testing.T) {
	type parts struct {
		A string
		L []string
	}
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxConcurrent: 5})
	var running, most atomic.Int32
	enter := func() func() {
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		runtime.Gosched()
		return func() { running.Add(-1) }
	}
	srv.Route("/", func(r *framework.Router) {
		r.On("text", func(v string) string { defer enter()(); return v })
		r.On("parts", func(_ context.Context, _ *framework.Socket, v parts) parts { defer enter()(); return v })
		r.On("raw", func(args framework.Args) framework.Args { defer enter()(); return args })
		r.On("ack", func(a *framework.Ack, v string) { defer enter()(); go a.Reply(v) })
		r.On("exits", func(string) { defer enter()(); runtime.Goexit() })
		r.Concurrent("text", "parts", "raw", "ack", "exits")
		r.On("ordered", func(v string) string { return v })
	})
	var clients sync.WaitGroup
	for k := range 4 {
		client := sockettest.Connect(t, srv, "/")
		clients.Go(func() {
			for i := range 30 {
				text := fmt.Sprintf("%d-%d-%s", k, i, strings.Repeat("z", i*97%3000))
				q := fmt.Sprintf("%q", text)
				p := parts{text, []string{text, text}}
				want := map[*sockettest.Pending]string{}
				for range 3 {
					client.Emit("exits", text)
					want[client.EmitWithAck("text", text)] = q
					want[client.EmitWithAck("ordered", text)] = q
					want[client.EmitWithAck("parts", p)] = fmt.Sprintf(`{"A":%s,"L":[%s,%s]}`, q, q, q)
					want[client.EmitWithAck("raw", text)] = q
					want[client.EmitWithAck("ack", text)] = q
				}
				for answer, w := range want {
					equal(t, "answer", answer.Wait().JSON(), "["+w+"]")
				}
			}
			client.Leave()
		})
	}
	clients.Wait()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "running", running.Load(), 0)
	if n := most.Load(); n > 4*5 {
		t.Errorf("got %d at a time, want no more than 5 a client", n)
	}
}

func TestConcurrentEventsThatComeBeforeTheirChildRunBeside(t *testing.T) {
	begun, made := make(chan struct{}), make(chan struct{})
	c := newSlowly()
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) {
		close(begun)
		<-made
		return c, nil
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0/job/1,")
	for _, packet := range []string{`2/job/1,["slow","1"]`, `2/job/1,["slow","2"]`, `2/job/1,7["fast","3"]`, `2/job/1,["unknown"]`, `2/job/1,8["fast","4"]`} {
		conn.Send(packet)
	}
	receive(t, begun)
	conn.Refused("/nowhere")
	close(made)
	receive(t, c.started)
	receive(t, c.started)
	wantLog(t, c.log, "fast 3", "fast 4")
	waitFrame(t, conn, `< 43/job/1,8["4"]`)
	close(c.release)
}

func TestPromise15ShutdownWaitsForConcurrentHandlers(t *testing.T) {
	c := newSlowly()
	srv := quiet()
	srv.Register("/", c)
	client := sockettest.Connect(t, srv, "/")
	client.Emit("slow", "1")
	receive(t, c.started)
	done := make(chan error, 1)
	go func() { done <- srv.Shutdown(context.Background()) }()
	client.Conn().Refused("/nowhere")
	equal(t, "over", len(done), 0)
	close(c.release)
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
	wantLog(t, c.log, "slow 1", "disconnect: server shutting down")
}

func TestConcurrentMistakesPanic(t *testing.T) {
	noop := func() {}
	tests := []struct {
		name string
		f    func(srv *framework.Server)
		want []string
	}{
		{"nothing serves it", func(srv *framework.Server) {
			srv.Route("/chat", func(r *framework.Router) { r.On("slow_query", noop); r.Concurrent("slowQuery") })
		}, []string{`Concurrent("slowQuery") on "/chat": nothing serves that event here yet: Concurrent comes behind On`, "slow_query?"}},
		{"connecting", func(srv *framework.Server) {
			srv.Route("/", func(r *framework.Router) { r.On("connect", noop); r.Concurrent("connect") })
		}, []string{"connecting comes before all events"}},
		{"a bound below nothing", func(*framework.Server) { framework.New(framework.Options{MaxConcurrent: -1}) }, []string{"Options.MaxConcurrent is -1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantPanic(t, func() { tt.f(quiet()) }, tt.want...)
		})
	}
}
