package framework

import (
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/sockettest"
)

// A context of OnConnect's may be kept, by middleware for its values or by anybody. What
// OnConnect emitted is not to be kept with it.
func TestWhatOnConnectEmittedIsNotKeptWithItsContext(t *testing.T) {
	srv := New(Options{Logger: zerolog.Nop()})
	var opened []*connectContext // one client after the other
	srv.On("connect", func(s *Socket) error {
		opened = append(opened, s.opening)
		_ = s.Emit("history")
		if len(opened) == 2 {
			return Refuse("no")
		}
		return nil
	})
	srv.On("after", func() bool { return true })
	client := sockettest.Connect(t, srv, "/")
	client.Expect("history")
	client.Call("after") // the connect is over
	sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
	for i, o := range opened {
		if len(o.held) > 0 {
			t.Errorf("connect %d: %d messages are kept", i, len(o.held))
		}
	}
}
