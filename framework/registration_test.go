package framework_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// panicText runs f and returns what it panicked with.
func panicText(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

// wantPanic checks that f panics with a sentence that holds every part.
func wantPanic(t *testing.T, f func(), parts ...string) {
	t.Helper()
	text := panicText(f)
	if text == "" {
		t.Fatalf("no panic, want one with %q", parts)
	}
	if !strings.HasPrefix(text, "framework: ") {
		t.Errorf("the panic does not say where it comes from: %s", text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("the panic lacks %q:\n%s", part, text)
		}
	}
}

type misfits struct{ framework.Namespace }

func (m *misfits) OnSave(string, *framework.Socket) {}
func (m *misfits) OnWatch(chan int)                 {}

//lint:ignore ST1008 the misfit is meant
func (m *misfits) OnFails() (error, string)                { return nil, "" }
func (m *misfits) OnTypedError() *framework.Error          { return nil }
func (m *misfits) OnAckTwice(*framework.Ack) (string, int) { return "", 0 }
func (m *misfits) OnConnect(a, b string)                   {}
func (m *misfits) OnDisconnect(n int) string               { return "" }
func (m *misfits) OnError(s string)                        {}
func (m *misfits) OnConnection()                           {}
func (m *misfits) OnDisconnecting()                        {}
func (m *misfits) OnConnectError()                         {}
func (m *misfits) OnAny(string)                            {}
func (m *misfits) OnFine(int) string                       { return "" }
func (m *misfits) Online() (chan int, chan int)            { return nil, nil } // not a handler: no capital behind On

func TestAllMisfitsOfATypeAreInOnePanic(t *testing.T) {
	wantPanic(t, func() { quiet().Register("/chat", &misfits{}) },
		`*framework_test.misfits at "/chat" does not fit:`,
		"(*framework_test.misfits).OnSave has type func(string, *framework.Socket), it takes *framework.Socket behind the arguments",
		"want func([context.Context], [*framework.Socket], [*framework.Ack], args...) (results..., [error])",
		"OnWatch has type func(chan int)",
		"OnFails has type func() (error, string), it returns error before its last result",
		"OnTypedError has type func() *framework.Error, it returns *framework.Error as a result to be sent: make it error, as the last one",
		"OnAckTwice has type func(*framework.Ack) (string, int), it takes an *framework.Ack and returns results",
		"OnConnect has type func(string, string), it takes string, which nothing fits: want func([context.Context], [*framework.Socket], [auth T]) [error]",
		"OnDisconnect has type func(int) string",
		"OnError has type func(string), it takes no error: want func([context.Context], [*framework.Event], error) (results...)",
		"OnConnection: no event is called so here: OnConnect is called for each client that joins",
		"OnDisconnecting: no event is called so here: OnDisconnect still reads the rooms",
		"OnConnectError: no event is called so here: return framework.Refuse",
		"OnAny: no event is called so here: register",
	)
	if text := panicText(func() { quiet().Register("/chat", &misfits{}) }); strings.Contains(text, "OnFine") || strings.Contains(text, "Online") {
		t.Errorf("the panic names what fits:\n%s", text)
	}
}

// A library type whose author never thought of clients.
type store struct{}

func (store) OnDeleteEverything() {}

var _ = ownDelete{}.store // staticcheck does not see what embedding is for

type Base struct{ framework.Namespace }

func (b *Base) OnShared() string { return "shared" }

type (
	withStore struct {
		framework.Namespace
		store
	}
	withStorePtr struct {
		framework.Namespace
		*store
	}
	deepStore   struct{ withStore }
	withPointer struct{ *framework.Namespace }
	deepPointer struct{ withPointer }
	ownDelete   struct {
		framework.Namespace
		store
	}
	inherits       struct{ Base }
	valueReceiver  struct{ framework.Namespace }
	twoNames       struct{ framework.Namespace }
	plain          struct{ framework.Namespace }
	reservedByName struct{ framework.Namespace }
)

func (o *ownDelete) OnDeleteEverything() string { return "own" }
func (v valueReceiver) OnValue() string         { return "value" }
func (t *twoNames) OnHTTPPing()                 {}
func (t *twoNames) OnHttpPing()                 {}
func (p *plain) OnGreet(name string) string     { return "hello " + name }
func (r *reservedByName) OnNewListener()        {}
func (v *withPointer) OnX()                     {}

func TestRegistrationMistakesPanic(t *testing.T) {
	noop := func() {}
	tests := []struct {
		name string
		f    func(srv *framework.Server)
		want []string
	}{
		{"method of an embedded type", func(srv *framework.Server) { srv.Register("/", &withStore{}) },
			[]string{"OnDeleteEverything comes from the embedded framework_test.store, which does not embed framework.Namespace: any client could call it"}},
		{"method of an embedded pointer", func(srv *framework.Server) { srv.Register("/", &withStorePtr{store: &store{}}) },
			[]string{"OnDeleteEverything comes from the embedded framework_test.store"}},
		{"method of a type embedded deeper", func(srv *framework.Server) { srv.Register("/", &deepStore{}) },
			[]string{"OnDeleteEverything comes from the embedded framework_test.store"}},
		{"Namespace embedded as a pointer", func(srv *framework.Server) { srv.Register("/", &withPointer{}) },
			[]string{"framework_test.withPointer embeds *framework.Namespace: embed framework.Namespace by value"}},
		{"and deeper", func(srv *framework.Server) { srv.Register("/", &deepPointer{}) },
			[]string{"framework_test.withPointer embeds *framework.Namespace"}},
		{"a value in place of a pointer", func(srv *framework.Server) { srv.Register("/", withPointer{}) },
			[]string{"want a non-nil pointer to a struct that embeds framework.Namespace"}},
		{"a nil pointer", func(srv *framework.Server) { srv.Register("/", (*plain)(nil)) },
			[]string{"want a non-nil pointer"}},
		{"nothing", func(srv *framework.Server) { srv.Register("/", nil) }, []string{"want a non-nil pointer"}},
		{"two methods for an event", func(srv *framework.Server) { srv.Register("/", &twoNames{}) },
			[]string{`(*framework_test.twoNames).OnHTTPPing and (*framework_test.twoNames).OnHttpPing both serve "http_ping"`}},
		{"two functions for an event", func(srv *framework.Server) { srv.On("x", noop); srv.On("x", noop) },
			[]string{`On("x") on "/"`, `both serve "x"`}},
		{"two connects", func(srv *framework.Server) { srv.On("connect", noop); srv.On("connect", noop) },
			[]string{`On("connect")`, `both serve "connect"`}},
		{"two classes with one event", func(srv *framework.Server) {
			srv.Route("/", func(r *framework.Router) { r.Attach(&plain{}); r.Attach(&plain{}) })
		}, []string{"OnGreet", `both serve "greet"`}},
		{"a second server OnError", func(srv *framework.Server) {
			h := func(context.Context, *framework.Event, error) ([]any, bool) { return nil, false }
			srv.OnError(h)
			srv.OnError(h)
		}, []string{"OnError already"}},
		{"one value under two paths", func(srv *framework.Server) {
			p := &plain{}
			srv.Register("/a", p)
			srv.Register("/b", p)
		}, []string{`*framework_test.plain at "/b": the value is registered at "/a" already`}},
		{"a path without slash", func(srv *framework.Server) { srv.Register("chat", &plain{}) },
			[]string{`path "chat" does not begin with a slash: want "/chat"`}},
		{"an empty path", func(srv *framework.Server) { srv.Register("", &plain{}) }, []string{`want "/"`}},
		{"a path with a comma", func(srv *framework.Server) { srv.Register("/a,b", &plain{}) }, []string{"comma"}},
		{"a reserved event", func(srv *framework.Server) { srv.On("connect_error", noop) },
			[]string{`On("connect_error") on "/": the protocol reserves that name: return framework.Refuse(...)`}},
		{"Node's disconnecting", func(srv *framework.Server) { srv.On("disconnecting", noop) },
			[]string{`On("disconnecting") on "/": the protocol reserves that name: "disconnect" still reads the rooms`}},
		{"Node's callback", func(srv *framework.Server) { srv.On("x", func(string, func(int)) {}) },
			[]string{"takes func(int): the acknowledgement is what the handler returns, or what it gives to a *framework.Ack"}},
		{"another reserved event", func(srv *framework.Server) { srv.On("newListener", noop) }, []string{"the protocol reserves that name"}},
		{"Node's connection", func(srv *framework.Server) { srv.On("connection", noop) }, []string{`no event is called so here: "connect" is served`}},
		{"no event", func(srv *framework.Server) { srv.On("", noop) }, []string{"an event needs a name"}},
		{"a nil OnError", func(srv *framework.Server) { srv.OnError(nil) }, []string{"the handler is nil"}},
		{"a nil Router.OnError", func(srv *framework.Server) {
			srv.Route("/", func(r *framework.Router) { r.OnError(nil) })
		}, []string{"the handler is nil"}},
		{"a pattern", func(srv *framework.Server) { srv.Register("/job/{id}", &plain{}) }, []string{`path "/job/{id}" is a pattern: RegisterFunc`}},
		{"a query", func(srv *framework.Server) { srv.Register("/a?b=1", &plain{}) }, []string{`want "/a"`}},
		{"an Event by value", func(srv *framework.Server) { srv.On("x", func(framework.Event) {}) }, []string{"want *framework.Event"}},
		{"Args before the last", func(srv *framework.Server) { srv.On("x", func(framework.Args, string) {}) },
			[]string{"takes framework.Args before its last parameter"}},
		{"Routes with another shape", func(srv *framework.Server) { srv.Register("/", &routesByValue{}) },
			[]string{"(*framework_test.routesByValue).Routes has type func(framework.Router): want func(*framework.Router)"}},
		{"On behind the first request", func(srv *framework.Server) {
			srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			srv.Register("/", &plain{})
		}, []string{"Register comes behind the first request"}},
		{"no function", func(srv *framework.Server) { srv.On("x", 42) }, []string{"handler is int: want func("}},
		{"a nil function", func(srv *framework.Server) { srv.On("x", (func())(nil)) }, []string{"want func("}},
		{"a nil handler", func(srv *framework.Server) { srv.On("x", nil) }, []string{"want func("}},
		{"a wrong function", func(srv *framework.Server) { srv.On("x", func(func()) {}) }, []string{"handler has type func(func())"}},
		{"nil middleware", func(srv *framework.Server) { srv.Use(nil) }, []string{"middleware 1 of 1 is nil"}},
		{"a middleware that returns nil", func(srv *framework.Server) {
			srv.Use(func(framework.Handler) framework.Handler { return nil })
			srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}, []string{"a middleware returned a nil Handler"}},
		{"Use in Routes", func(srv *framework.Server) { srv.Register("/", &usesInRoutes{}) },
			[]string{"Use in the Routes method of *framework_test.usesInRoutes would wrap none of its OnXxx methods"}},
		{"a negative bound", func(*framework.Server) { framework.New(framework.Options{MaxAttachments: -1}) },
			[]string{"Options.MaxAttachments is -1"}},
		{"Use behind a handler", func(srv *framework.Server) { srv.On("x", noop); srv.Use() }, []string{"middleware first"}},
		{"Router.Use behind a handler", func(srv *framework.Server) {
			srv.Route("/", func(r *framework.Router) { r.On("x", noop); r.Use() })
		}, []string{"middleware first"}},
		{"registering behind the first request", func(srv *framework.Server) {
			srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			srv.On("x", noop)
		}, []string{"comes behind the first request"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantPanic(t, func() { tt.f(quiet()) }, tt.want...)
		})
	}
}

func TestEventNamesThatAreReservedAreMisfits(t *testing.T) {
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), EventName: framework.CamelCase})
	wantPanic(t, func() { srv.Register("/", &reservedByName{}) }, "OnNewListener", `"newListener"`, "reserves")
}

func TestWhatFitsIsServed(t *testing.T) {
	srv := quiet()
	srv.Register("/own", &ownDelete{})
	srv.Register("/base", &inherits{})
	srv.Register("/value", &valueReceiver{})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	equal(t, "overridden", conn.Join("/own").Call("delete_everything").JSON(), `["own"]`)
	equal(t, "inherited", conn.Join("/base").Call("shared").JSON(), `["shared"]`)
	equal(t, "value receiver", conn.Join("/value").Call("value").JSON(), `["value"]`)
}

func TestAFunctionWinsOverAMethod(t *testing.T) {
	for _, order := range []string{"function first", "method first"} {
		t.Run(order, func(t *testing.T) {
			srv, log := logged()
			register := []func(){
				func() { srv.On("greet", func() string { return "function" }) },
				func() { srv.Register("/", &plain{}) },
			}
			if order == "method first" {
				slices.Reverse(register)
			}
			for _, f := range register {
				f()
			}
			equal(t, "answer", sockettest.Connect(t, srv, "/").Call("greet", "ann").JSON(), `["function"]`)
			if !strings.Contains(log.String(), "function wins over method") {
				t.Error("no debug line")
			}
		})
	}
}

// routed names events that no method can have.
type routed struct{ framework.Namespace }

func (r *routed) Routes(router *framework.Router) {
	router.On("chat message", r.say)
	router.On("*", func(e *framework.Event, args framework.Args) (string, framework.Args) { return e.Name, args })
}
func (r *routed) say(text string) string { return "said " + text }

type routesByValue struct{ framework.Namespace }

func (r *routesByValue) Routes(framework.Router) {}

type usesInRoutes struct{ framework.Namespace }

func (u *usesInRoutes) Routes(r *framework.Router) { r.Use() }

func TestClassesInOneGroupDoNotShareWhatTheyAdd(t *testing.T) {
	var log []string
	note := func(name string) framework.Middleware { return trace(name, &log) }
	srv := quiet()
	srv.Route("/", func(r *framework.Router) {
		r.Group(func(r *framework.Router) {
			r.Use(note("1"))
			r.Use(note("2"))
			r.Use(note("3"))
			r.Attach(&narrow{event: "a", mw: note("a")})
			r.Attach(&narrow{event: "b", mw: note("b")})
		})
	})
	client := sockettest.Connect(t, srv, "/")
	log = nil
	client.Call("a")
	client.Call("b")
	want := []string{"a a <nil>", "3 a <nil>", "2 a <nil>", "1 a <nil>", "b b <nil>", "3 b <nil>", "2 b <nil>", "1 b <nil>"}
	if !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}

type narrow struct {
	framework.Namespace
	event string
	mw    framework.Middleware
}

func (n *narrow) Routes(r *framework.Router) {
	r.Group(func(r *framework.Router) {
		r.Use(n.mw)
		r.On(n.event, func() {})
	})
}

func TestRoutesAndCatchAll(t *testing.T) {
	srv := quiet()
	srv.Register("/", &routed{})
	client := sockettest.Connect(t, srv, "/")
	equal(t, "routed", client.Call("chat message", "hi").JSON(), `["said hi"]`)
	equal(t, "catch-all", client.Call("anything", 1, "b").JSON(), `["anything",[1,"b"]]`)
}

func TestEventsListsTheTables(t *testing.T) {
	srv := quiet()
	srv.Register("/b", &plain{})
	srv.On("sum", func(context.Context, ...int) (int, error) { return 0, nil })
	srv.On("connect", func(auth map[string]string) {})
	srv.On("raw", framework.HandlerFunc(func(context.Context, *framework.Event) ([]any, error) { return nil, nil }))
	var got []string
	for _, e := range srv.Events() {
		got = append(got, fmt.Sprintf("%s %s %v %v", e.Namespace, e.Event, e.Args, e.Results))
	}
	want := []string{
		"/ connect [map[string]string] []",
		"/ raw [] []",
		"/ sum [...int] [int]",
		"/b greet [string] [string]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEventNames(t *testing.T) {
	tests := []struct{ method, snake, camel, kebab string }{
		{"MyEvent", "my_event", "myEvent", "my-event"},
		{"HTTPPing", "http_ping", "httpPing", "http-ping"},
		{"V2Join", "v2_join", "v2Join", "v2-join"},
		{"Message", "message", "message", "message"},
		{"ID", "id", "id", "id"},
		{"UserID", "user_id", "userID", "user-id"},
		{"Snake_Case", "snake_case", "snakeCase", "snake-case"},
		{"Élan", "élan", "élan", "élan"},
	}
	for _, tt := range tests {
		equal(t, tt.method, framework.SnakeCase(tt.method), tt.snake)
		equal(t, tt.method, framework.CamelCase(tt.method), tt.camel)
		equal(t, tt.method, framework.KebabCase(tt.method), tt.kebab)
	}
}

func TestHandlerShapes(t *testing.T) {
	type point struct{ X, Y int }
	tests := []struct {
		name    string
		handler any
		args    []any
		want    string
	}{
		{"nothing", func() {}, nil, `[]`},
		{"extra arguments", func(a int) int { return a }, []any{1, 2, 3}, `[1]`},
		{"context, socket and ack", func(_ context.Context, s *framework.Socket, a *framework.Ack, n int) error {
			return a.Reply(n, s.ID() != "")
		}, []any{7}, `[7,true]`},
		{"ack later", func(a *framework.Ack) { go a.Reply("later") }, nil, `["later"]`},
		{"struct", func(p point) point { return point{p.Y, p.X} }, []any{map[string]int{"X": 1, "y": 2}}, `[{"X":2,"Y":1}]`},
		{"optional absent", func(n *int) bool { return n == nil }, nil, `[true]`},
		{"optional null", func(n *int) bool { return n == nil }, []any{nil}, `[true]`},
		{"optional present", func(n *int) int { return *n }, []any{3}, `[3]`},
		{"null into a value", func(n int, s string) (int, string) { return n, s }, []any{nil, nil}, `[0,""]`},
		{"variadic", func(first string, rest ...int) (string, []int) { return first, rest }, []any{"a", 1, 2}, `["a",[1,2]]`},
		{"variadic without", func(rest ...int) int { return len(rest) }, nil, `[0]`},
		{"any", func(v any) string { return fmt.Sprintf("%T", v) }, []any{1}, `["int64"]`},
		{"args spread", func(args framework.Args) framework.Args { return args }, []any{1, "b", []byte("x")}, `[1,"b",{"_placeholder":true,"num":0}]`},
		{"binary", func(b []byte) int { return len(b) }, []any{[]byte("four")}, `[4]`},
		{"error only", func() error { return nil }, nil, `[]`},
		{"nil result", func() *point { return nil }, nil, `[null]`},
	}
	srv := quiet()
	for _, tt := range tests {
		srv.On(tt.name, tt.handler)
	}
	for _, transport := range []string{"websocket", "polling"} {
		client := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/")
		for _, tt := range tests {
			t.Run(transport+"/"+tt.name, func(t *testing.T) {
				equal(t, "answer", client.Call(tt.name, tt.args...).JSON(), tt.want)
			})
		}
	}
}
