package adaptertest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
)

func emitReachesAll(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.check(c.server().Emit("news", map[string]any{"text": "päper"}, 1))
	for i, client := range c.clients {
		if got, want := client.Expect("news").Args.JSON(), `[{"text":"päper"},1]`; got != want {
			t.Errorf("client %d: got %s, want %s", i, got, want)
		}
	}
	c.check(c.server().Send("hello"))
	c.gets("message", c.clients...)
}

func emitStaysInItsNamespace(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	other := c.clients[2].Conn().Join("/other")
	c.check(c.server().Of("/other").Emit("news"))
	c.gets("news") // nobody of "/"
	other.Expect("news")
	c.check(c.server().Emit("more"))
	c.gets("more", c.clients...)
	other.ExpectNone()
}

func emitToRooms(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.clients[1].inside.Join("a room: ä # /")
	c.check(c.server().To("a room: ä # /").Emit("news"))
	c.gets("news", c.clients[1])
	c.check(c.server().To(c.clients[2].ID()).Emit("news"))
	c.gets("news", c.clients[2])
	c.clients[1].inside.Leave("a room: ä # /")
	c.check(c.server().To("a room: ä # /").Emit("news"))
	c.gets("news")
}

func severalRoomsDeliverOnce(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.clients[0].inside.Join("one", "two")
	c.clients[1].inside.Join("one", "two")
	c.clients[2].inside.Join("three")
	c.check(c.server().To("one", "two").Emit("news"))
	c.gets("news", c.clients[0], c.clients[1])
	c.check(c.server().To("one").In("three").Emit("news"))
	c.gets("news", c.clients...)
}

func except(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.clients[1].inside.Join("one", "two")
	c.check(c.server().Except("one").Emit("news"))
	c.gets("news", c.clients[0], c.clients[2])
	c.check(c.server().Except(c.clients[2].ID(), "one").Emit("news"))
	c.gets("news", c.clients[0])
	c.clients[2].inside.Join("one")
	c.check(c.server().To("one").Except("two").Emit("news"))
	c.gets("news", c.clients[2])
}

func aSocketLeavesItselfOut(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	speaker := c.clients[0]
	c.check(speaker.inside.Broadcast().Emit("news"))
	c.gets("news", c.clients[1], c.clients[2])
	for _, client := range c.clients {
		client.inside.Join("all")
	}
	c.check(speaker.inside.To("all").Emit("news"))
	c.gets("news", c.clients[1], c.clients[2])
	c.check(speaker.inside.Except(c.clients[1].ID()).Emit("news"))
	c.gets("news", c.clients[2])
	c.check(speaker.inside.Emit("own"))
	c.gets("own", speaker)
}

func binary(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	data := []byte{0, 1, 0xfe, 0xff}
	sent := bytes.Clone(data)
	c.check(c.server().Emit("file", map[string]any{"name": "x", "data": sent}, sent, []byte{}))
	clear(sent) // the emit has returned: it is the caller's again
	for i, client := range c.clients {
		args := client.Expect("file").Args
		var file struct {
			Name string
			Data []byte
		}
		args.Decode(0, &file)
		if file.Name != "x" || !bytes.Equal(file.Data, data) || !bytes.Equal(args.Bytes(1), data) || len(args.Bytes(2)) != 0 {
			t.Errorf("client %d: got %s with %v", i, args.JSON(), file)
		}
	}
}

func order(t *testing.T, newAdapter adapter.New) {
	const events = 200
	c := start(t, newAdapter)
	for i := range events {
		switch i % 3 {
		case 0:
			c.check(c.server().Emit("n", i))
		case 1:
			c.check(c.server().Except("nobody").Emit("n", i))
		default:
			c.check(c.server().To(ids(c.clients...)...).Emit("n", i))
		}
	}
	for i, client := range c.clients {
		for want := range events {
			var got int
			client.Expect("n").Args.Decode(0, &got)
			if got != want {
				t.Fatalf("client %d: got event %d, want %d", i, got, want)
			}
		}
	}
}

func local(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.check(c.server().Local().Emit("news"))
	own := c.clients
	if c.others() > 0 {
		own = c.clients[:1]
	}
	c.gets("news", own...)
	c.check(c.server().To(ids(c.clients...)...).Local().Emit("news"))
	c.gets("news", own...)
}

var errCut = errors.New("cut off")

// cut is an adapter that cannot publish.
type cut struct{ adapter.Adapter }

func (cut) Broadcast(adapter.Packet, adapter.Selection, adapter.Flags) error { return errCut }

func localDeliveryIfPublishingFails(t *testing.T, newAdapter adapter.New) {
	c := start(t, func(local adapter.Local) (adapter.Adapter, error) {
		a, err := newAdapter(local)
		return cut{a}, err
	})
	if err := c.server().Emit("news"); !errors.Is(err, errCut) {
		t.Errorf("got error %v, want %v", err, errCut)
	}
	c.clients[0].Expect("news")
	c.clients[1].ExpectNone()
}

func nobody(t *testing.T, newAdapter adapter.New) {
	c := start(t, newAdapter)
	c.check(c.server().To().Emit("news"))
	c.check(c.server().To("empty").Emit("news"))
	c.gets("news")
	if err := c.server().Of("/unknown").Emit("news"); !errors.Is(err, framework.ErrNotRegistered) {
		t.Errorf("unknown namespace: got error %v, want %v", err, framework.ErrNotRegistered)
	}
}
