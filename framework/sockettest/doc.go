// Package sockettest is a client to test a Socket.IO server with.
//
// It speaks the real protocol (Engine.IO 4, Socket.IO 5) with the real handler,
// router and middleware included, but over connections in memory: no port is
// opened, nothing sleeps, and a test may run inside a testing/synctest bubble,
// where a ping interval passes in no time. It shares no code with parlor's
// server and checks what it receives, so a packet that a client in use would
// stumble over fails the test.
//
//	func TestJoinTellsTheRoom(t *testing.T) {
//		srv := framework.New(framework.Options{})
//		srv.Register("/chat", &Chat{})
//		r := chi.NewRouter()
//		r.Mount("/socket.io", srv)
//
//		ann := sockettest.Connect(t, r, "/chat", map[string]string{"token": "ann's"})
//		bob := sockettest.Connect(t, r, "/chat", map[string]string{"token": "bob's"})
//
//		// Call waits for the acknowledgement: the server has handled it.
//		if got, want := ann.Call("join", "kitchen").JSON(), `["welcome"]`; got != want {
//			t.Errorf("join: got %s, want %s", got, want)
//		}
//		bob.Call("join", "kitchen")
//
//		if got, want := ann.Expect("message").Args.String(0), "bob has entered"; got != want {
//			t.Errorf("ann was told %q, want %q", got, want)
//		}
//		ann.ExpectNone()
//
//		bob.Conn().Cut() // his network fails
//		ann.Expect("left")
//	}
//
// A refusal is a result to test like any other:
//
//	refusal := sockettest.Dial(t, r, sockettest.Options{}).Refused("/admin")
//	if got, want := refusal.Message, "members only"; got != want {
//		t.Errorf("got %q, want %q", got, want)
//	}
//
// Options choose the transport (a WebSocket, polling, or the upgrade from one to
// the other), headers and the query. What goes wrong fails the test with what
// did arrive and the last packets of the connection. All is stopped when the
// test ends: at its end no goroutine of this package is left.
package sockettest
