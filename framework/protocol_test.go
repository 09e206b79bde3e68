package framework_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// The cases of the Socket.IO protocol's own test suite (v5), from its documents.
// The suite itself runs against examples/conformance, see docs/conformance.md.

// suiteServer is the server that the suite wants. It closes who joins nothing in a second,
// for which there is a bubble: 0 is for clients in real time, who may be slow to join.
func suiteServer(connectTimeout time.Duration) *framework.Server {
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), ConnectTimeout: connectTimeout})
	connect := func(s *framework.Socket, auth map[string]any) error {
		if auth == nil {
			auth = map[string]any{}
		}
		return s.Emit("auth", auth)
	}
	srv.Route("/", func(r *framework.Router) {
		r.On("connect", connect)
		r.On("message", func(s *framework.Socket, args framework.Args) error { return s.Emit("message-back", args) })
		r.On("message-with-ack", func(args framework.Args) framework.Args { return args })
	})
	srv.Route("/custom", func(r *framework.Router) { r.On("connect", connect) })
	return srv
}

func TestProtocolConnect(t *testing.T) {
	tests := []struct {
		name, path string
		auth       []any
		want       string
	}{
		{"main namespace", "/", nil, `[{}]`},
		{"main namespace with a payload", "/", []any{map[string]string{"token": "123"}}, `[{"token":"123"}]`},
		{"custom namespace", "/custom", nil, `[{}]`},
		{"custom namespace with a payload", "/custom", []any{map[string]string{"token": "abc"}}, `[{"token":"abc"}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := sockettest.Connect(t, suiteServer(0), tt.path, tt.auth...)
			equal(t, "auth", client.Expect("auth").Args.JSON(), tt.want)
		})
	}
	t.Run("unknown namespace", func(t *testing.T) {
		refusal := sockettest.Dial(t, suiteServer(0), sockettest.Options{}).Refused("/random")
		equal(t, "message", refusal.Message, "Invalid namespace")
	})
	t.Run("invalid handshake", func(t *testing.T) {
		conn := sockettest.Dial(t, suiteServer(0), sockettest.Options{})
		conn.Send("abc")
		conn.Closed()
	})
	t.Run("no handshake", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			sockettest.Dial(t, suiteServer(time.Second), sockettest.Options{}).Closed()
			if waited := time.Since(start); waited < time.Second || waited > 2*time.Second {
				t.Errorf("closed after %v, want a second", waited)
			}
		})
	})
}

func TestProtocolDisconnect(t *testing.T) {
	t.Run("main namespace", func(t *testing.T) {
		conn := sockettest.Dial(t, suiteServer(0), sockettest.Options{})
		conn.Join("/").Leave()
		conn.Join("/custom") // the connection lives
	})
	t.Run("custom namespace", func(t *testing.T) {
		conn := sockettest.Dial(t, suiteServer(0), sockettest.Options{})
		main := conn.Join("/")
		conn.Join("/custom").Leave()
		equal(t, "main", main.Call("message-with-ack").JSON(), "[]")
	})
}

func TestProtocolMessage(t *testing.T) {
	binary := []any{[]byte{1, 2, 3}, []byte{4, 5, 6}}
	const placeholders = `[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			client := sockettest.Dial(t, suiteServer(0), sockettest.Options{Transport: transport}).Join("/")
			client.Emit("message", 1, "2", map[string][]bool{"3": {true}})
			equal(t, "plain text", client.Expect("message-back").Args.JSON(), `[1,"2",{"3":[true]}]`)
			client.Emit("message", binary...)
			back := client.Expect("message-back").Args
			equal(t, "attachments", back.JSON(), placeholders)
			equal(t, "the second", string(back.Bytes(1)), "\x04\x05\x06")
			equal(t, "ack", client.Call("message-with-ack", 1, "2").JSON(), `[1,"2"]`)
			equal(t, "ack with attachments", client.Call("message-with-ack", binary...).JSON(), placeholders)
		})
	}
	for name, packet := range map[string]string{
		"unknown packet type": "abc",
		"invalid payload":     "2{}",
		"invalid ack id":      `2abc["message-with-ack",1,"2",{"3":[false]}]`,
	} {
		t.Run(name, func(t *testing.T) {
			conn := sockettest.Dial(t, suiteServer(0), sockettest.Options{})
			conn.Join("/")
			conn.Send(packet)
			conn.Closed()
		})
	}
}
