package framework_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// What the server sends is bounded by what a client owes, not by the size of one packet.
func TestVeryLargeEventsArrive(t *testing.T) {
	text, data := strings.Repeat("ü", 1<<20), bytes.Repeat([]byte{7}, 3<<20)
	srv := quiet()
	srv.On("text", func(s *framework.Socket) error { return s.Emit("large", map[string]string{"text": text}) })
	srv.On("data", func(s *framework.Socket) error { return s.Emit("large", data) })
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			client := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/")
			client.Emit("text")
			var got struct{ Text string }
			if client.Expect("large").Args.Decode(0, &got); got.Text != text {
				t.Errorf("text: got %d bytes, want %d", len(got.Text), len(text))
			}
			client.Emit("data")
			if got := client.Expect("large").Args.Bytes(0); !bytes.Equal(got, data) {
				t.Errorf("binary: got %d bytes, want %d", len(got), len(data))
			}
		})
	}
}
