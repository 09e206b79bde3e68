package framework_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// older is a client of Socket.IO protocol v4 on a WebSocket, which shows the packets.
type older struct {
	*testing.T
	*wire
	sid string // of the Engine.IO session
}

// dialOlder opens a session of Engine.IO 3.
func dialOlder(t *testing.T, url string) *older {
	t.Helper()
	c := &older{T: t, wire: dialWireAs(t, url, "EIO=3")}
	open := c.packet()
	c.sid, _, _ = strings.Cut(strings.TrimPrefix(open, `0{"sid":"`), `"`)
	if len(c.sid) != 20 {
		t.Fatalf("got %q, want the open packet", open)
	}
	return c
}

// joinOlder is dialOlder, and waits for the server to put the client into "/".
func joinOlder(t *testing.T, url string) *older {
	t.Helper()
	c := dialOlder(t, url)
	c.want("40")
	return c
}

// packet reads an Engine.IO packet; "" is the end of the connection.
func (c *older) packet() string {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	return string(c.read(c.T))
}

func (c *older) want(packet string) {
	c.Helper()
	if got := c.packet(); got != packet {
		c.Fatalf("got %q, want %q", got, packet)
	}
}

func (c *older) send(packet string) { c.write(c.T, frame(packet)) }

// wantEnd wants the server to close the connection, with nothing said before.
func (c *older) wantEnd() {
	c.Helper()
	var head [2]byte
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := c.in.Read(head[:]); err != nil || n != 2 || head[0] != 0x88 {
		c.Fatalf("got %x, %v, want a close frame", head[:n], err)
	}
}

// servingOlder makes a server that lets clients of protocol v4 in.
func servingOlder() *framework.Server {
	return unhurried(framework.Options{Transport: transport.Options{AllowEIO3: true}, Logger: zerolog.Nop()})
}

func TestAClientOfProtocol4IsPutIntoTheRoot(t *testing.T) {
	srv := servingOlder()
	srv.On("connect", func(s *framework.Socket) error {
		if s.Auth().Len() > 0 {
			t.Errorf("got auth %s, want none", s.Auth().Raw(0))
		}
		return s.Emit("welcome", s.ID(), []byte{7})
	})
	srv.On("id", func(s *framework.Socket) string { return s.ID() })
	c := joinOlder(t, serve(t, srv))
	c.want(`451-["welcome","` + c.sid + `",{"_placeholder":true,"num":0}]`)
	c.want("\x04\x07")
	c.send(`420["id"]`)
	c.want(`430["` + c.sid + `"]`)
}

func TestAClientOfProtocol4JoinsWithAQuery(t *testing.T) {
	tests := []struct{ name, packet, auth string }{
		{"no query", "0/room,", "none"},
		{"no comma", "0/room", "none"},
		{"a query", "0/room?token=x,", `{"token":"x"}`},
		{"a query without a comma", "0/room?token=x", `{"token":"x"}`},
		{"an empty query", "0/room?,", `{}`},
		{"several", "0/room?b=2&a=1&c,", `{"a":"1","b":"2","c":""}`},
		{"the last of a name", "0/room?a=1&a=2,", `{"a":"2"}`},
		{"escapes", "0/room?t%C3%BC=a%2Cb%26c+d%22,", `{"tü":"a,b&c d\""}`},
		{"a second question mark", "0/room?a=1?2,", `{"a":"1?2"}`},
		{"no escape", "0/room?a=%zz&b=1,", `{"b":"1"}`},
		{"a payload as in protocol v5", `0/room,{"token":"x"}`, "none"},
	}
	srv := servingOlder()
	srv.Route("/room", func(r *framework.Router) {
		r.On("connect", func(s *framework.Socket) error {
			auth := "none"
			if s.Auth().Len() > 0 {
				auth = string(s.Auth().Raw(0))
			}
			return s.Emit("auth", auth, s.ID())
		})
	})
	url := serve(t, srv)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := joinOlder(t, url)
			c.send("4" + tt.packet)
			c.want("40/room,")
			c.want(fmt.Sprintf(`42/room,["auth",%s,"/room#%s"]`, quoted(tt.auth), c.sid))
		})
	}
}

// quoted writes a text as a handler's answer has it.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func TestAQueryIsPartOfTheNameInProtocol5(t *testing.T) {
	srv := servingOlder()
	srv.Route("/room", func(r *framework.Router) { r.On("x", func() {}) })
	c := &older{T: t, wire: join(t, serve(t, srv))}
	c.send("40/room?token=x,")
	c.want(`44/room?token=x,{"message":"Invalid namespace"}`)
}

func TestRefusalsInProtocol4(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"a message", framework.Refuse("not today"), `"not today"`},
		{"no message", framework.Refuse(""), `"Connection rejected by server"`},
		{"data", framework.Refuse("no", map[string]int{"left": 0}), `{"left":0}`},
		{"data that cannot be sent", framework.Refuse("no", func() {}), `"no"`},
		{"a failure", fmt.Errorf("a secret"), `"Internal server error"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := servingOlder()
			for _, path := range []string{"/", "/room"} {
				srv.Route(path, func(r *framework.Router) { r.On("connect", func() error { return tt.err }) })
			}
			c := dialOlder(t, serve(t, srv))
			c.want("44" + tt.want)
			c.send("40/room,")
			c.want("44/room," + tt.want)
			c.send("40/nowhere?token=x,")
			c.want(`44/nowhere,{"message":"Invalid namespace"}`)
		})
	}
}

func TestAClientOfProtocol4ThatIsRefusedIsClosedInTheEnd(t *testing.T) {
	srv := unhurried(framework.Options{
		Transport:      transport.Options{AllowEIO3: true},
		ConnectTimeout: time.Second,
		Logger:         zerolog.Nop(),
	})
	srv.On("connect", func() error { return framework.Refuse("") })
	c := dialOlder(t, serve(t, srv))
	c.want(`44"Connection rejected by server"`)
	c.wantEnd()
}

func TestSocketsOfProtocol4AreFoundByTheirIDs(t *testing.T) {
	srv := servingOlder()
	gone := make(chan struct{}, 2)
	srv.Route("/room", func(r *framework.Router) {
		r.On("disconnect", func() { gone <- struct{}{} })
		r.On("say", func(s *framework.Socket, id, text string) error { return s.Namespace().To(id).Emit("said", text) })
		r.On("others", func(s *framework.Socket, id, text string) error {
			return s.Namespace().Except(id).Emit("said", text)
		})
	})
	url := serve(t, srv)
	ann, bob := joinOlder(t, url), joinOlder(t, url)
	for _, c := range []*older{ann, bob} {
		c.send("40/room,")
		c.want("40/room,")
	}
	id := "/room#" + bob.sid
	ann.send(`42/room,["say","` + id + `","to bob"]`)
	bob.want(`42/room,["said","to bob"]`)
	ann.send(`42/room,["others","` + id + `","not to bob"]`)
	ann.want(`42/room,["said","not to bob"]`)
	if s, ok := srv.Of("/room").Socket(id); !ok || s.ID() != id {
		t.Errorf("Socket(%q): got %v, %v", id, s, ok)
	}
	s, ok := srv.Of("/").Socket(bob.sid)
	if !ok || s.ID() != bob.sid {
		t.Fatalf("Socket(%q): got %v, %v", bob.sid, s, ok)
	}
	equal(t, "protocol", s.Protocol(), 3)

	// It has the same id when it comes again, in one go too.
	bob.send("41/room,")
	bob.send("40/room,")
	bob.want("40/room,")
	ann.send(`42/room,["say","` + id + `","again"]`)
	bob.want(`42/room,["said","again"]`)
	receive(t, gone)
	bob.send("41/room,")
	receive(t, gone)
	if s, ok := srv.Of("/room").Socket(id); ok {
		t.Errorf("got socket %v, which has left", s.ID())
	}
}

func TestASecondConnectOfProtocol4IsOutOfPlace(t *testing.T) {
	for _, packet := range []string{"40", "40/,", "40/?token=x,"} {
		t.Run(packet, func(t *testing.T) {
			c := joinOlder(t, serve(t, servingOlder()))
			c.send(packet)
			c.wantEnd()
		})
	}
}

func TestTheServerSendsAClientOfProtocol4Away(t *testing.T) {
	srv := servingOlder()
	reasons := make(chan framework.Reason, 1)
	srv.On("kick", func(s *framework.Socket) { s.Disconnect() })
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	c := joinOlder(t, serve(t, srv))
	c.send(`42["kick"]`)
	c.want("41")
	equal(t, "reason", receive(t, reasons), framework.ServerNamespaceDisconnect)
	c.send("40") // it may come back
	c.want("40")
}
