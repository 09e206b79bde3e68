package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

// till counts what it has sold.
type till struct{ sold atomic.Int32 }

func (c *till) sell(map[string]any) int { return int(c.sold.Add(1)) }

// pay is an event with the id where Once looks for it.
func pay(id any) map[string]any { return map[string]any{"amount": 5, "once": id} }

// byAuth names a client by its auth payload, as Auth might.
func byAuth(_ context.Context, e *framework.Event) string {
	var name string
	_ = e.Socket.Auth().Decode(0, &name)
	return name
}

func TestOnceServesAnEventOnce(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	srv.Use(middleware.Once(middleware.OnceOptions{}))
	c := new(till)
	srv.On("pay", c.sell)
	srv.On("refund", c.sell)
	s := sockettest.Connect(t, srv, "/")
	steps := []struct {
		name  string
		event string
		args  []any
		want  string
	}{
		{"first", "pay", []any{pay("a")}, "[1]"},
		{"again", "pay", []any{pay("a")}, "[1]"},
		{"with another id", "pay", []any{pay("b")}, "[2]"},
		{"and the first once more", "pay", []any{pay("a")}, "[1]"},
		{"another event", "refund", []any{pay("a")}, "[3]"},
		{"without an id", "pay", []any{map[string]any{"amount": 5}}, "[4]"},
		{"without an id, again", "pay", []any{map[string]any{"amount": 5}}, "[5]"},
		{"an empty id", "pay", []any{pay("")}, "[6]"},
		{"an id that is no string", "pay", []any{pay(1)}, "[7]"},
		{"again", "pay", []any{pay(1)}, "[8]"},
		{"null", "pay", []any{pay(nil)}, "[9]"},
		{"deep inside", "pay", []any{map[string]any{"order": pay("a")}}, "[10]"},
		{"not in the last argument", "pay", []any{pay("a"), "once"}, "[11]"},
		{"in the last argument", "pay", []any{map[string]any{}, map[string]string{"once": "c"}}, "[12]"},
		{"again", "pay", []any{map[string]any{}, map[string]string{"once": "c"}}, "[12]"},
		{"a long id", "pay", []any{pay(strings.Repeat("x", 100_000))}, "[13]"},
		{"again", "pay", []any{pay(strings.Repeat("x", 100_000))}, "[13]"},
		{"a long id that differs at its end", "pay", []any{pay(strings.Repeat("x", 100_000) + "y")}, "[14]"},
	}
	for _, step := range steps {
		if got := s.Call(step.event, step.args...).JSON(); got != step.want {
			t.Fatalf("%s: got %s, want %s", step.name, got, step.want)
		}
	}
}

func TestOnceKnowsWhoAsks(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	once := middleware.Once(middleware.OnceOptions{Client: byAuth})
	srv.Use(once)
	c := new(till)
	srv.On("pay", c.sell)
	srv.Route("/other", func(r *framework.Router) { r.On("pay", c.sell) })
	steps := []struct {
		name, path, who, want string
	}{
		{"ann", "/", "ann", "[1]"},
		{"ann, over another connection", "/", "ann", "[1]"},
		{"bob", "/", "bob", "[2]"},
		{"ann elsewhere", "/other", "ann", "[3]"},
		{"nobody", "/", "", "[4]"},
		{"another nobody", "/", "", "[5]"},
	}
	for _, step := range steps {
		if got := sockettest.Connect(t, srv, step.path, step.who).Call("pay", pay("a")).JSON(); got != step.want {
			t.Errorf("%s: got %s, want %s", step.name, got, step.want)
		}
	}
}

func TestANameCannotBeASocketsID(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	srv.Use(middleware.Once(middleware.OnceOptions{Client: byAuth}))
	c := new(till)
	srv.On("pay", c.sell)
	s := sockettest.Connect(t, srv, "/")
	s.Call("pay", pay("a"))
	if got, want := sockettest.Connect(t, srv, "/", s.ID()).Call("pay", pay("a")).JSON(), "[2]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOnceTakesAnyID(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	srv.Use(middleware.Once(middleware.OnceOptions{ID: func(e *framework.Event) string {
		var id string // as the tutorial of Socket.IO has it: a string, the last argument
		_ = e.Args.Decode(e.Args.Len()-1, &id)
		return id
	}}))
	said := 0
	srv.On("chat message", func(text *string) int { said++; return said })
	s := sockettest.Connect(t, srv, "/")
	for _, want := range []string{"[1]", "[1]"} {
		if got := s.Call("chat message", "hello", "sid-0").JSON(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got, want := s.Call("chat message").JSON(), "[2]"; got != want {
		t.Errorf("no argument at all: got %s, want %s", got, want)
	}
}

var errStore = errors.New("store is down")

func TestOnceRemembersWhatWasAnswered(t *testing.T) {
	changing := map[string]int{"n": 1}
	tests := []struct {
		name    string
		handler func(calls int) any // a handler that is called for the calls'th time
		want    string
		calls   int // of two events
	}{
		{"nothing", func(int) any { return func() {} }, `[]`, 1},
		{"several results", func(n int) any { return func() (int, string) { return n, "two" } }, `[1,"two"]`, 1},
		{"binary", func(int) any { return func() any { return []any{"a", []byte{1, 2}} } },
			`[["a",{"_placeholder":true,"num":0}]]`, 1},
		{"Args", func(n int) any { return func() framework.Args { return framework.ArgsOf(n, "two") } }, `[1,"two"]`, 1},
		{"what changes afterwards", func(int) any {
			return func() map[string]int { return changing }
		}, `[{"n":1}]`, 1},
		{"an error for the client", func(n int) any {
			return func() error { return fmt.Errorf("x: %w", &framework.Error{Message: "sold out", Data: n}) }
		}, `[{"error":{"message":"sold out","data":1}}]`, 1},
		{"any other error", func(n int) any {
			return func() (int, error) {
				if n == 1 {
					return 0, errStore
				}
				return n, nil
			}
		}, `[2]`, 2},
		{"panic", func(n int) any {
			return func() int {
				if n == 1 {
					panic("boom")
				}
				return n
			}
		}, `[2]`, 2},
		{"the end of the goroutine", func(n int) any {
			return func() int {
				if n == 1 {
					runtime.Goexit()
				}
				return n
			}
		}, `[2]`, 2},
		{"what cannot be sent", func(n int) any {
			return func() any {
				if n == 1 {
					return map[string]any{"f": func() {}}
				}
				return n
			}
		}, `[2]`, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, _ := newServer(zerolog.Disabled)
			srv.Use(middleware.Once(middleware.OnceOptions{}))
			calls := 0
			srv.On("pay", framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
				calls++
				return call(tt.handler(calls))
			}))
			srv.On("next", func() { changing["n"] = 2 })
			s := sockettest.Connect(t, srv, "/")
			s.EmitWithAck("pay", pay("a")) // may fail
			s.Call("next")
			if got := s.Call("pay", pay("a")).JSON(); got != tt.want {
				t.Errorf("the second answer: got %s, want %s", got, tt.want)
			}
			s.Call("pay", pay("a"))
			if calls != tt.calls {
				t.Errorf("the handler was called %d times, want %d", calls, tt.calls)
			}
			changing["n"] = 1
		})
	}
}

// call calls a handler of one of the shapes above.
func call(handler any) ([]any, error) {
	switch f := handler.(type) {
	case func():
		f()
		return nil, nil
	case func() error:
		return nil, f()
	case func() int:
		return []any{f()}, nil
	case func() (int, error):
		n, err := f()
		return []any{n}, err
	case func() (int, string):
		n, text := f()
		return []any{n, text}, nil
	case func() any:
		return []any{f()}, nil
	case func() map[string]int:
		return []any{f()}, nil
	case func() framework.Args:
		return []any{f()}, nil
	}
	panic(fmt.Sprintf("no shape for %T", handler))
}

func TestOnceAnswersAllThatWait(t *testing.T) {
	for name, late := range map[string]bool{"handler still running": false, "handler answers later": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, _ := newServer(zerolog.Disabled)
				srv.Use(middleware.Once(middleware.OnceOptions{Client: byAuth}))
				c := new(till)
				if late {
					srv.On("pay", func(ack *framework.Ack, order map[string]any) {
						n := c.sell(order)
						time.AfterFunc(time.Second, func() { _ = ack.Reply(n) })
					})
				} else {
					srv.On("pay", func(order map[string]any) int {
						time.Sleep(time.Second)
						return c.sell(order)
					})
				}
				srv.On("ping", func() {})

				first := sockettest.Connect(t, srv, "/", "ann")
				first.EmitWithAck("pay", pay("a"))
				synctest.Wait()
				first.Conn().Cut()
				lost := sockettest.Connect(t, srv, "/", "ann").EmitWithAck("pay", pay("a"))
				synctest.Wait()
				s := sockettest.Connect(t, srv, "/", "ann")
				again := s.EmitWithAck("pay", pay("a"))
				s.Emit("pay", pay("a")) // asks for nothing
				s.Call("ping")          // what waits holds nobody up
				if got, want := again.Wait().JSON(), "[1]"; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if lost.Answered() {
					t.Error("more than the last one was answered")
				}
				if got, want := s.Call("pay", pay("a")).JSON(), "[1]"; got != want {
					t.Errorf("from memory: got %s, want %s", got, want)
				}
				if got := c.sold.Load(); got != 1 {
					t.Errorf("sold %d times", got)
				}
			})
		})
	}
}

func TestAFailureIsNoAnswerForWhoWaits(t *testing.T) {
	for name, failure := range map[string]error{"any": errStore, "for the client": &framework.Error{Message: "sold out"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, _ := newServer(zerolog.Disabled)
				srv.Use(middleware.Once(middleware.OnceOptions{Client: byAuth}))
				calls := 0
				srv.On("pay", func(map[string]any) (int, error) {
					calls++
					time.Sleep(time.Second)
					if calls == 1 {
						return 0, failure
					}
					return calls, nil
				})
				sockettest.Connect(t, srv, "/", "ann").Emit("pay", pay("a"))
				synctest.Wait()
				s := sockettest.Connect(t, srv, "/", "ann")
				waits := s.EmitWithAck("pay", pay("a"))
				time.Sleep(2 * time.Second)
				if waits.Answered() {
					t.Errorf("answered with %s", waits.Wait())
				}
				want := "[2]"
				if failure != errStore {
					want = `[{"error":{"message":"sold out"}}]`
				}
				if got := s.Call("pay", pay("a")).JSON(); got != want {
					t.Errorf("when it is sent again: got %s, want %s", got, want)
				}
			})
		})
	}
}

func TestOnceForgets(t *testing.T) {
	tests := []struct {
		name  string
		opts  middleware.OnceOptions
		do    func(ann, bob *sockettest.Socket)
		again string // the answer to ann's first
	}{
		{"not before its time", middleware.OnceOptions{For: time.Minute},
			func(_, _ *sockettest.Socket) { time.Sleep(time.Minute - 1) }, "[1]"},
		{"after its time", middleware.OnceOptions{For: time.Minute},
			func(_, _ *sockettest.Socket) { time.Sleep(time.Minute) }, "[2]"},
		{"five minutes by default", middleware.OnceOptions{},
			func(_, _ *sockettest.Socket) { time.Sleep(5 * time.Minute) }, "[2]"},
		{"the oldest of one client", middleware.OnceOptions{MaxPerClient: 2},
			func(ann, _ *sockettest.Socket) { ann.Call("pay", pay("b")); ann.Call("pay", pay("c")) }, "[4]"},
		{"no more than that", middleware.OnceOptions{MaxPerClient: 3},
			func(ann, _ *sockettest.Socket) { ann.Call("pay", pay("b")); ann.Call("pay", pay("c")) }, "[1]"},
		{"nothing for another client's sake", middleware.OnceOptions{MaxPerClient: 1},
			func(_, bob *sockettest.Socket) { bob.Call("pay", pay("b")); bob.Call("pay", pay("c")) }, "[1]"},
		{"the oldest of all", middleware.OnceOptions{Max: 2},
			func(_, bob *sockettest.Socket) { bob.Call("pay", pay("b")); bob.Call("pay", pay("c")) }, "[4]"},
		{"a late answer that never comes", middleware.OnceOptions{Max: 1},
			func(_, bob *sockettest.Socket) { bob.Emit("never", pay("b")); bob.Call("ping") }, "[2]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.opts.Client = byAuth
				srv, _ := newServer(zerolog.Disabled)
				srv.Use(middleware.Once(tt.opts))
				c := new(till)
				srv.On("pay", c.sell)
				srv.On("ping", func() {})
				srv.On("never", func(*framework.Ack) {})
				ann, bob := sockettest.Connect(t, srv, "/", "ann"), sockettest.Connect(t, srv, "/", "bob")
				ann.Call("pay", pay("a"))
				tt.do(ann, bob)
				if got := ann.Call("pay", pay("a")).JSON(); got != tt.again {
					t.Errorf("got %s, want %s", got, tt.again)
				}
			})
		})
	}
}

func TestOnceLeavesConnectingAlone(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	srv.Use(middleware.Once(middleware.OnceOptions{Client: func(context.Context, *framework.Event) string { return "all" }}))
	connected := 0
	srv.On("connect", func(any) { connected++ })
	for range 2 {
		sockettest.Connect(t, srv, "/", pay("a"))
	}
	if connected != 2 {
		t.Errorf("OnConnect was called %d times, want 2", connected)
	}
}

func TestOncePanicsOnWrongOptions(t *testing.T) {
	for want, opts := range map[string]middleware.OnceOptions{
		"middleware: Once: For is -1s: want 0 for the default, or how long":                   {For: -time.Second},
		"middleware: Once: MaxPerClient is -1 and Max 0: want 0 for the default, or how many": {MaxPerClient: -1},
		"middleware: Once: MaxPerClient is 0 and Max -1: want 0 for the default, or how many": {Max: -1},
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("got the panic %v, want %q", got, want)
				}
			}()
			middleware.Once(opts)
		})
	}
}
