package framework_test

import (
	"bytes"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestWhatASocketSendsToARoomIsForItsOtherMembers(t *testing.T) {
	srv := quiet()
	srv.On("join", func(s *framework.Socket) { s.Join("room") })
	srv.On("say", func(s *framework.Socket, v framework.Args) error { return s.To("room").Emit("said", v) })
	srv.On("say to all others", func(s *framework.Socket, v framework.Args) error { return s.Broadcast().Emit("said", v) })
	speaker, member, stranger := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	speaker.Call("join")
	member.Call("join")
	data := []byte{0, 1, 0xff}
	for _, arg := range []any{"text", data, map[string]any{"deep": [][]byte{data}}} {
		speaker.Call("say", arg)
		got := member.Expect("said").Args
		if b, ok := arg.([]byte); ok && !bytes.Equal(got.Bytes(0), b) {
			t.Errorf("got %v, want %v", got.Bytes(0), b)
		}
		expectNone(t, speaker, member, stranger)
		speaker.Call("say to all others", arg)
		member.Expect("said")
		stranger.Expect("said")
		expectNone(t, speaker, member, stranger)
	}
}

func TestABinaryBroadcastStaysInItsNamespace(t *testing.T) {
	srv := quiet()
	srv.Route("/other", func(*framework.Router) {})
	ann, bob, other := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/other")
	data := []byte{0, 1, 0xff}
	if err := srv.Emit("file", data); err != nil {
		t.Fatal(err)
	}
	for _, client := range []*sockettest.Socket{ann, bob} {
		if got := client.Expect("file").Args.Bytes(0); !bytes.Equal(got, data) {
			t.Errorf("got %v, want %v", got, data)
		}
	}
	other.ExpectNone()
	if err := srv.Of("/other").Emit("file", data); err != nil {
		t.Fatal(err)
	}
	other.Expect("file")
	expectNone(t, ann, bob)
}
