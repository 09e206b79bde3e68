package sockettest_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

type Chat struct {
	framework.Namespace
	Members []string
}

var nameKey = framework.NewKey[string]("name")

func (c *Chat) OnConnect(s *framework.Socket, auth struct{ Name string }) error {
	if !slices.Contains(c.Members, auth.Name) {
		return framework.Refuse("members only")
	}
	nameKey.Set(s, auth.Name)
	return nil
}

func (c *Chat) OnJoin(s *framework.Socket, room string) (string, error) {
	name, _ := nameKey.Get(s)
	s.Join(room)
	return "welcome", s.To(room).Send(name + " has entered")
}

func (c *Chat) OnDisconnect(s *framework.Socket) error {
	name, _ := nameKey.Get(s)
	return c.Emit("left", name)
}

func (c *Chat) OnEcho(data []byte) []byte { return data }

func newChat() chi.Router {
	srv := framework.New(framework.Options{Logger: zerolog.Nop()})
	srv.Register("/chat", &Chat{Members: []string{"ann", "bob"}})
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	return r
}

type auth struct {
	Name string `json:"name"`
}

// The program of the package comment.
func TestJoinTellsTheRoom(t *testing.T) {
	r := newChat()

	ann := sockettest.Connect(t, r, "/chat", auth{"ann"})
	bob := sockettest.Connect(t, r, "/chat", auth{"bob"})

	// Call waits for the acknowledgement: the server has handled it.
	if got, want := ann.Call("join", "kitchen").JSON(), `["welcome"]`; got != want {
		t.Errorf("join: got %s, want %s", got, want)
	}
	bob.Call("join", "kitchen")

	if got, want := ann.Expect("message").Args.String(0), "bob has entered"; got != want {
		t.Errorf("ann was told %q, want %q", got, want)
	}
	ann.ExpectNone()

	bob.Conn().Cut() // his network fails
	ann.Expect("left")
}

func TestStrangersAreRefused(t *testing.T) {
	c := sockettest.Dial(t, newChat(), sockettest.Options{})
	if got, want := c.Refused("/chat", auth{"eve"}).Message, "members only"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParlorIsUnderstoodOverEachTransportInABubble(t *testing.T) {
	for _, name := range []string{"websocket", "polling", "upgrade"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newChat()
				ann := sockettest.Connect(t, r, "/chat", auth{"ann"})
				for how, end := range map[string]func(c *sockettest.Conn){
					"close": (*sockettest.Conn).Close, "cut": (*sockettest.Conn).Cut,
				} {
					bob := sockettest.Dial(t, r, sockettest.Options{Transport: name}).Join("/chat", auth{"bob"})
					data := bytes.Repeat([]byte{1, 2}, 2000) // enough for a compressed answer
					if got := bob.Call("echo", data).Bytes(0); !bytes.Equal(got, data) {
						t.Errorf("echo: got %d bytes, want the %d sent", len(got), len(data))
					}
					bob.ExpectNone()
					// Two pings, answered; no third just as bob goes, which would be
					// lost in the answer to a poll, and the end with it.
					<-time.After(61 * time.Second)
					bob.Call("join", "kitchen")

					begun := time.Now()
					end(bob.Conn())
					if got, want := ann.Expect("left").Args.JSON(), `["bob"]`; got != want {
						t.Errorf("%s: got %s, want %s", how, got, want)
					}
					if passed := time.Since(begun); passed > time.Second {
						t.Errorf("%s: the server noticed after %v, want at once", how, passed)
					}
				}
			})
		})
	}
}

func TestASilentClientIsClosedAfterThePingTimeout(t *testing.T) {
	for _, name := range []string{"websocket", "polling", "upgrade"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := sockettest.Options{Transport: name, NoPong: true, Timeout: time.Minute}
				s := sockettest.Dial(t, newChat(), opts).Join("/chat", auth{"ann"})
				begun := time.Now()
				if got, want := s.Disconnected(), "transport close"; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				if passed := time.Since(begun); passed < 40*time.Second || passed > 50*time.Second {
					t.Errorf("closed after %v, want about 45s", passed)
				}
			})
		})
	}
}

func TestMalformedPacketsCloseTheConnection(t *testing.T) {
	for name, want := range map[string]string{"websocket": "close frame 1005", "polling": "close packet"} {
		t.Run(name, func(t *testing.T) {
			s := sockettest.Dial(t, newChat(), sockettest.Options{Transport: name}).Join("/chat", auth{"ann"})
			s.Conn().Send(`2{`)
			if got := s.Conn().Closed(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
