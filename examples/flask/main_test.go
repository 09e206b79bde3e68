package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

// serve returns a server with just that snippet.
func serve(t *testing.T, name string) http.Handler {
	t.Helper()
	for _, s := range snippets {
		if s.name == name {
			srv := framework.New(framework.Options{Logger: zerolog.Nop()})
			s.register(srv)
			return srv
		}
	}
	t.Fatalf("there is no snippet %q", name)
	return nil
}

// printed redirects what the snippets print, and returns a function that waits
// for the next line of it.
func printed(t *testing.T) (next func() string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	lines := bufio.NewReader(r)
	t.Cleanup(func() {
		os.Stdout = stdout
		w.Close()
		if rest, _ := io.ReadAll(lines); len(rest) > 0 {
			t.Errorf("printed besides: %q", rest)
		}
		r.Close()
	})
	return func() string {
		t.Helper()
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(line, "\n")
	}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestReceivingPrints(t *testing.T) {
	tests := []struct {
		snippet, path, event string
		args                 []any
		want                 string
	}{
		{"message", "/", "message", []any{"hello"}, "received message: hello"},
		{"json", "/", "json", []any{raw(`{"a":[1]}`)}, `received json: {"a":[1]}`},
		{"event", "/", "my_event", []any{raw(`{"data":"x"}`)}, "received: {Data:x}"},
		{"arguments", "/", "my_event", []any{"a", "b", "c"}, "received args: abc"},
		{"method", "/", "my_custom_event", []any{"a", "b", "c"}, "received args: abc"},
		{"namespace", "/test", "my_event", []any{raw(`{"a":1}`)}, `received json: {"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.snippet, func(t *testing.T) {
			next := printed(t)
			c := sockettest.Connect(t, serve(t, tt.snippet), tt.path)
			c.Emit(tt.event, tt.args...)
			if got := next(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReceivingAcks(t *testing.T) {
	tests := []struct {
		snippet, path, event string
		want                 string
	}{
		{"ack", "/", "my_event", `["one",2]`},
		{"on-event", "/test", "my_event", `[]`},
	}
	for _, tt := range tests {
		t.Run(tt.snippet, func(t *testing.T) {
			c := sockettest.Connect(t, serve(t, tt.snippet), tt.path)
			if got := c.Call(tt.event, raw(`{}`)).JSON(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSendingReplies(t *testing.T) {
	tests := []struct {
		snippet, event, data string
		answer, want         string
	}{
		{"reply", "message", `"hello"`, "message", `["hello"]`},
		{"reply", "json", `{"a":1}`, "json", `[{"a":1}]`},
		{"reply", "my event", `[null]`, "my response", `[[null]]`},
		{"reply-arguments", "my event", `{"a":1}`, "my response", `["foo","bar",{"a":1}]`},
	}
	for _, tt := range tests {
		t.Run(tt.snippet+" "+tt.event, func(t *testing.T) {
			h := serve(t, tt.snippet)
			c, other := sockettest.Connect(t, h, "/"), sockettest.Connect(t, h, "/")
			c.Call(tt.event, raw(tt.data))
			if got := c.Expect(tt.answer).Args.JSON(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			other.ExpectNone()
		})
	}
}

func TestSendingIntoAnotherNamespace(t *testing.T) {
	c := sockettest.Connect(t, serve(t, "reply-elsewhere"), "/")
	c.Call("my event", 1) // not there yet
	chat := c.Conn().Join("/chat")
	c.Call("my event", 2)
	if got, want := chat.Expect("my response").Args.JSON(), `[2]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.Call("message", "hello")
	if got, want := chat.Expect("message").Args.JSON(), `["hello"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.ExpectNone()
}

func TestSendingWithACallback(t *testing.T) {
	next := printed(t)
	c := sockettest.Connect(t, serve(t, "callback"), "/")
	c.Emit("my event", 1)
	c.Expect("my response").Ack()
	if got, want := next(), "message was received!"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSendingAndWaiting(t *testing.T) {
	c := sockettest.Connect(t, serve(t, "call"), "/")
	c.Emit("my event")
	c.Expect("your name?").Ack("Ann")
	if got, want := c.Expect("message").Args.String(0), "hello Ann"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBroadcastReachesTheSenderToo(t *testing.T) {
	h := serve(t, "broadcast")
	ann, bob := sockettest.Connect(t, h, "/"), sockettest.Connect(t, h, "/")
	ann.Emit("my_event", "all")
	for _, c := range []*sockettest.Socket{ann, bob} {
		if got, want := c.Expect("my_response").Args.String(0), "all"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSomeFunctionReachesAll(t *testing.T) {
	srv := framework.New(framework.Options{Logger: zerolog.Nop()})
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	if err := someFunction(srv); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*sockettest.Socket{ann, bob} {
		if got, want := c.Expect("some event").Args.JSON(), `[{"data":42}]`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRoomsAreToldWhoComesAndGoes(t *testing.T) {
	h := serve(t, "rooms")
	ann, bob := sockettest.Connect(t, h, "/"), sockettest.Connect(t, h, "/")
	ann.Call("join", raw(`{"username":"ann","room":"kitchen"}`))
	bob.Call("join", raw(`{"username":"bob","room":"kitchen"}`))
	bob.Call("leave", raw(`{"username":"bob","room":"kitchen"}`))
	for _, want := range []string{"ann has entered the room.", "bob has entered the room.", "bob has left the room."} {
		if got := ann.Expect("message").Args.String(0); got != want {
			t.Errorf("ann: got %q, want %q", got, want)
		}
	}
	if got, want := bob.Expect("message").Args.String(0), "bob has entered the room."; got != want {
		t.Errorf("bob: got %q, want %q", got, want)
	}
	bob.ExpectNone()
}

func TestConnectAndDisconnectAreEvents(t *testing.T) {
	next := printed(t)
	c := sockettest.Connect(t, serve(t, "connect"), "/")
	if got, want := c.Expect("my response").Args.JSON(), `[{"data":"Connected"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.Leave()
	if got, want := next(), "Client disconnected"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConnectRefuses(t *testing.T) {
	h := serve(t, "refuse")
	if got, want := sockettest.Dial(t, h, sockettest.Options{}).Refused("/").Message, "unauthorized!"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	sockettest.Dial(t, h, sockettest.Options{Query: url.Values{"password": {"secret"}}}).Join("/")
}

func TestClassServesItsEvents(t *testing.T) {
	c := sockettest.Connect(t, serve(t, "class"), "/test")
	for _, event := range []string{"my_event", "my event"} {
		c.Emit(event, "x")
		if got, want := c.Expect("my_response").Args.JSON(), `["x"]`; got != want {
			t.Errorf("%s: got %s, want %s", event, got, want)
		}
	}
	c.Emit("no such event")
	c.Call("my_event", "x")
	c.Expect("my_response")
	c.ExpectNone()
}

func TestErrorsGoToTheNamespacesHandler(t *testing.T) {
	next := printed(t)
	h := serve(t, "errors")
	for path, handler := range map[string]string{
		"/": "error_handler", "/chat": "error_handler_chat", "/other": "default_error_handler",
	} {
		sockettest.Connect(t, h, path).Emit("my_event")
		if got, want := next(), fmt.Sprintf("%s: my_event: a failure", handler); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestErrorHandlerSeesTheEvent(t *testing.T) {
	next := printed(t)
	sockettest.Connect(t, serve(t, "request-event"), "/").Emit("my error event", "data")
	if got, want := next()+" "+next(), `my error event "data"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPageIsServed(t *testing.T) {
	w := httptest.NewRecorder()
	newApp().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `src="/socket.io.js"`) {
		t.Errorf("got %d, want the page that loads the client", w.Code)
	}
}
