package framework_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// Of a packet that is not complete all is kept, also the namespace that it is for.
func TestTheNamespaceOfAnIncompletePacketIsCountedAsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := framework.New(framework.Options{})
		c := sockettest.Dial(t, srv, sockettest.Options{})
		c.Send("51-/" + strings.Repeat("n", 500_000) + `,["x",{"_placeholder":true,"num":0}]`)
		synctest.Wait()
		if got := srv.Buffered(); got < 490_000 {
			t.Errorf("got %d bytes counted as kept, want some 500,000", got)
		}
		c.Cut()
		synctest.Wait()
		if got := srv.Buffered(); got != 0 {
			t.Errorf("got %d bytes counted once the client is gone, want 0", got)
		}
	})
}

// What is kept for clients is counted for all of them together: what is not taken back
// in the end would keep others out for ever.
func TestNothingIsCountedAsKeptWhenClientsHaveGone(t *testing.T) {
	large := strings.Repeat("x", 20_000)
	tests := []struct {
		name string
		opts framework.Options
		act  func(c *sockettest.Conn)
	}{
		{"incomplete packet", framework.Options{}, func(c *sockettest.Conn) {
			c.Join("/")
			c.Send(`52-["slow",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte(large))
			synctest.Wait() // it has arrived
			c.Cut()
		}},
		{"text amid a packet", framework.Options{}, func(c *sockettest.Conn) {
			c.Join("/")
			c.Send(`52-["slow",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte(large))
			c.Send(`2["slow"]`)
			c.Closed()
		}},
		{"queued events", framework.Options{}, func(c *sockettest.Conn) {
			s := c.Join("/")
			for range 10 {
				s.Emit("slow", large)
			}
			synctest.Wait() // it has arrived
			c.Cut()
		}},
		{"events of who is thrown out", framework.Options{}, func(c *sockettest.Conn) {
			s := c.Join("/")
			s.Emit("out")
			for range 10 {
				s.Emit("slow", large)
			}
			s.Disconnected()
		}},
		{"a leave behind events", framework.Options{}, func(c *sockettest.Conn) {
			s := c.Join("/")
			for range 10 {
				s.Emit("slow", large)
			}
			s.Leave()
		}},
		{"events while connecting", framework.Options{}, func(c *sockettest.Conn) {
			c.Send("0/slow,")
			for range 10 {
				c.Send(`2/slow,["slow","` + large + `"]`)
			}
			c.Send("1/slow,")
			synctest.Wait() // it has arrived
			c.Cut()
		}},
		{"a large auth payload", framework.Options{}, func(c *sockettest.Conn) {
			c.Send(`0/slow,{"token":"` + large + `"}`)
			synctest.Wait() // it has arrived
			c.Cut()
		}},
		{"a large answer", framework.Options{}, func(c *sockettest.Conn) {
			s := c.Join("/")
			s.Emit("ask")
			s.Expect("q").Ack(large)
		}},
	}
	for _, kind := range []string{"websocket", "polling"} {
		for _, tt := range tests {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := unhurried(tt.opts)
					srv.Route("/slow", func(r *framework.Router) {
						r.On("connect", func() { time.Sleep(time.Second) })
						r.On("slow", func(string) { time.Sleep(time.Second) })
					})
					srv.On("slow", func(...any) { time.Sleep(time.Second) })
					srv.On("out", func(s *framework.Socket) { time.Sleep(time.Second); s.Disconnect() })
					srv.On("ask", func(s *framework.Socket) error { return s.Emit("q", func(string, error) {}) })
					tt.act(sockettest.Dial(t, srv, sockettest.Options{Transport: kind}))
					synctest.Wait()
					if err := srv.Shutdown(t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
					if got := srv.Buffered(); got != 0 {
						t.Errorf("got %d bytes counted as kept, want 0", got)
					}
				})
			})
		}
	}
}
