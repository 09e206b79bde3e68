package framework_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// pipeStream is a transport.Stream in memory.
type pipeStream struct{ net.Conn }

func (s pipeStream) Finish() { _ = s.Close() }

// In the reference server a socket on WebTransport has no request to read.
func TestTheHandshakeOfAStreamIsItsRequest(t *testing.T) {
	srv := unhurried(framework.Options{
		Logger:    zerolog.Nop(),
		Transport: transport.Options{Transports: []string{transport.Polling, transport.WebTransport}},
	})
	type shake struct {
		App, Color string
		Secure     bool
	}
	srv.On("connect", func(s *framework.Socket) error {
		h := s.Handshake()
		return s.Emit("shake", shake{h.Header().Get("X-App"), h.Query().Get("color"), h.Secure})
	})
	ours, theirs := net.Pipe()
	r := httptest.NewRequest(http.MethodConnect, "https://example.com/socket.io/?color=red", nil)
	r.Header.Set("X-App", "demo")
	r.TLS = &tls.ConnectionState{}
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.ServeStream(pipeStream{theirs}, r)
	}()

	read := func() string { // a frame shorter than 126 bytes
		var size [1]byte
		if _, err := io.ReadFull(ours, size[:]); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, size[0])
		if _, err := io.ReadFull(ours, text); err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	io.WriteString(ours, "\x010")
	read() // open
	io.WriteString(ours, "\x0240")
	read() // CONNECT
	var event []json.RawMessage
	if text := read(); json.Unmarshal([]byte(text[2:]), &event) != nil || len(event) != 2 {
		t.Fatalf("got %s, want an event", text)
	}
	var got shake
	if err := json.Unmarshal(event[1], &got); err != nil {
		t.Fatal(err)
	}
	equal(t, "handshake", got, shake{"demo", "red", true})
	ours.Close()
	<-served
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
