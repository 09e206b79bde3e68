package framework_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

func TestVeryLargeEventsArriveBothWays(t *testing.T) {
	text, data := strings.Repeat("ü", 1<<20), bytes.Repeat([]byte{7}, 2<<20)
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), Transport: transport.Options{MaxPayload: 4 << 20}})
	srv.On("echo", func(s *framework.Socket, v framework.Args) error { return s.Emit("echo", v) })
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			client := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/")
			client.Emit("echo", map[string]string{"text": text})
			var got struct{ Text string }
			if client.Expect("echo").Args.Decode(0, &got); got.Text != text {
				t.Errorf("text: got %d bytes, want %d", len(got.Text), len(text))
			}
			client.Emit("echo", data)
			if got := client.Expect("echo").Args.Bytes(0); !bytes.Equal(got, data) {
				t.Errorf("binary: got %d bytes, want %d", len(got), len(data))
			}
		})
	}
}
