package framework_test

import (
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// What lasts, and what does not, beyond a client's own socket.

// closable is a class that must not be closed, or is to tell when it is.
type closable struct {
	framework.Namespace
	closed chan<- string
}

func (c *closable) OnConnect(auth struct{ Refuse bool }) error {
	if auth.Refuse {
		return framework.Refuse("no")
	}
	return nil
}

func (c *closable) OnSockets() int { return len(c.Sockets()) }

func (c *closable) Close() error { c.closed <- c.Path(); return nil }

func TestARegisteredNamespaceIsNeverClosed(t *testing.T) {
	closed := make(chan string, 10)
	srv := quiet()
	srv.Register("/chat", &closable{closed: closed})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	for range 2 {
		client := conn.Join("/chat")
		equal(t, "sockets", client.Call("sockets").JSON(), "[1]")
		client.Leave()
		conn.Refused("/nowhere") // it has been read
	}
	conn.Close()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "closed", len(closed), 0)
}

func TestARefusalLeavesAChildToTheOthersInIt(t *testing.T) {
	closed := make(chan string, 10)
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) {
		return &closable{closed: closed}, nil
	})
	stays := sockettest.Connect(t, srv, "/job/1")
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	for range 2 {
		conn.Refused("/job/1", map[string]bool{"refuse": true})
	}
	equal(t, "sockets", stays.Call("sockets").JSON(), "[1]")
	equal(t, "closed", len(closed), 0)
	stays.Leave()
	equal(t, "closed with the last", receive(t, closed), "/job/1")
}

func TestCloseDisconnectsTheClientFromAllNamespaces(t *testing.T) {
	srv := quiet()
	reasons := make(chan framework.Reason, 2)
	srv.On("close", func(s *framework.Socket) { s.Close() })
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	srv.Route("/other", func(r *framework.Router) {
		r.On("disconnect", func(r framework.Reason) { reasons <- r })
	})
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			conn := sockettest.Dial(t, srv, sockettest.Options{Transport: transport})
			client, other := conn.Join("/"), conn.Join("/other")
			client.Emit("close")
			equal(t, "client", client.Disconnected(), "io server disconnect")
			equal(t, "its other namespace", other.Disconnected(), "io server disconnect")
			conn.Closed()
			for range 2 {
				equal(t, "reason", receive(t, reasons), framework.ServerNamespaceDisconnect)
			}
		})
	}
}

func TestShutdownOfWhatServesNobodyIsNoError(t *testing.T) {
	srv := quiet()
	for _, when := range []string{"before any request", "again"} {
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	_, refused := sockettest.TryDial(t, srv, sockettest.Options{})
	if refused == nil || refused.Status != 503 {
		t.Errorf("got %v, want 503", refused)
	}
}
