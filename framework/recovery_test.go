package framework_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// away is a server whose clients may recover. left hears of each OnDisconnect.
type away struct {
	*framework.Server
	left chan *framework.Socket
	log  *logBuffer
}

func recovering(set ...func(*framework.Options)) *away { return recoveringBehind(nil, set...) }

// recoveringBehind is recovering with middleware.
func recoveringBehind(mw framework.Middleware, set ...func(*framework.Options)) *away {
	a := &away{left: make(chan *framework.Socket, 100), log: new(logBuffer)}
	opts := framework.Options{Recovery: framework.Recovery{MaxDisconnection: time.Minute}, Logger: zerolog.New(a.log)}
	for _, f := range set {
		f(&opts)
	}
	a.Server = unhurried(opts)
	if mw != nil {
		a.Use(mw)
	}
	a.On("join", func(s *framework.Socket, rooms ...string) { s.Join(rooms...) })
	a.On("leave", func(s *framework.Socket, rooms ...string) { s.Leave(rooms...) })
	a.On("rooms", func(s *framework.Socket) []string { return s.Rooms() })
	a.On("say", func(s *framework.Socket, text string) error { return s.Broadcast().Emit("said", text) })
	a.On("disconnect", func(s *framework.Socket) { a.left <- s })
	return a
}

// cut breaks a client's connection, and returns when OnDisconnect has run.
func (a *away) cut(t *testing.T, client *sockettest.Socket) *framework.Socket {
	t.Helper()
	client.Conn().Cut()
	return receive(t, a.left)
}

// back connects a client again.
func (a *away) back(t *testing.T, lost *sockettest.Socket) *sockettest.Socket {
	t.Helper()
	return sockettest.Dial(t, a, sockettest.Options{}).Recover(lost)
}

// hears fails the test unless exactly these events wait, written as "name arg ...",
// without offsets.
func hears(t *testing.T, client *sockettest.Socket, want ...string) {
	t.Helper()
	for i, w := range want {
		e := client.Next()
		got := e.Name
		for i := range e.Args.Len() - 1 {
			got += " " + e.Args.String(i)
		}
		if got != w {
			t.Fatalf("event %d: got %q, want %q", i, got, w)
		}
	}
	client.ExpectNone()
}

func recovered(t *testing.T, client *sockettest.Socket, want bool) {
	t.Helper()
	if got := client.Recovered(); got != want {
		t.Fatalf("recovered: got %v, want %v", got, want)
	}
}

func TestAClientThatComesBackHasItsSessionAndWhatItMissed(t *testing.T) {
	label := framework.NewKey[string]("label")
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			srv := recovering()
			connects := make(chan *framework.Socket, 10)
			srv.On("connect", func(s *framework.Socket) {
				if !s.Recovered() {
					label.Set(s, "ann")
				}
				connects <- s
			})
			conn := sockettest.Dial(t, srv, sockettest.Options{Transport: transport})
			ann := conn.Join("/")
			first := receive(t, connects)
			ann.Call("join", "kitchen", "hall", "cellar")
			ann.Call("leave", "cellar")
			srv.Emit("seen", "1")
			hears(t, ann, "seen 1")

			old := srv.cut(t, ann)
			equal(t, "rooms at the loss", strings.Join(old.Rooms()[1:], " "), "kitchen hall")
			srv.Emit("all", "2")
			srv.To("kitchen").Emit("kitchen", "3")
			srv.To("cellar", "attic").Emit("elsewhere", "4")
			srv.To("kitchen", "hall").Emit("both", "5")
			srv.Except("hall").Emit("not the hall", "6")
			srv.Except("attic").Emit("not the attic", "7")
			srv.To("hall").Except(ann.ID()).Emit("not ann", "8")
			srv.To(ann.ID()).Emit("ann", "9")
			srv.Of("/").Volatile().Emit("volatile", "10")
			if err := old.Emit("old", "11"); err != nil {
				t.Errorf("emit to a client that is away: %v", err)
			}

			again := sockettest.Dial(t, srv, sockettest.Options{Transport: transport})
			back := again.Recover(ann)
			recovered(t, back, true)
			equal(t, "id", back.ID(), ann.ID())
			equal(t, "pid", back.PID(), ann.PID())
			if i, j := frameAt(again, `< 42["old","11"`), frameAt(again, `< 40{"sid"`); i < 0 || i > j {
				t.Errorf("what was missed came at %d, CONNECT at %d", i, j)
			}
			hears(t, back, "all 2", "kitchen 3", "both 5", "not the attic 7", "ann 9", "old 11")
			second := receive(t, connects)
			equal(t, "Recovered", second.Recovered(), true)
			if v, _ := label.Get(second); v != "ann" {
				t.Errorf("value: got %q, want ann", v)
			}
			equal(t, "another socket", first == second, false)
			equal(t, "rooms", back.Call("rooms").JSON(), fmt.Sprintf(`[[%q,"kitchen","hall"]]`, ann.ID()))
			srv.To("hall").Emit("hall", "12")
			old.Emit("old", "13") // whoever has the session now
			hears(t, back, "hall 12", "old 13")
			equal(t, "recovered", srv.RecoveryStats().Recovered, 1)
		})
	}
}

// frameAt finds the first packet of a connection that begins so, or -1.
func frameAt(conn *sockettest.Conn, prefix string) int {
	return slices.IndexFunc(conn.Frames(), func(f string) bool { return strings.HasPrefix(f, prefix) })
}

func TestAClientThatReceivedNothingRecovers(t *testing.T) {
	srv := recovering()
	client := sockettest.Connect(t, srv, "/")
	equal(t, "offset", client.Offset(), "")
	srv.cut(t, client)
	srv.Emit("news", "1")
	back := srv.back(t, client)
	recovered(t, back, true)
	hears(t, back, "news 1")
}

func TestABroadcastOfAClientThatComesBackIsNotForItself(t *testing.T) {
	srv := recovering()
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	ann.Emit("say", "hello")
	hears(t, bob, "said hello")
	srv.cut(t, ann)
	back := srv.back(t, ann)
	recovered(t, back, true)
	hears(t, back)
}

func TestNothingIsDifferentWithoutRecovery(t *testing.T) {
	srv := quiet()
	client := sockettest.Connect(t, srv, "/")
	srv.Emit("news", "1")
	equal(t, "args", client.Expect("news").Args.JSON(), `["1"]`)
	equal(t, "pid", client.PID(), "")
	back := sockettest.Dial(t, srv, sockettest.Options{}).RecoverAt("/", "aaaaaaaaaaaaaaaaaaaa", "x")
	equal(t, "new id", back.ID() != client.ID(), true)
	equal(t, "stats", srv.RecoveryStats(), framework.RecoveryStats{})
}

func TestWhatOnConnectEmitsIsLogged(t *testing.T) {
	srv := recoveringBehind(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				e.Socket.Emit("middleware", "1")
			}
			return next.ServeEvent(ctx, e)
		})
	})
	srv.On("connect", func(s *framework.Socket) { s.Emit("connect handler", "2") })
	client := sockettest.Connect(t, srv, "/")
	hears(t, client, "middleware 1", "connect handler 2")
	first := sockettest.Connect(t, srv, "/")
	srv.cut(t, first) // whatever it has read
	back := sockettest.Dial(t, srv, sockettest.Options{}).RecoverAt("/", first.PID(), "")
	recovered(t, back, true)
	hears(t, back, "middleware 1", "connect handler 2", "middleware 1", "connect handler 2")
}

func TestListenersHearWhatAClientMissed(t *testing.T) {
	srv := recovering()
	heard := make(chan string, 10)
	srv.On("connect", func(s *framework.Socket) {
		s.OnAnyOutgoing(func(event string, args framework.Args) { heard <- event })
	})
	client := sockettest.Connect(t, srv, "/")
	srv.cut(t, client)
	srv.Emit("missed", "1")
	hears(t, srv.back(t, client), "missed 1")
	equal(t, "heard", receive(t, heard), "missed")
}
