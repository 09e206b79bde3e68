package framework_test

import (
	"bytes"
	"slices"
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

func TestWhoIsListedIsOfOneNamespace(t *testing.T) {
	srv := quiet()
	join := func(s *framework.Socket, room string) { s.Join(room) }
	for _, path := range []string{"/chat", "/other"} {
		srv.Route(path, func(r *framework.Router) { r.On("connect", join) })
	}
	foo, bar := sockettest.Connect(t, srv, "/chat", "foo"), sockettest.Connect(t, srv, "/chat", "bar")
	sockettest.Connect(t, srv, "/other", "foo")

	chat := srv.Of("/chat")
	ids := func(list []*framework.Socket) (ids []string) {
		for _, s := range list {
			ids = append(ids, s.ID())
		}
		return ids
	}
	fetched := func(list []*framework.RemoteSocket, err error) (ids []string) {
		if err != nil {
			t.Error(err)
		}
		for _, s := range list {
			ids = append(ids, s.ID())
		}
		return ids
	}
	both, one := []string{foo.ID(), bar.ID()}, []string{foo.ID()}
	for _, tt := range []struct {
		name      string
		got, want []string
	}{
		{"sockets", ids(chat.Sockets()), both},
		{"fetched", fetched(chat.Fetch(t.Context())), both},
		{"members of a room", ids(chat.Members("foo")), one},
		{"fetched of a room", fetched(chat.In("foo").Fetch(t.Context())), one},
	} {
		slices.Sort(tt.got)
		slices.Sort(tt.want)
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestEventsOfAClientInANamespaceComeInOrder(t *testing.T) {
	srv := quiet()
	letters := make(chan string, 100)
	srv.Route("/chat", func(r *framework.Router) { r.On("hi", func(letter string) { letters <- letter }) })
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		client := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/chat")
		for _, letter := range "abcdefghij" {
			client.Emit("hi", string(letter))
		}
		for _, letter := range "abcdefghij" {
			equal(t, transport, receive(t, letters), string(letter))
		}
	}
}
