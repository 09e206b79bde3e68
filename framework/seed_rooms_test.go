package framework_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// enter makes clients members of a room of the seed's chat, and takes what the
// members are told.
func enter(t *testing.T, room string, clients ...*sockettest.Socket) {
	t.Helper()
	for i, client := range clients {
		client.Call("join", seedMember{"ann", room})
		for _, member := range clients[:i+1] {
			member.Expect("message")
		}
	}
}

func TestSeed056JoinAndLeaveActOnTheCurrentClient(t *testing.T) {
	_, chat, clients := seedClients(t, 2)
	ann, bob := clients[0], clients[1]
	ann.Call("join", seedMember{"ann", "kitchen"})
	expectAll(t, "message", `["ann has entered the room."]`, ann)
	bob.Call("join", seedMember{"bob", "kitchen"})
	expectAll(t, "message", `["bob has entered the room."]`, ann, bob)
	ann.Call("leave", seedMember{"ann", "kitchen"})
	expectAll(t, "message", `["ann has left the room."]`, bob)
	expectNone(t, ann)

	// Another client, by its id.
	s, _ := chat.Socket(ann.ID())
	s.Join("cellar")
	equal(t, "rooms", strings.Join(s.Rooms(), " "), ann.ID()+" cellar")
	ann.Conn().Close()
	<-s.Context().Done()
	s.Join("attic") // in Flask a KeyError
	if rooms := chat.Rooms(); !slices.Equal(rooms, []string{"kitchen"}) {
		t.Errorf("a client that is gone joined: the rooms are %q", rooms)
	}
}

func TestSeed057ToARoomReachesItsMembersOnly(t *testing.T) {
	_, _, clients := seedClients(t, 3)
	enter(t, "kitchen", clients[0], clients[1])
	clients[0].Call("tell", "kitchen", "from a member")
	expectAll(t, "message", `["from a member"]`, clients[0], clients[1])
	clients[2].Call("tell", "kitchen", "from outside")
	expectAll(t, "message", `["from outside"]`, clients[0], clients[1])
	expectNone(t, clients[2])
}

func TestSeed058RoomsBelongToANamespace(t *testing.T) {
	srv, _, clients := seedClients(t, 1)
	other := sockettest.Connect(t, srv, "/chat")
	enter(t, "kitchen", clients[0])
	enter(t, "kitchen", other)
	clients[0].Call("tell", "kitchen", "hello")
	expectAll(t, "message", `["hello"]`, clients[0])
	expectNone(t, other)
}

func TestSeed059ARoomLivesFromTheFirstJoinToTheLastLeave(t *testing.T) {
	_, chat, clients := seedClients(t, 2)
	equal(t, "rooms at first", len(chat.Rooms()), 0)
	enter(t, "kitchen", clients...)
	clients[0].Call("leave", seedMember{"ann", "kitchen"})
	equal(t, "rooms with one member", strings.Join(chat.Rooms(), " "), "kitchen")
	clients[1].Call("leave", seedMember{"bob", "kitchen"})
	equal(t, "rooms at last", len(chat.Rooms()), 0)
}

func TestSeed060UnknownRoomsAreNoMatter(t *testing.T) {
	_, chat, clients := seedClients(t, 1)
	s, _ := chat.Socket(clients[0].ID())
	s.Leave("nowhere")
	chat.CloseRoom("nowhere")
	if err := chat.To("nowhere").Send("anybody?"); err != nil {
		t.Errorf("emit to an unknown room: %v", err)
	}
	expectNone(t, clients...)
}

func TestSeed061WhoLeftGetsNoMore(t *testing.T) {
	_, chat, clients := seedClients(t, 2)
	enter(t, "kitchen", clients...)
	clients[0].Call("leave", seedMember{"ann", "kitchen"})
	clients[1].Expect("message")
	clients[1].Call("tell", "kitchen", "one left")
	expectAll(t, "message", `["one left"]`, clients[1])
	expectNone(t, clients[0])

	chat.CloseRoom("kitchen")
	clients[1].Call("tell", "kitchen", "nobody left")
	expectNone(t, clients...)
}

func TestSeed062AClientHasARoomOfItsOwn(t *testing.T) {
	srv := quiet()
	srv.On("rooms", func(s *framework.Socket) (string, []string) {
		s.Leave(s.ID()) // in Flask even replies would no longer arrive
		return s.ID(), s.Rooms()
	})
	s := sockettest.Connect(t, srv, "/")
	equal(t, "id and rooms", s.Call("rooms").JSON(), `["`+s.ID()+`",["`+s.ID()+`"]]`)
	if err := srv.To(s.ID()).Send("for you"); err != nil {
		t.Fatal(err)
	}
	expectAll(t, "message", `["for you"]`, s)
}

func TestSeed063AClientJoinsAnyRooms(t *testing.T) {
	_, chat, clients := seedClients(t, 1)
	s, _ := chat.Socket(clients[0].ID())
	s.Join("a", "b", "c")
	s.Join("b")
	equal(t, "rooms", strings.Join(s.Rooms()[1:], " "), "a b c")
	if err := chat.To("b").Send("once"); err != nil {
		t.Fatal(err)
	}
	expectAll(t, "message", `["once"]`, clients...)
}

func TestSeed064RoomsHaveAnyNameAndSeveralAreAUnion(t *testing.T) {
	_, chat, clients := seedClients(t, 3)
	for _, room := range []string{"", "with space", "a,b", "/", "日本 🎉", `"`, "\x00", strings.Repeat("long", 64)} {
		s, _ := chat.Socket(clients[0].ID())
		s.Join(room)
		if err := chat.To(room).Send(1); err != nil {
			t.Errorf("%q: %v", room, err)
		}
		expectAll(t, "message", `[1]`, clients[0])
	}
	enter(t, "kitchen", clients[0], clients[1])
	enter(t, "cellar", clients[1])
	if err := chat.To("kitchen", "cellar").Send("once each"); err != nil {
		t.Fatal(err)
	}
	expectAll(t, "message", `["once each"]`, clients[0], clients[1])
	expectNone(t, clients[2])
}

func TestSeed065ADisconnectLeavesAllRooms(t *testing.T) {
	for _, way := range []string{"leaves", "closes", "is cut off"} {
		t.Run(way, func(t *testing.T) {
			_, chat, clients := seedClients(t, 2)
			s, _ := chat.Socket(clients[0].ID())
			s.Join("a", "b")
			switch way {
			case "leaves":
				clients[0].Leave()
			case "closes":
				clients[0].Conn().Close()
			default:
				clients[0].Conn().Cut()
			}
			<-s.Context().Done()
			equal(t, "rooms", len(chat.Rooms()), 0)
			equal(t, "sockets", len(chat.Sockets()), 1)
		})
	}
}

func TestSeed066TheServerSendsToRooms(t *testing.T) {
	srv, _, clients := seedClients(t, 2)
	other := sockettest.Connect(t, srv, "/chat")
	enter(t, "kitchen", clients[0])
	enter(t, "kitchen", other)
	if err := srv.To("kitchen").Send("dinner"); err != nil {
		t.Fatal(err)
	}
	expectAll(t, "message", `["dinner"]`, clients[0])
	expectNone(t, clients[1], other)
	if err := srv.Of("/chat").To("kitchen").Emit("news", 1); err != nil {
		t.Fatal(err)
	}
	expectAll(t, "news", `[1]`, other)
}

func TestSeed067AnIDAddressesOneClient(t *testing.T) {
	_, _, clients := seedClients(t, 3)
	clients[0].Call("tell", clients[1].ID(), "psst")
	expectAll(t, "message", `["psst"]`, clients[1])
	expectNone(t, clients[0], clients[2])
}

func TestSeed068InIsToAndNoRoomIsNobody(t *testing.T) {
	srv, chat, clients := seedClients(t, 2)
	enter(t, "kitchen", clients[0])
	for what, to := range map[string]framework.Broadcast{
		"server": srv.In("kitchen"), "namespace": chat.In("kitchen"), "selection": chat.Except("cellar").In("kitchen"),
	} {
		if err := to.Send(what); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		expectAll(t, "message", `["`+what+`"]`, clients[0])
	}

	// Flask takes an empty list for everybody, and '' for the sender.
	var none []string
	for what, to := range map[string]framework.Broadcast{
		"server": srv.To(none...), "namespace": chat.To(none...), "a room without a name": chat.To(""),
	} {
		if err := to.Send(what); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	expectNone(t, clients...)
}
