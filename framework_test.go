package parlor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// The seed is the "Getting Started" page of Flask-SocketIO, which parlor equals
// promise by promise. docs/from-flask-socketio.md numbers the promises; the
// tests of promise 36 begin with TestSeed036. Its sections about
// initialization, receiving and sending are here, the others in
// framework/seed_*_test.go.

// Initialization

func TestSeed001OneServerIsAttachedToTheApplication(t *testing.T) {
	srv := quiet()
	r := chi.NewRouter()
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the page") })
	r.Mount("/socket.io", srv)
	defer shutdown(t, srv)

	for target, want := range map[string]string{
		"/":                                   `^the page$`,
		"/socket.io/?EIO=4&transport=polling": `^0\{"sid":`,
		"/socket.io?EIO=4&transport=polling":  `^0\{"sid":`, // 404 in Flask
	} {
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, httptest.NewRequest("GET", target, nil))
		if got := answer.Body.String(); answer.Code != http.StatusOK || !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("GET %s: got %d %q, want 200 %s", target, answer.Code, got, want)
		}
	}
}

func TestSeed002HandlersAreRegisteredBeforeAndAfterMounting(t *testing.T) {
	srv := quiet()
	srv.On("before", func() string { return "before" })
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	srv.On("after", func() string { return "after" })

	s := sockettest.Connect(t, r, "/")
	equal(t, "before", s.Call("before").JSON(), `["before"]`)
	equal(t, "after", s.Call("after").JSON(), `["after"]`)

	// Flask takes handlers at any time; here the first request ends registration.
	mustPanic(t, "On behind the first request", "register everything before serving", func() {
		srv.On("late", func() {})
	})
}

func TestSeed003RunStartsTheWebServer(t *testing.T) {
	srv, addrs := announcing()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the page") })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx, "127.0.0.1:0", page) }()
	addr := receive(t, addrs)

	for path, want := range map[string]string{
		"/":                                   "the page",
		"/some/page":                          "the page",
		"/socket.io/?EIO=4&transport=polling": `0{"sid":`,
	} {
		answer, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || !strings.HasPrefix(string(body), want) {
			t.Errorf("GET %s: got %q and %v, want %q", path, body, err, want)
		}
	}
	stop()
	if err := receive(t, ended); err != nil {
		t.Errorf("Run returned %v, want nil after a clean end", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestSeed003RunIsAt127001Port5000ByDefault(t *testing.T) {
	srv, addrs := announcing()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx, "", nil) }()
	const want = "127.0.0.1:5000"
	select {
	case addr := <-addrs:
		equal(t, "address", addr, want)
		stop()
		if err := receive(t, ended); err != nil {
			t.Errorf("Run returned %v, want nil after a clean end", err)
		}
	case err := <-ended: // somebody else has the port: then the error names it
		stop()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error about %s", err, want)
		}
	}
}

// announcing makes a server that says where Run serves it.
func announcing() (*framework.Server, <-chan string) {
	addrs := make(chan string, 1)
	log := writerFunc(func(p []byte) (int, error) {
		var line struct{ Message, Addr string }
		if json.Unmarshal(p, &line) == nil && line.Message == "serving" {
			addrs <- line.Addr
		}
		return len(p), nil
	})
	return framework.New(framework.Options{Logger: zerolog.New(log), Transport: unhurried}), addrs
}

func TestSeed007AClientWithItsDefaultsPollsAndUpgrades(t *testing.T) {
	srv := quiet()
	srv.On("transport", func(s *framework.Socket) string { return s.Transport() })
	s := sockettest.Dial(t, srv, sockettest.Options{Transport: "upgrade"}).Join("/")
	equal(t, "transport", s.Call("transport").JSON(), `["websocket"]`)

	s = sockettest.Dial(t, srv, sockettest.Options{Transport: "polling"}).Join("/")
	equal(t, "transport", s.Call("transport").JSON(), `["polling"]`)
}

func TestSeed008AClientEmitsInItsOwnConnectHandler(t *testing.T) {
	srv := quiet()
	got := make(chan string, 2)
	srv.On("connect", func() {})
	srv.On("my event", func(in struct{ Data string }) { got <- in.Data })

	s := sockettest.Connect(t, srv, "/")
	s.Emit("my event", map[string]string{"data": "I'm connected!"})
	equal(t, "behind the answer to CONNECT", receive(t, got), "I'm connected!")

	// Flask drops what a client sends before it has been answered.
	c := sockettest.Dial(t, srv, sockettest.Options{})
	c.Send(`0`)
	c.Send(`2["my event",{"data":"not yet"}]`)
	equal(t, "right behind CONNECT", receive(t, got), "not yet")
}

func TestSeed009TheDefaultNamespaceNeedsNoHandler(t *testing.T) {
	s := sockettest.Connect(t, quiet(), "/")
	equal(t, "length of the sid", len(s.ID()), 20)
}

// Receiving Messages

func TestSeed010MessagesAreEventsInBothDirections(t *testing.T) {
	srv := quiet()
	srv.On("question", func(s *framework.Socket, v int) error { return s.Emit("answer", v*2) })
	s := sockettest.Connect(t, srv, "/")
	s.Emit("question", 21)
	equal(t, "answer", s.Expect("answer").Args.JSON(), `[42]`)
}

func TestSeed011AnEventHasOneHandler(t *testing.T) {
	srv := quiet()
	srv.On("a", func() string { return "handler of a" })
	srv.On("b", func() string { return "handler of b" })
	// In Flask the second registration silently replaces the first.
	mustPanic(t, "a second handler", `On("a") on "/"`, func() { srv.On("a", func() {}) })

	s := sockettest.Connect(t, srv, "/")
	equal(t, "a", s.Call("a").JSON(), `["handler of a"]`)
	equal(t, "b", s.Call("b").JSON(), `["handler of b"]`)
}

func TestSeed012MessageIsTheUnnamedStringEvent(t *testing.T) {
	srv := quiet()
	got := make(chan string, 1)
	srv.On("message", func(data string) { got <- data })
	sockettest.Connect(t, srv, "/").Send("hello")
	equal(t, "received message", receive(t, got), "hello")
}

func TestSeed013JSONIsTheUnnamedJSONEvent(t *testing.T) {
	srv := quiet()
	got := make(chan map[string]int, 1)
	srv.On("json", func(data map[string]int) { got <- data })
	sockettest.Connect(t, srv, "/").Emit("json", map[string]int{"a": 1})
	equal(t, "received json", receive(t, got)["a"], 1)
}

func TestSeed014AnyStringNamesAnEvent(t *testing.T) {
	srv := quiet()
	names := []string{"my_event", "my event", "chat:message", "日本 🎉", `"quoted"\`, "7"}
	for _, name := range names {
		srv.On(name, func() string { return name })
	}
	s := sockettest.Connect(t, srv, "/")
	for _, name := range names {
		equal(t, "handler called", s.Call(name).String(0), name)
	}
}

func TestSeed014NamesThatAreNoStrings(t *testing.T) {
	srv := quiet()
	called := make(chan bool, 1)
	srv.On("7", func() { called <- true })
	c := sockettest.Dial(t, srv, sockettest.Options{})
	c.Send(`0`)
	c.Send(`2[7]`) // as JavaScript has it: a number is its own text
	receive(t, called)

	for _, packet := range []string{`2[null]`, `2[true]`, `2[{"a":1}]`, `2[["a"]]`, `2[]`} {
		c := sockettest.Dial(t, srv, sockettest.Options{})
		c.Send(`0`)
		c.Send(packet)
		c.Closed() // the reference server takes it for an invalid packet, too
	}
}

func TestSeed015APayloadMayBeAString(t *testing.T) {
	srv := quiet()
	srv.On("len", func(s string) (string, int) { return s, len(s) })
	s := sockettest.Connect(t, srv, "/")
	equal(t, "string", s.Call("len", `say "hi"`).JSON(), `["say \"hi\"",8]`)
	equal(t, "empty string", s.Call("len", "").JSON(), `["",0]`)
}

func TestSeed016APayloadMayBeBytes(t *testing.T) {
	type blob struct {
		Name string            `json:"name"`
		Data []byte            `json:"data"`
		More map[string][]byte `json:"more"`
	}
	srv := quiet()
	srv.On("bytes", func(b []byte) []byte { return b })
	srv.On("blob", func(b blob) blob { return b })
	srv.On("list", func(list [][]byte, last []byte) (int, []byte) { return len(list), last })

	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			s := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/")
			data := []byte{0, 1, 0xFE, 0xFF}
			equal(t, "bytes", string(s.Call("bytes", data).Bytes(0)), string(data))
			equal(t, "no byte", len(s.Call("bytes", []byte{}).Bytes(0)), 0)

			var got blob
			s.Call("blob", blob{"b", data, map[string][]byte{"k": {7}}}).Decode(0, &got)
			equal(t, "in a struct", string(got.Data), string(data))
			equal(t, "in a map", string(got.More["k"]), "\x07")
			equal(t, "beside them", got.Name, "b")

			answer := s.Call("list", [][]byte{{1}, {2}, {3}}, data)
			var n int
			answer.Decode(0, &n)
			equal(t, "list of bytes", n, 3)
			equal(t, "argument behind it", string(answer.Bytes(1)), string(data))
		})
	}
}

func TestSeed017APayloadMayBeANumber(t *testing.T) {
	srv := quiet()
	srv.On("int", func(n int64) int64 { return n })
	srv.On("float", func(f float64) float64 { return f })
	srv.On("any", func(v any) (string, any) { return fmt.Sprintf("%T", v), v })
	s := sockettest.Connect(t, srv, "/")
	equal(t, "int", s.Call("int", -42).JSON(), `[-42]`)
	equal(t, "beyond JavaScript's integers", s.Call("int", int64(1)<<53+1).JSON(), `[9007199254740993]`)
	equal(t, "float", s.Call("float", 4.5).JSON(), `[4.5]`)
	equal(t, "any int", s.Call("any", int64(1)<<53+1).JSON(), `["int64",9007199254740993]`)
	equal(t, "any float", s.Call("any", 4.5).JSON(), `["float64",4.5]`)
	huge := "123456789012345678901234567890"
	equal(t, "any huge", s.Call("any", json.Number(huge)).JSON(), `["json.Number",`+huge+`]`)
}

func TestSeed018APayloadMayBeAnyJSON(t *testing.T) {
	srv := quiet()
	srv.On("any", func(v any) any { return v })
	srv.On("raw", func(v json.RawMessage) json.RawMessage { return v })
	srv.On("typed", func(v struct {
		Name string
		Tags []string
	}) string {
		return v.Name + " " + strings.Join(v.Tags, "+")
	})
	s := sockettest.Connect(t, srv, "/")
	for _, payload := range []string{
		`{"a":{"b":[1,2.5,"x"]}}`, `[]`, `{}`, `true`, `false`, `null`, `[null,[true]]`, `"日本"`,
	} {
		for _, event := range []string{"any", "raw"} {
			equal(t, event, s.Call(event, json.RawMessage(payload)).JSON(), "["+payload+"]")
		}
	}
	typed := s.Call("typed", map[string]any{"name": "ann", "tags": []string{"a", "b"}})
	equal(t, "struct", typed.JSON(), `["ann a+b"]`)
}

func TestSeed019SeveralArguments(t *testing.T) {
	srv, log := logged()
	var failure error
	srv.Route("/handled", func(r *framework.Router) {
		r.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
			failure = err
			return []any{"wrong"}, true
		})
		r.On("my_event", func(arg1, arg2, arg3 string) string { return arg1 + arg2 + arg3 })
	})
	srv.On("my_event", func(arg1, arg2, arg3 string) string { return arg1 + arg2 + arg3 })
	srv.On("done", func() {})

	s := sockettest.Connect(t, srv, "/")
	equal(t, "three", s.Call("my_event", "a", "b", "c").JSON(), `["abc"]`)
	missing := s.EmitWithAck("my_event", "a", "b")
	s.Call("done")
	equal(t, "one is missing and nobody handles that: acked", missing.Answered(), false)
	if !strings.Contains(log.String(), `argument 2 of \"my_event\" is missing`) {
		t.Errorf("the log does not tell what is missing:\n%s", log)
	}
	// A TypeError in Flask; newer clients must not break older servers.
	equal(t, "one too many", s.Call("my_event", "a", "b", "c", "d").JSON(), `["abc"]`)

	s = sockettest.Connect(t, srv, "/handled")
	equal(t, "one is missing, with OnError", s.Call("my_event", "a", "b").JSON(), `["wrong"]`)
	var arg *framework.ArgError
	if !errors.As(failure, &arg) || arg.Index != 2 || arg.Event != "my_event" {
		t.Errorf("OnError got %v, want an ArgError for argument 2", failure)
	}
}

func TestSeed020NoArgument(t *testing.T) {
	srv := quiet()
	srv.On("none", func(s *framework.Socket, rest framework.Args) int { return rest.Len() })
	srv.On("optional", func(v *string) bool { return v == nil })
	s := sockettest.Connect(t, srv, "/")
	equal(t, "arguments", s.Call("none").JSON(), `[0]`)
	equal(t, "optional argument is nil", s.Call("optional").JSON(), `[true]`)
}

type named struct{ framework.Namespace }

func (*named) OnMyCustomEvent(arg1, arg2, arg3 string) string { return arg1 + arg2 + arg3 }
func (*named) OnHTTPPing() string                             { return "ping" }

func TestSeed021TheMethodNamesTheEvent(t *testing.T) {
	srv := quiet()
	srv.Register("/", &named{})
	s := sockettest.Connect(t, srv, "/")
	equal(t, "my_custom_event", s.Call("my_custom_event", "a", "b", "c").JSON(), `["abc"]`)
	equal(t, "http_ping", s.Call("http_ping").JSON(), `["ping"]`)
}

func TestSeed022ReservedNamesCannotComeFromTheWire(t *testing.T) {
	srv := quiet()
	var mu sync.Mutex
	calls := map[string]int{}
	count := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		calls[name]++
	}
	srv.On("connect", func() { count("connect") })
	gone := make(chan framework.Reason)
	srv.On("disconnect", func(r framework.Reason) {
		count("disconnect")
		gone <- r
	})
	srv.On("*", func(e *framework.Event) { count(e.Name) })

	names := []string{"connect", "disconnect", "connect_error", "disconnecting", "newListener", "removeListener", `\u0063onnect`}
	for _, name := range names {
		c := sockettest.Dial(t, srv, sockettest.Options{})
		c.Join("/")
		c.Send(`2["` + name + `",{"role":"admin"}]`)
		c.Closed()
		equal(t, "reason", receive(t, gone), framework.ForcedClose)
	}
	equal(t, "connect handler calls", calls["connect"], len(names))
	equal(t, "disconnect handler calls", calls["disconnect"], len(names))
	equal(t, "names that reached a handler", len(calls), 2)
}

func TestSeed022ReservedNamesCannotBeEmittedOrRegistered(t *testing.T) {
	srv := quiet()
	for _, name := range []string{"connect", "disconnect", "connect_error"} {
		if err := srv.Emit(name); !errors.Is(err, framework.ErrReservedEvent) {
			t.Errorf("emit %q: got %v, want %v", name, err, framework.ErrReservedEvent)
		}
	}
	mustPanic(t, "reserved", "the protocol reserves that name", func() { srv.On("connect_error", func() {}) })
}

func TestSeed023NamespacesShareOneConnection(t *testing.T) {
	srv := quiet()
	echo := func(s *framework.Socket) string { return s.Namespace().Path() }
	srv.On("where", echo)
	srv.Route("/test", func(r *framework.Router) { r.On("where", echo) })

	c := sockettest.Dial(t, srv, sockettest.Options{})
	root, test := c.Join("/"), c.Join("/test")
	if root.ID() == test.ID() {
		t.Errorf("both namespaces have the id %s, want one each", root.ID())
	}
	equal(t, "where", root.Call("where").JSON(), `["/"]`)
	equal(t, "where", test.Call("where").JSON(), `["/test"]`)
	test.Leave()
	equal(t, "where, once the other has left", root.Call("where").JSON(), `["/"]`)

	c = sockettest.Dial(t, srv, sockettest.Options{})
	c.Join("/test")
	c.Send(`0/test,`) // Flask answers CONNECT_ERROR, the reference server closes
	c.Closed()
}

func TestSeed024AHandlerServesItsNamespaceOnly(t *testing.T) {
	srv := quiet()
	srv.On("done", func() {})
	srv.Route("/test", func(r *framework.Router) { r.On("my_event", func() {}) })
	c := sockettest.Dial(t, srv, sockettest.Options{})
	root, test := c.Join("/"), c.Join("/test")
	test.Call("my_event")
	elsewhere := root.EmitWithAck("my_event")
	root.Call("done")
	equal(t, "served in /", elsewhere.Answered(), false)
}

func TestSeed025WithoutANamespaceItIsTheRoot(t *testing.T) {
	srv := quiet()
	srv.On("where", func(s *framework.Socket) string { return s.Namespace().Path() })
	s := sockettest.Dial(t, srv, sockettest.Options{}).Join("")
	equal(t, "path", s.Call("where").JSON(), `["/"]`)
	srv.Emit("news")
	s.Expect("news")
}

func TestSeed026AnUnknownNamespaceRefuses(t *testing.T) {
	c := sockettest.Dial(t, quiet(), sockettest.Options{})
	refusal := c.Refused("/nobody")
	equal(t, "message", refusal.Message, "Invalid namespace") // the reference server's text
	equal(t, "data", string(refusal.Data), "")
	c.Join("/") // the connection stays
}

func TestSeed027AFunctionIsRegisteredByName(t *testing.T) {
	srv := quiet()
	myFunctionHandler := func(data string) string { return "got " + data }
	srv.On("my_event", myFunctionHandler)
	srv.Route("/test", func(r *framework.Router) { r.On("my_event", myFunctionHandler) })
	c := sockettest.Dial(t, srv, sockettest.Options{})
	equal(t, "in /", c.Join("/").Call("my_event", "x").JSON(), `["got x"]`)
	equal(t, "in /test", c.Join("/test").Call("my_event", "x").JSON(), `["got x"]`)
}

func TestSeed028_029_030_031_032ResultsAreTheAcknowledgement(t *testing.T) {
	type point struct{ X, Y int }
	srv := quiet()
	for name, handler := range map[string]any{
		"028 one":        func() string { return "one" },
		"028 and no err": func() (string, error) { return "one", nil },
		"029 two":        func() (string, int) { return "one", 2 },
		"029 list":       func() []any { return []any{"one", 2} },
		"029 nils":       func() (any, *point) { return nil, nil },
		"029 args":       func() framework.Args { return framework.ArgsOf("one", 2) },
		"029 no args":    func() framework.Args { return framework.ArgsOf() },
		"030 nothing":    func() {},
		"030 no error":   func() error { return nil },
		"031 false":      func() bool { return false },
		"031 zero":       func() int { return 0 },
		"031 empty":      func() string { return "" },
		"032 bytes":      func() (string, []byte) { return "b", []byte{1, 2} },
		"032 deep":       func() map[string]any { return map[string]any{"b": []byte{3}} },
		"later":          func(ack *framework.Ack) { go ack.Reply("one", 2) },
	} {
		srv.On(name, handler)
	}
	tests := []struct{ event, want string }{
		{"028 one", `["one"]`},
		{"028 and no err", `["one"]`},
		{"029 two", `["one",2]`},
		{"029 list", `[["one",2]]`},
		{"029 nils", `[null,null]`},
		{"029 args", `["one",2]`},
		{"029 no args", `[]`},
		{"030 nothing", `[]`},
		{"030 no error", `[]`},
		{"031 false", `[false]`},
		{"031 zero", `[0]`},
		{"031 empty", `[""]`},
		{"032 bytes", `["b",{"_placeholder":true,"num":0}]`},
		{"032 deep", `[{"b":{"_placeholder":true,"num":0}}]`},
		{"later", `["one",2]`},
	}
	s := sockettest.Connect(t, srv, "/")
	for _, tt := range tests {
		equal(t, tt.event, s.Call(tt.event).JSON(), tt.want)
	}
	equal(t, "bytes in the ack", string(s.Call("032 bytes").Bytes(1)), "\x01\x02")
}

func TestSeed033WithoutARequestResultsAreDropped(t *testing.T) {
	srv := quiet()
	srv.On("event", func(e *framework.Event) (string, bool) { return "dropped", e.WantsAck() })
	s := sockettest.Connect(t, srv, "/")
	s.Emit("event") // an ack that nobody asked for would fail the client
	equal(t, "with a request", s.Call("event").JSON(), `["dropped",true]`)
}

func TestSeed034WithoutAHandlerThereIsNoAck(t *testing.T) {
	srv := quiet()
	srv.On("done", func() {})
	srv.Register("/class", &named{}) // Flask acks what a class does not have
	for _, path := range []string{"/", "/class"} {
		s := sockettest.Connect(t, srv, path)
		unknown := s.EmitWithAck("unknown")
		if path == "/class" {
			s.Call("http_ping")
		} else {
			s.Call("done")
		}
		equal(t, "acked in "+path, unknown.Answered(), false)
	}
}

func TestSeed035AFailureIsNotAckedAndTheClientStays(t *testing.T) {
	srv, log := logged()
	srv.On("fail", func() (string, error) { return "half done", errors.New("out of paper") })
	srv.On("panic", func() string { panic("on fire") })
	srv.On("done", func() {})
	s := sockettest.Connect(t, srv, "/")
	failed, panicked := s.EmitWithAck("fail"), s.EmitWithAck("panic")
	s.Call("done")
	equal(t, "error acked", failed.Answered(), false)
	equal(t, "panic acked", panicked.Answered(), false)
	for _, want := range []string{"out of paper", "on fire", `"stack"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
}

// Sending Messages

func TestSeed036EmitRepliesToTheSender(t *testing.T) {
	srv := quiet()
	srv.On("message", func(s *framework.Socket, message string) error { return s.Send(message) })
	srv.On("json", func(s *framework.Socket, v any) error { return s.SendJSON(v) })
	srv.On("my event", func(s *framework.Socket, v any) error { return s.Emit("my response", v) })
	srv.On("done", func() {})

	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	ann.Send("hello")
	equal(t, "message", ann.Expect("message").Args.JSON(), `["hello"]`)
	ann.Emit("json", map[string]int{"a": 1})
	equal(t, "json", ann.Expect("json").Args.JSON(), `[{"a":1}]`)
	ann.Emit("my event", []int{1})
	equal(t, "my response", ann.Expect("my response").Args.JSON(), `[[1]]`)
	ann.Call("done")
	bob.ExpectNone()
}

func TestSeed037SendIsForUnnamedEmitForNamedEvents(t *testing.T) {
	srv := quiet()
	srv.On("go", func(s *framework.Socket) error {
		return errors.Join(s.Send("text"), s.SendJSON(map[string]bool{"json": true}), s.Emit("named", 1))
	})
	s := sockettest.Connect(t, srv, "/")
	s.Call("go")
	for _, want := range []string{`message ["text"]`, `json [{"json":true}]`, `named [1]`} {
		e := s.Next()
		equal(t, "event", e.Name+" "+e.Args.JSON(), want)
	}
}

func TestSeed038ReplyingStaysInTheNamespace(t *testing.T) {
	srv := quiet()
	srv.On("done", func() {})
	srv.Route("/chat", func(r *framework.Router) {
		r.On("message", func(s *framework.Socket, m string) error { return s.Send(m) })
	})
	c := sockettest.Dial(t, srv, sockettest.Options{})
	root, chat := c.Join("/"), c.Join("/chat")
	chat.Send("hello")
	equal(t, "in /chat", chat.Expect("message").Args.JSON(), `["hello"]`)
	root.Call("done")
	root.ExpectNone()
}

func TestSeed039ReplyingIntoAnotherNamespace(t *testing.T) {
	srv := quiet()
	srv.Route("/chat", func(*framework.Router) {})
	srv.On("my event", func(s *framework.Socket, v any) (bool, error) {
		there, ok := s.Of("/chat") // in Flask it reaches nobody
		if !ok {
			return false, nil
		}
		return true, there.Emit("my response", v)
	})

	both := sockettest.Dial(t, srv, sockettest.Options{})
	root, chat := both.Join("/"), both.Join("/chat")
	other := sockettest.Connect(t, srv, "/chat")
	equal(t, "joined /chat", root.Call("my event", "x").JSON(), `[true]`)
	equal(t, "in /chat", chat.Expect("my response").Args.JSON(), `["x"]`)
	root.ExpectNone()
	other.ExpectNone()

	single := sockettest.Connect(t, srv, "/")
	equal(t, "not joined /chat", single.Call("my event", "x").JSON(), `[false]`)
}

func TestSeed040SeveralArgumentsAreSent(t *testing.T) {
	tests := []struct {
		name string
		args []any
		want string
	}{
		{"three", []any{"foo", "bar", map[string]int{"a": 1}}, `["foo","bar",{"a":1}]`},
		{"a list is one argument", []any{[]string{"foo", "bar"}}, `[["foo","bar"]]`},
		{"none", nil, `[]`},
		{"a null", []any{nil}, `[null]`},
		{"encoded arguments spread", []any{framework.ArgsOf("foo", 1)}, `["foo",1]`},
	}
	srv := quiet()
	srv.On("my event", func(s *framework.Socket, i int) error { return s.Emit("my response", tests[i].args...) })
	s := sockettest.Connect(t, srv, "/")
	for i, tt := range tests {
		s.Emit("my event", i)
		equal(t, tt.name, s.Expect("my response").Args.JSON(), tt.want)
	}
}

func TestSeed041WhatCannotBeEncodedIsAnError(t *testing.T) {
	srv := quiet()
	failures := make(chan error, 2)
	srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
		failures <- err
		return nil, false
	})
	srv.On("my event", func(s *framework.Socket) error { return s.Emit("my response", make(chan int)) })
	srv.On("ack", func() any { return make(chan int) })
	srv.On("done", func() {})
	s := sockettest.Connect(t, srv, "/")
	for _, event := range []string{"my event", "ack"} {
		pending := s.EmitWithAck(event)
		if err := receive(t, failures); !strings.Contains(err.Error(), "chan int") {
			t.Errorf("%s: OnError got %v, want the type that cannot be encoded", event, err)
		}
		s.Call("done")
		equal(t, event+" acked", pending.Answered(), false)
		s.ExpectNone()
	}
}

func TestSeed042_043_044AClientConfirmsWhatItReceived(t *testing.T) {
	srv := quiet()
	type answer struct {
		Text string
		N    int
	}
	answers := make(chan answer, 4)
	srv.On("my event", func(s *framework.Socket, v string) error {
		return s.Emit("my response", v, func(text string, n int) { answers <- answer{text, n} })
	})
	srv.On("plain", func(s *framework.Socket) error {
		return s.Emit("my response", func() { answers <- answer{"received", 0} })
	})
	srv.On("done", func() {})

	s := sockettest.Connect(t, srv, "/")
	s.Emit("my event", "first")
	s.Emit("my event", "second")
	first, second := s.Expect("my response"), s.Expect("my response")
	equal(t, "the callback is no argument", first.Args.JSON(), `["first"]`)
	equal(t, "an ack is asked for", first.WantsAck(), true)
	for _, want := range []string{`< 421["my response","first"]`, `< 422["my response","second"]`} {
		if frames := s.Conn().Frames(); !slices.Contains(frames, want) {
			t.Errorf("no frame %s: ids count from 1 for each socket: %q", want, frames)
		}
	}
	s.Call("done")
	select {
	case a := <-answers:
		t.Errorf("the callback ran with %v before the client answered", a)
	default:
	}

	second.Ack("two", 2)
	equal(t, "arguments of the client", receive(t, answers), answer{"two", 2})
	first.Ack("one", 1, "extra")
	equal(t, "arguments of the client", receive(t, answers), answer{"one", 1})
	s.Emit("plain")
	s.Expect("my response").Ack()
	equal(t, "without arguments", receive(t, answers), answer{"received", 0})

	s.Conn().Send(`31["again",1]`)   // a repeated id
	s.Conn().Send(`399["nobody",1]`) // one that was never given
	s.Call("done")
	select {
	case a := <-answers:
		t.Errorf("a callback ran twice, with %v", a)
	default:
	}
}

func TestSeed045ACallbackRunsInTheContextOfItsSocket(t *testing.T) {
	srv := quiet()
	var failure error
	srv.OnError(func(ctx context.Context, e *framework.Event, err error) ([]any, bool) {
		failure = err
		return nil, false
	})
	srv.On("ask", func(s *framework.Socket) error {
		return s.Emit("question", func(ctx context.Context, rest framework.Args) error {
			e := framework.EventFrom(ctx)
			return errors.Join(
				e.Socket.Emit("seen", e.Name, e.Args, e.Kind() == framework.KindAck, e.Socket.ID()),
				errors.New("callback failed"))
		})
	})
	srv.On("failure", func() string { return fmt.Sprint(failure) })

	s := sockettest.Connect(t, srv, "/")
	s.Emit("ask")
	s.Expect("question").Ack("a", 1)
	equal(t, "event", s.Expect("seen").Args.JSON(), `["question",["a",1],true,"`+s.ID()+`"]`)
	equal(t, "OnError", s.Call("failure").JSON(), `["callback failed"]`)
}

func TestSeed046CallbacksThatNeverComeEndWithTheSocket(t *testing.T) {
	srv := quiet()
	ended := make(chan error, 2)
	srv.On("ask", func(s *framework.Socket) error {
		go func() {
			_, err := s.EmitWithAck(context.Background(), "question")
			ended <- err
		}()
		return s.Emit("question", func(answer string, err error) { ended <- err })
	})
	s := sockettest.Connect(t, srv, "/")
	s.Emit("ask")
	s.Expect("question")
	s.Expect("question")
	s.Conn().Cut()
	for range 2 {
		if err := receive(t, ended); !errors.Is(err, framework.ErrClosed) {
			t.Errorf("got %v, want %v", err, framework.ErrClosed)
		}
	}
}

// What the tests share.

func TestMain(m *testing.M) { sockettest.Main(m) }

// unhurried has a server take clients however late a busy machine makes it.
var unhurried = transport.Options{MaxDelay: -1}

// quiet makes a server that logs nothing.
func quiet() *framework.Server {
	return framework.New(framework.Options{Logger: zerolog.Nop(), Transport: unhurried})
}

// logged makes a server that logs everything to the buffer.
func logged() (*framework.Server, *logBuffer) {
	var buf logBuffer
	return framework.New(framework.Options{Logger: zerolog.New(&buf), Transport: unhurried}), &buf
}

// logBuffer collects log lines from any goroutine.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func shutdown(t *testing.T, srv *framework.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// receive waits for a value that a handler sends to the test.
func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came from the server within a minute")
		panic("unreachable")
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// mustPanic fails unless f panics with a message that contains want.
func mustPanic(t *testing.T, what, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("%s: got the panic %s, want %q in it", what, got, want)
		}
	}()
	f()
}
