package framework_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

type parting struct {
	framework.Namespace
	ended chan ending
}

type ending struct {
	reason     framework.Reason
	err, cause error
}

func (p *parting) OnDisconnect(s *framework.Socket, reason framework.Reason, err error) {
	p.ended <- ending{reason, err, context.Cause(s.Context())}
}

func (p *parting) OnSendAway(s *framework.Socket) { s.Disconnect() }
func (p *parting) OnClose(s *framework.Socket)    { s.Close() }

func TestOnDisconnectIsGivenWhatMoreThereIsToSay(t *testing.T) {
	tests := []struct {
		name   string
		end    func(*sockettest.Socket)
		reason framework.Reason
		err    string // "" for none, "any" for one of the transport's
	}{
		{"the client leaves", (*sockettest.Socket).Leave, framework.ClientNamespaceDisconnect, ""},
		{"the server sends it away", func(s *sockettest.Socket) { s.Emit("send_away") }, framework.ServerNamespaceDisconnect, ""},
		{"the server closes", func(s *sockettest.Socket) { s.Emit("close") }, framework.ServerNamespaceDisconnect, ""},
		{"the network fails", func(s *sockettest.Socket) { s.Conn().Cut() }, framework.TransportClose, "any"},
		{"malformed", func(s *sockettest.Socket) { s.Conn().Send("2[") }, framework.ForcedClose, "event: JSON ends too early"},
		{"out of place", func(s *sockettest.Socket) { s.Conn().Send("4") }, framework.ForcedServerClose, "CONNECT_ERROR from a client: out of place"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := quiet()
			observed := make(chan ending, 1)
			srv.Observe(framework.Observer{Disconnected: func(s *framework.Socket, reason framework.Reason, err error) {
				observed <- ending{reason: reason, err: err}
			}})
			class := &parting{ended: make(chan ending, 1)}
			srv.Register("/", class)
			tt.end(sockettest.Connect(t, srv, "/"))
			for what, got := range map[string]ending{"OnDisconnect": receive(t, class.ended), "observer": receive(t, observed)} {
				equal(t, what+": reason", got.reason, tt.reason)
				text := ""
				if got.err != nil {
					text = got.err.Error()
				}
				switch {
				case tt.err == "any" && got.err == nil:
					t.Errorf("%s: got no error, want one", what)
				case tt.err != "any":
					equal(t, what+": error", text, tt.err)
				}
				if what == "OnDisconnect" && (!errors.Is(got.cause, tt.reason) || got.err != nil && !errors.Is(got.cause, got.err)) {
					t.Errorf("cause: got %v, want the reason and the error in it", got.cause)
				}
			}
		})
	}
}

func TestAnErrorAloneIsAShapeOfOnDisconnect(t *testing.T) {
	srv := quiet()
	ended := make(chan error, 1)
	srv.On("disconnect", func(err error) { ended <- err })
	sockettest.Connect(t, srv, "/").Leave()
	if err := receive(t, ended); err != nil {
		t.Errorf("got %v, want none", err)
	}
}
