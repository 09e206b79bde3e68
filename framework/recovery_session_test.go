package framework_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestWhichReasonsKeepASession(t *testing.T) {
	tests := []struct {
		name string
		end  func(srv *away, client *sockettest.Socket)
		want bool
	}{
		{"the transport is lost", func(_ *away, c *sockettest.Socket) { c.Conn().Cut() }, true},
		{"the client closes its connection", func(_ *away, c *sockettest.Socket) { c.Conn().Close() }, true},
		{"the client sends garbage", func(_ *away, c *sockettest.Socket) { c.Conn().Send("9") }, true},
		{"the client sends out of turn", func(_ *away, c *sockettest.Socket) { c.Conn().Send("0") }, true},
		{"the client leaves", func(_ *away, c *sockettest.Socket) { c.Leave() }, false},
		{"the server disconnects", func(srv *away, c *sockettest.Socket) { s, _ := srv.Of("/").Socket(c.ID()); s.Disconnect() }, false},
		{"the server closes", func(srv *away, c *sockettest.Socket) { s, _ := srv.Of("/").Socket(c.ID()); s.Close() }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := recovering()
			client := sockettest.Connect(t, srv, "/")
			srv.Emit("news", "1")
			hears(t, client, "news 1")
			tt.end(srv, client)
			old := receive(t, srv.left)
			srv.Emit("news", "2")
			if err := old.Emit("news", "3"); tt.want != (err == nil) || err != nil && !errors.Is(err, framework.ErrClosed) {
				t.Errorf("emit to who went: got %v, want none %v", err, tt.want)
			}
			back := srv.back(t, client)
			recovered(t, back, tt.want)
			equal(t, "the same id", back.ID() == client.ID(), tt.want)
			equal(t, "the same pid", back.PID() == client.PID(), tt.want)
			if tt.want {
				hears(t, back, "news 2", "news 3")
			} else {
				hears(t, back)
				equal(t, "unknown", srv.RecoveryStats().Unknown, 1)
			}
		})
	}
}

func TestAPingTimeoutKeepsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := recovering()
		client := sockettest.Dial(t, srv, sockettest.Options{NoPong: true, Timeout: time.Hour}).Join("/")
		client.Disconnected()
		receive(t, srv.left)
		srv.Emit("news", "1")
		back := srv.back(t, client)
		recovered(t, back, true)
		hears(t, back, "news 1")
		back.Conn().Close()
		srv.Shutdown(context.Background())
	})
}

func TestForgedClaimsGetANewSession(t *testing.T) {
	srv := recovering()
	victim := sockettest.Connect(t, srv, "/")
	other := sockettest.Connect(t, srv, "/")
	srv.Emit("news", "1")
	hears(t, victim, "news 1")
	srv.cut(t, victim)
	srv.To(victim.ID()).Emit("secret", "2")
	pid := victim.PID()
	for _, claim := range []string{
		"", "x", pid[:19], pid + "x", strings.Repeat("A", 20), victim.ID(), other.ID(), strings.Repeat("x", 10_000), "\x00", "👻",
	} {
		back := sockettest.Dial(t, srv, sockettest.Options{}).RecoverAt("/", claim, victim.Offset())
		recovered(t, back, false)
		equal(t, "the victim's id", back.ID() == victim.ID(), false)
		hears(t, back)
	}
	for _, auth := range []string{
		`{"pid":1}`, `{"pid":null,"offset":null}`, `{"pid":["a"]}`, `{"pid":{},"offset":{}}`, `[]`, `"` + pid + `"`, `{"PID":"` + pid + `"}`,
	} {
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		conn.Send("0" + auth)
		conn.Refused("/nowhere")
		if got := framesWith(conn, `< 42["secret"`); len(got) > 0 {
			t.Errorf("%s: got %q", auth, got)
		}
	}
	back := srv.back(t, victim)
	recovered(t, back, true)
	hears(t, back, "secret 2")
	if strings.Contains(srv.log.String(), pid) || strings.Contains(srv.log.String(), other.PID()) {
		t.Error("a pid is in the log")
	}
}

// What is not an offset of this log, or of packets before the session, says that the
// client has received nothing.
func TestForgedOffsetsGetNothingThatWasNotForTheClient(t *testing.T) {
	newer := ""
	tests := []struct {
		name   string
		offset func(first, last string) string
	}{
		{"none", func(string, string) string { return "" }},
		{"nonsense", func(string, string) string { return "nonsense" }},
		{"of another process", func(string, string) string { return "AAAAAAAA.1" }},
		{"without a number", func(first, _ string) string { return first[:9] }},
		{"negative", func(first, _ string) string { return first[:9] + "-1" }},
		{"of the future", func(first, _ string) string { return first[:9] + "zzzz" }},
		{"too large", func(first, _ string) string { return first[:9] + strings.Repeat("z", 100) }},
		{"from before the session", func(first, _ string) string { return first }},
		{"of another namespace", func(string, string) string { return newer }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := recovering()
			srv.Route("/other", func(r *framework.Router) { r.On("x", func() {}) })
			early := sockettest.Connect(t, srv, "/")
			srv.Emit("early", "1")
			early.Expect("early")
			first := early.Offset()
			other := early.Conn().Join("/other")
			for range 9 {
				srv.Of("/other").Emit("other", "0")
				other.Expect("other")
			}
			newer = other.Offset()
			client := sockettest.Connect(t, srv, "/")
			srv.Emit("news", "2")
			hears(t, client, "news 2")
			srv.cut(t, client)
			srv.To(early.ID()).Emit("not for the client", "3")
			srv.Emit("news", "4")
			back := sockettest.Dial(t, srv, sockettest.Options{}).RecoverAt("/", client.PID(), tt.offset(first, client.Offset()))
			recovered(t, back, true)
			hears(t, back, "news 2", "news 4")
		})
	}
}

func TestASessionIsRestoredOnce(t *testing.T) {
	srv := recovering()
	client := sockettest.Connect(t, srv, "/")
	srv.cut(t, client)
	first := srv.back(t, client)
	recovered(t, first, true)
	second := srv.back(t, client) // takes the session over, as its client's newest connection
	recovered(t, second, true)
	equal(t, "first", first.Disconnected(), "transport close")
	receive(t, srv.left)
	equal(t, "sockets", len(srv.Of("/").Sockets()), 1)
	second.Leave()
	receive(t, srv.left)
	recovered(t, srv.back(t, client), false)
}

func TestRefusedClientsMayTryAgainWithTheirSession(t *testing.T) {
	refuse := make(chan bool, 10)
	srv := recovering()
	srv.On("connect", func(s *framework.Socket) error {
		s.Join("lobby")
		s.Emit("hello", "h")
		if <-refuse {
			s.Join("never")
			return framework.Refuse("not now")
		}
		return nil
	})
	refuse <- false
	client := sockettest.Connect(t, srv, "/")
	hears(t, client, "hello h")
	srv.cut(t, client)
	srv.Emit("news", "1")

	refuse <- true
	refuse <- false
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	refusal := conn.Refused("/", map[string]string{"pid": client.PID(), "offset": client.Offset()})
	equal(t, "refusal", refusal.Message, "not now")
	back := conn.Recover(client)
	recovered(t, back, true)
	hears(t, back, "news 1", "hello h") // what the refused OnConnect emitted is dropped
	equal(t, "rooms", back.Call("rooms").JSON(), `[["`+client.ID()+`","lobby"]]`)
	equal(t, "refused", len(srv.left), 0)
}

func TestWhoComesWithAStolenSecretCanBeRefused(t *testing.T) {
	user := framework.NewKey[string]("user")
	srv := recovering()
	srv.On("connect", func(s *framework.Socket, auth struct{ User string }) error {
		if before, ok := user.Get(s); ok && before != auth.User {
			return framework.Refuse("not your session")
		}
		user.Set(s, auth.User)
		return nil
	})
	ann := sockettest.Connect(t, srv, "/", map[string]string{"user": "ann"})
	srv.cut(t, ann)
	srv.Emit("news", "1")
	thief := sockettest.Dial(t, srv, sockettest.Options{})
	refusal := thief.Refused("/", map[string]string{"pid": ann.PID(), "user": "bob"})
	equal(t, "refusal", refusal.Message, "not your session")
	equal(t, "what the thief has read", len(framesWith(thief, "< 42")), 0)
	back := sockettest.Dial(t, srv, sockettest.Options{}).Recover(ann, map[string]string{"user": "ann"})
	recovered(t, back, true)
	hears(t, back, "news 1")
}

func TestAStaleSocketEndsBeforeItsClientIsBack(t *testing.T) {
	srv := recovering()
	log := make(chan string, 20)
	release := make(chan struct{})
	srv.On("connect", func(s *framework.Socket) {
		if s.Recovered() {
			log <- "back"
		}
	})
	srv.On("slow", func(s *framework.Socket) {
		<-release
		log <- "handler"
		s.Emit("answer", "1")
	})
	gone := make(chan framework.Reason, 10)
	srv.Route("/other", func(r *framework.Router) {
		r.On("x", func() {})
		r.On("disconnect", func(reason framework.Reason) { gone <- reason })
	})
	client := sockettest.Connect(t, srv, "/")
	client.Conn().Join("/other")
	client.Emit("slow")
	client.Conn().Refused("/nowhere") // it has been read

	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send(`0{"pid":"` + client.PID() + `"}`)
	equal(t, "old connection", client.Disconnected(), "transport close")
	equal(t, "the client's other namespace", receive(t, gone), framework.TransportClose)
	srv.Emit("news", "2")
	conn.Refused("/nowhere")
	equal(t, "connected already", frameAt(conn, "< 40{"), -1)
	close(release)
	equal(t, "first", receive(t, log), "handler")
	old := receive(t, srv.left)
	equal(t, "then", receive(t, log), "back")
	waitFrame(t, conn, `< 40{"sid":"`+client.ID()+`"`)
	if got := framesWith(conn, `< 42["news","2"`, `< 42["answer","1"`); len(got) != 2 || !strings.Contains(got[0], "news") {
		t.Errorf("got %q, want the news and then the answer", got)
	}
	now, _ := srv.Of("/").Socket(client.ID())
	equal(t, "the hub has the new one", now != nil && now != old, true)
}

func TestTheNewestConnectionOfAClientHasTheSession(t *testing.T) {
	srv := recovering()
	release := make(chan struct{})
	srv.On("slow", func() { <-release })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("slow")
	client.Conn().Refused("/nowhere")
	var conns []*sockettest.Conn
	for range 3 {
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		conn.Send(`0{"pid":"` + client.PID() + `"}`)
		conn.Refused("/nowhere")
		conns = append(conns, conn)
	}
	for _, conn := range conns[:2] {
		waitFrame(t, conn, `< 40{"sid":`) // a session of its own
		equal(t, "the session", frameAt(conn, `< 40{"sid":"`+client.ID()), -1)
	}
	close(release)
	waitFrame(t, conns[2], `< 40{"sid":"`+client.ID())
	equal(t, "superseded", srv.RecoveryStats().Superseded, 2)
}

func TestAClientWaitsForHandlersOfItsLostConnectionForSomeTimeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := recovering()
		release := make(chan struct{})
		srv.On("slow", func() { <-release })
		client := sockettest.Connect(t, srv, "/")
		client.Emit("slow")
		synctest.Wait()
		client.Conn().Cut()
		start := time.Now()
		conn := sockettest.Dial(t, srv, sockettest.Options{Timeout: time.Minute})
		back := conn.Recover(client)
		recovered(t, back, false)
		equal(t, "after", time.Since(start), 10*time.Second)
		equal(t, "busy", srv.RecoveryStats().Busy, 1)
		close(release)
		conn.Close()
		srv.Shutdown(context.Background())
	})
}

func TestAClientThatGoesWhileItWaitsLeavesTheSession(t *testing.T) {
	srv := recovering()
	release := make(chan struct{})
	srv.On("slow", func() { <-release })
	noticed := make(chan struct{}, 1)
	srv.Route("/other", func(r *framework.Router) { r.On("disconnect", func() { noticed <- struct{}{} }) })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("slow")
	client.Conn().Refused("/nowhere")
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Join("/other")
	conn.Send(`0{"pid":"` + client.PID() + `"}`)
	conn.Refused("/nowhere")
	conn.Cut()
	receive(t, noticed)
	close(release)
	receive(t, srv.left)
	srv.Emit("news", "1")
	back := srv.back(t, client)
	recovered(t, back, true)
	hears(t, back, "news 1")
}

func TestNamespacesHaveSessionsOfTheirOwn(t *testing.T) {
	srv := recovering()
	srv.Route("/chat", func(r *framework.Router) { r.On("disconnect", func(s *framework.Socket) { srv.left <- s }) })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	root, chat := conn.Join("/"), conn.Join("/chat")
	conn.Cut()
	receive(t, srv.left)
	receive(t, srv.left)
	srv.Emit("news", "root")
	srv.Of("/chat").Emit("news", "chat")
	again := sockettest.Dial(t, srv, sockettest.Options{})
	recovered(t, again.RecoverAt("/", chat.PID(), ""), false)
	again = sockettest.Dial(t, srv, sockettest.Options{})
	for _, s := range []*sockettest.Socket{root, chat} {
		back := again.Recover(s)
		recovered(t, back, true)
		hears(t, back, "news "+map[string]string{"/": "root", "/chat": "chat"}[s.Path()])
	}
}

func TestHandlersDoNotSeeTheClaim(t *testing.T) {
	srv := recovering()
	auths := make(chan framework.Args, 10)
	srv.On("connect", func(s *framework.Socket) { auths <- s.Auth() })
	client := sockettest.Connect(t, srv, "/", map[string]string{"token": "t"})
	equal(t, "auth", string(receive(t, auths).Raw(0)), `{"token":"t"}`)
	srv.cut(t, client)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	recovered(t, conn.RecoverAt("/", client.PID(), "x", map[string]string{"token": "u"}), true)
	equal(t, "auth", string(receive(t, auths).Raw(0)), `{"token":"u"}`)
	conn.Cut()
	receive(t, srv.left)
	recovered(t, srv.back(t, client), true)
	equal(t, "auth", receive(t, auths).Len(), 0)
	sockettest.Connect(t, srv, "/", map[string]string{"pid": "4711"}) // the application's own
	equal(t, "auth", string(receive(t, auths).Raw(0)), `{"pid":"4711"}`)
}

// Clients of Engine.IO 3 know no pid, and their sockets are named by the session.
func TestClientsOfProtocol4HaveNoSessionToComeBackTo(t *testing.T) {
	srv := recovering(func(o *framework.Options) { o.Transport.AllowEIO3 = true })
	ids := make(chan string, 10)
	srv.Route("/room", func(r *framework.Router) {
		r.On("connect", func(s *framework.Socket) { ids <- s.ID() })
		r.On("disconnect", func(s *framework.Socket) { srv.left <- s })
	})
	away := sockettest.Dial(t, srv, sockettest.Options{}).Join("/room")
	receive(t, ids)
	srv.cut(t, away)
	url := serve(t, srv.Server)
	c := joinOlder(t, url)
	c.send("40/room?pid=" + away.PID() + ",")
	c.want("40/room,")
	equal(t, "id", receive(t, ids), "/room#"+c.sid)
	c.Close()
	s := receive(t, srv.left)
	if s.Namespace().Path() == "/" {
		s = receive(t, srv.left)
	}
	if err := s.Emit("news", "1"); !errors.Is(err, framework.ErrClosed) {
		t.Errorf("emit: got %v, want ErrClosed", err)
	}
	equal(t, "kept", srv.RecoveryStats().Kept, 1)
	recovered(t, srv.back(t, away), true)
}
