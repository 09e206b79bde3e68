package framework_test

import (
	"context"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// Where the sources disagree: the decisions that are the framework's to keep.
// Those of the wire below it have their tests in package transport.

func TestDecidedABroadcastTakesNoCallback(t *testing.T) {
	srv := quiet()
	client := sockettest.Connect(t, srv, "/")
	err := srv.Emit("x", func() {})
	if err == nil || !strings.Contains(err.Error(), "a broadcast takes no ack callback") {
		t.Errorf("got %v, want an error that says so", err)
	}
	client.ExpectNone()
}

func TestDecidedReplyIntoAnotherNamespaceReachesTheSameClient(t *testing.T) {
	srv := quiet()
	srv.On("message", func(s *framework.Socket, text string) error {
		other, ok := s.Of("/chat")
		if !ok {
			return &framework.Error{Message: "not there"}
		}
		return other.Send(text)
	})
	srv.Route("/chat", func(*framework.Router) {})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	client := conn.Join("/")
	equal(t, "before joining", client.Call("message", "x").JSON(), `[{"error":{"message":"not there"}}]`)
	chat := conn.Join("/chat")
	client.Send("hello")
	equal(t, "there", chat.Expect("message").Args.String(0), "hello")
	if chat.ID() == client.ID() {
		t.Error("both sockets have one id")
	}
}

func TestDecidedReservedNamesOnTheWireCloseTheConnection(t *testing.T) {
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		t.Run(name, func(t *testing.T) {
			srv := quiet()
			ran := make(chan framework.Reason, 2)
			connects := 0
			srv.On("connect", func() { connects++ })
			srv.On("disconnect", func(r framework.Reason) { ran <- r })
			client := sockettest.Connect(t, srv, "/")
			client.Conn().Send(`2["` + name + `","forged"]`)
			client.Conn().Closed()
			equal(t, "reason", receive(t, ran), framework.ForcedClose)
			equal(t, "OnConnect ran", connects, 1)
		})
	}
}

func TestDecidedAnErrorInConnectIsAlwaysRefusedAndCleanedUp(t *testing.T) {
	srv := quiet()
	srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) { return []any{"handled"}, true })
	srv.On("connect", func(s *framework.Socket) { s.Join("r"); panic("boom") })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	equal(t, "message", conn.Refused("/").Message, "Internal server error")
	equal(t, "rooms", len(srv.Of("/").Rooms()), 0)
	equal(t, "sockets", len(srv.Of("/").Sockets()), 0)
}

func TestDecidedOptionalArgumentsAreDecidedFromTheSignature(t *testing.T) {
	calls := 0
	srv := quiet()
	srv.On("connect", func(auth map[string]string) { // without auth: its zero value, and one call even if it fails
		calls++
		_ = auth["token"][:1]
	})
	sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
	equal(t, "calls", calls, 1)
}

func TestDecidedAuthAbsent(t *testing.T) {
	type auth struct{ Token string }
	var pointer *auth
	value := auth{"kept"}
	srv := quiet()
	srv.Route("/pointer", func(r *framework.Router) { r.On("connect", func(a *auth) { pointer = a }) })
	srv.Route("/value", func(r *framework.Router) { r.On("connect", func(a auth) { value = a }) })
	srv.Route("/none", func(r *framework.Router) { r.On("connect", func() {}) })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Join("/pointer")
	conn.Join("/value")
	conn.Join("/none", auth{"discarded"})
	if pointer != nil {
		t.Errorf("pointer: got %v, want nil", pointer)
	}
	equal(t, "value", value, auth{})
	sockettest.Connect(t, srv, "/pointer", auth{"given"})
	equal(t, "given", pointer.Token, "given")
}

func TestDecidedAnUnknownEventIsNotAcked(t *testing.T) {
	srv := quiet()
	srv.Register("/", &plain{})
	client := sockettest.Connect(t, srv, "/")
	if client.EmitWithAck("unknown").Answered() {
		t.Error("it was acked")
	}
}

func TestDecidedAnEmptyListOfRoomsIsNobody(t *testing.T) {
	srv := quiet()
	client := sockettest.Connect(t, srv, "/")
	for name, err := range map[string]error{
		"To()":    srv.To().Emit("x"),
		"To()...": srv.To([]string{}...).Emit("x"),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	client.ExpectNone()
}

func TestDecidedAnUnknownNamespaceIsRefused(t *testing.T) {
	conn := sockettest.Dial(t, quiet(), sockettest.Options{})
	refusal := conn.Refused("/nowhere")
	equal(t, "message", refusal.Message, "Invalid namespace")
	equal(t, "data", string(refusal.Data), "")
	conn.Join("/") // the connection lives
}

func TestDecidedALatePacketForANamespaceJustLeftIsIgnored(t *testing.T) {
	srv := quiet()
	srv.On("kick", func(s *framework.Socket) { s.Disconnect() })
	srv.Route("/other", func(r *framework.Router) { r.On("ping", func() {}) })
	srv.Route("/refuses", func(r *framework.Router) {
		r.On("connect", func() error { return framework.Refuse("") })
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	client, other := conn.Join("/"), conn.Join("/other")
	client.Emit("kick")
	client.Disconnected()
	conn.Refused("/refuses")
	for _, late := range []string{`2["late"]`, `31["late"]`, `1`, `2/refuses,["late"]`} {
		conn.Send(late)
	}
	other.Call("ping")
	conn.Join("/") // and may come back
}

func TestDecidedLeaveThenJoinInOnePayload(t *testing.T) {
	log := make(chan string, 10)
	gate := make(chan struct{})
	srv := quiet()
	srv.On("connect", func(s *framework.Socket) { log <- "connect" })
	srv.On("step", func() { <-gate; log <- "step" })
	srv.On("disconnect", func() { log <- "disconnect" })
	for _, transport := range []string{"websocket", "polling"} {
		t.Run(transport, func(t *testing.T) {
			gate = make(chan struct{})
			conn := sockettest.Dial(t, srv, sockettest.Options{Transport: transport})
			conn.Send("0")
			conn.Send(`2["step"]`)
			conn.Send("1")
			conn.Send("0")
			close(gate)
			for _, want := range []string{"connect", "step", "disconnect", "connect"} {
				equal(t, "order", receive(t, log), want)
			}
			conn.Close()
			equal(t, "order", receive(t, log), "disconnect")
		})
	}
}

func TestDecidedServerAckIDsBeginAt1(t *testing.T) {
	srv := quiet()
	srv.On("ask", func(s *framework.Socket) { s.Emit("q", func() {}) })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("ask")
	client.Expect("q")
	frames := client.Conn().Frames()
	equal(t, "frame", frames[len(frames)-1], `< 421["q"]`)
}

func TestDecidedDeeplyNestedJSONIsAClearError(t *testing.T) {
	srv, log := logged()
	srv.On("echo", func(v any) any { return v })
	client := sockettest.Connect(t, srv, "/")
	client.Conn().Send(`2["echo",` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `]`)
	client.Conn().Closed()
	if !strings.Contains(log.String(), "JSON is nested deeper than 256") {
		t.Errorf("the log does not say so:\n%s", log)
	}
}

func TestDecidedDisconnectReasonsAreTheReferencesOwn(t *testing.T) {
	for got, want := range map[framework.Reason]string{
		framework.TransportError:            "transport error",
		framework.TransportClose:            "transport close",
		framework.PingTimeout:               "ping timeout",
		framework.ParseError:                "parse error",
		framework.ForcedClose:               "forced close",
		framework.ForcedServerClose:         "forced server close",
		framework.ServerShuttingDown:        "server shutting down",
		framework.ClientNamespaceDisconnect: "client namespace disconnect",
		framework.ServerNamespaceDisconnect: "server namespace disconnect",
	} {
		equal(t, "reason", string(got), want)
	}
}

// Bad input: the fault's own answer, and everybody else served all the while.
func TestBadInputEndsOneConnectionAndNoOther(t *testing.T) {
	tests := []struct {
		name, packet string
		attachments  [][]byte
		reason       framework.Reason
	}{
		{"unknown type", "9", nil, framework.ForcedClose},
		{"no JSON", `2`, nil, framework.ForcedClose},
		{"broken JSON", `2["x",tru]`, nil, framework.ForcedClose},
		{"event without a name", `2[]`, nil, framework.ForcedClose},
		{"event with a null name", `2[null]`, nil, framework.ForcedClose},
		{"object for a payload", `2{}`, nil, framework.ForcedClose},
		{"letters for an id", `2abc["x"]`, nil, framework.ForcedClose},
		{"disconnect with a payload", `1"x"`, nil, framework.ForcedClose},
		{"broken auth", `0/other,{"a":`, nil, framework.ForcedClose},
		{"broken ack", `31[`, nil, framework.ForcedClose},
		{"too many attachments", `511-["x"]`, nil, framework.ForcedClose},
		{"placeholder out of range", `51-["x",{"_placeholder":true,"num":1}]`, [][]byte{{1}}, framework.ForcedClose},
		{"text in place of an attachment", `51-["x",{"_placeholder":true,"num":0}]` + "\x00", nil, framework.ForcedClose},
		{"attachment nobody announced", `2["x"]`, [][]byte{{1}}, framework.ForcedClose},
		{"second CONNECT", `0`, nil, framework.ForcedServerClose},
		{"event for a namespace not joined", `2/other,["x"]`, nil, framework.ForcedServerClose},
		{"CONNECT_ERROR from a client", `4{"message":"x"}`, nil, framework.ForcedServerClose},
	}
	srv := quiet()
	reasons := make(chan framework.Reason, 1)
	srv.On("x", func(framework.Args) {})
	srv.On("ping", func() string { return "pong" })
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	srv.Route("/other", func(*framework.Router) {})
	healthy := sockettest.Connect(t, srv, "/")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := sockettest.Connect(t, srv, "/")
			packet, second := strings.CutSuffix(tt.packet, "\x00")
			client.Conn().Send(packet, tt.attachments...)
			if second {
				client.Conn().Send(`2["x"]`)
			}
			client.Conn().Closed()
			equal(t, "reason", receive(t, reasons), tt.reason)
			equal(t, "others", healthy.Call("ping").JSON(), `["pong"]`)
		})
	}
}
