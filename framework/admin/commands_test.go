package admin_test

import (
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework/admin"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestAnAdminEmitsToWhomItNames(t *testing.T) {
	srv := watched(open(admin.Production))
	boss := watch(t, srv)
	ann, bob := sockettest.Connect(t, srv, "/", "ann"), sockettest.Connect(t, srv, "/")

	boss.Emit("emit", "/", ann.ID(), "news", "for ann", []byte{1, 2})
	news := ann.Expect("news")
	equal(t, "text", news.Args.String(0), "for ann")
	equal(t, "bytes", string(news.Args.Bytes(1)), "\x01\x02")
	boss.Emit("emit", "/", "hall", "news", "for the hall")
	equal(t, "to a room", ann.Expect("news").Args.String(0), "for the hall")
	for _, nobody := range []any{nil, ""} {
		boss.Emit("emit", "/", nobody, "news")
		equal(t, "to all", ann.Expect("news").Args.Len(), 0)
		equal(t, "to all", bob.Expect("news").Args.Len(), 0)
	}
	ann.ExpectNone()
	bob.ExpectNone()
}

func TestAnAdminMovesWhomItNames(t *testing.T) {
	srv := watched(open(admin.Development))
	boss := watch(t, srv)
	ann, bob := sockettest.Connect(t, srv, "/", "ann"), sockettest.Connect(t, srv, "/")
	drain(boss, "socket_connected", 2)
	drain(boss, "room_joined", 3)

	boss.Emit("join", "/", "den", ann.ID())
	equal(t, "one", boss.Expect("room_joined").Args.String(2), ann.ID())
	boss.Emit("join", "/", "attic")
	boss.Expect("room_joined")
	boss.Expect("room_joined")
	boss.Emit("leave", "/", "attic", "den")
	left := boss.Expect("room_left")
	equal(t, "room", left.Args.String(1), "attic")
	equal(t, "who is in den", left.Args.String(2), ann.ID())
	boss.Emit("leave", "/", "attic", nil)
	equal(t, "the rest", boss.Expect("room_left").Args.String(2), bob.ID())

	boss.Emit("_disconnect", "/", false, "den")
	equal(t, "a room", ann.Disconnected(), "io server disconnect")
	boss.Emit("_disconnect", "/", true, bob.ID())
	equal(t, "closing", bob.Conn().Closed(), "close frame 1005")
	boss.Emit("_disconnect", "/admin", false)
	equal(t, "everybody, itself included", boss.Disconnected(), "io server disconnect")
}

// drain takes n events.
func drain(s *sockettest.Socket, event string, n int) {
	for range n {
		s.Expect(event)
	}
}

func TestCommandsThatCannotBeObeyedDoNothing(t *testing.T) {
	srv, log := logged(open(admin.Production))
	boss := watch(t, srv)
	ann := sockettest.Connect(t, srv, "/", "ann")
	boss.Emit("emit", "/nowhere", nil, "news")
	boss.Emit("join", "/nowhere", "den")
	boss.Emit("leave", "/nowhere", "den")
	boss.Emit("_disconnect", "/nowhere", true)
	boss.Emit("emit", "/", nil, "connect")
	boss.Emit("emit", "/", nil, "")
	boss.Emit("emit", "/", nil)
	boss.Emit("emit")
	boss.Emit("join", "/", "", ann.ID()) // the UI's empty field
	boss.Emit("join", "/", nil, ann.ID())
	boss.Emit("join", 5, map[string]string{}, []string{})
	boss.Emit("_disconnect", "/", "yes", ann.ID())
	boss.Emit("leave", "/", "hall", "nobody")
	boss.Emit("emit", "/", ann.ID(), "last")
	ann.Expect("last")
	ann.ExpectNone()
	members, err := srv.To("hall").Count(t.Context())
	if err != nil || members != 1 {
		t.Errorf("in the hall: got %d, %v, want 1", members, err)
	}
	equal(t, "unknown namespaces in the log", strings.Count(log.String(), "unknown namespace"), 4)
}

func TestCommandsAreLogged(t *testing.T) {
	srv, log := logged(open(admin.Production))
	boss := watch(t, srv)
	ann := sockettest.Connect(t, srv, "/", "ann")
	boss.Emit("join", "/", "den", ann.ID())
	boss.Emit("_disconnect", "/", true, ann.ID())
	ann.Conn().Closed()
	for _, want := range []string{
		`"command":"join","to":"/","filter":"` + ann.ID()[:8] + `","what":"den"`,
		`"sid":"` + boss.ID()[:8] + `"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s", want)
		}
	}
}

func TestReadOnlyObeysNobody(t *testing.T) {
	opts := open(admin.Development)
	opts.ReadOnly = true
	srv := watched(opts)
	boss := sockettest.Connect(t, srv, "/admin")
	equal(t, "features", boss.Expect("config").Args.JSON(), `[{"supportedFeatures":["AGGREGATED_EVENTS","ALL_EVENTS"]}]`)
	ann := sockettest.Connect(t, srv, "/", "ann")
	drain(boss, "room_joined", 2)
	boss.Emit("emit", "/", nil, "news")
	boss.Emit("join", "/", "den", ann.ID())
	boss.Emit("leave", "/", "hall", ann.ID())
	boss.Emit("_disconnect", "/", true, ann.ID())
	boss.Conn().Close() // behind what it sent
	ann.Call("ask")
	ann.ExpectNone()
	members, err := srv.To("hall").Except("den").Count(t.Context())
	if err != nil || members != 1 {
		t.Errorf("in the hall: got %d, %v, want 1", members, err)
	}
}
