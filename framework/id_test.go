package framework_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// ids makes a server whose sockets are called as the client asks for in its query.
func ids() (*framework.Server, *logBuffer) {
	var log logBuffer
	srv := unhurried(framework.Options{
		Logger: zerolog.New(&log),
		NewID: func(h *framework.Handshake) string {
			id := h.Query().Get("id")
			if id == "panic" {
				panic("no ids left")
			}
			return id
		},
	})
	return srv, &log
}

func named(id string) sockettest.Options {
	return sockettest.Options{Query: map[string][]string{"id": {id}}}
}

func TestSocketsAreCalledAsTheOptionSays(t *testing.T) {
	srv, _ := ids()
	srv.On("connect", func(s *framework.Socket) error { return s.Namespace().To(s.ID()).Emit("welcome", s.ID()) })
	srv.On("tell", func(s *framework.Socket, id, text string) (bool, error) {
		_, known := s.Namespace().Socket(id)
		return known, s.To(id).Emit("told", text)
	})
	for _, id := range []string{"ann", `quoted "bob" \ <b>`, "a name that is much longer than 20 characters", "exactly_20_characters"[:20]} {
		client := sockettest.Dial(t, srv, named(id)).Join("/")
		equal(t, "id", client.ID(), id)
		equal(t, "welcome", client.Expect("welcome").Args.String(0), id)
		other := sockettest.Dial(t, srv, named("other than "+id)).Join("/")
		equal(t, "known", other.Call("tell", id, "hello").JSON(), "[true]")
		equal(t, "told", client.Expect("told").Args.String(0), "hello")
		equal(t, "unknown", other.Call("tell", "nobody", "hello").JSON(), "[false]")
	}
}

func TestAnIdThatCannotBeUsedRefusesItsClient(t *testing.T) {
	srv, log := ids()
	var served atomic.Int32
	srv.Use(func(next framework.Handler) framework.Handler {
		return handlerFunc(func(e *framework.Event) { served.Add(1) }, next)
	})
	left := make(chan string, 1)
	srv.On("disconnect", func(s *framework.Socket) { left <- s.ID() })
	srv.On("hi", func() bool { return true })
	ann := sockettest.Dial(t, srv, named("ann")).Join("/")
	equal(t, "middleware ran", served.Load(), 1)
	tests := []struct{ id, want string }{
		{"ann", "NewID returned the id of a socket that is connected"},
		{"", `NewID returned \"\"`},
		{"\xff", "NewID returned"},
		{"panic", "no ids left"},
	}
	for _, tt := range tests {
		refusal := sockettest.Dial(t, srv, named(tt.id)).Refused("/")
		equal(t, fmt.Sprintf("%q", tt.id), refusal.Message, "Internal server error")
		if !strings.Contains(log.String(), tt.want) {
			t.Errorf("%q: the log has no %q", tt.id, tt.want)
		}
	}
	equal(t, "who has the id", ann.Call("hi").JSON(), "[true]")
	equal(t, "sockets", len(srv.Of("/").Sockets()), 1)

	ann.Leave()
	equal(t, "left", receive(t, left), "ann")
	equal(t, "an id that is free again", sockettest.Dial(t, srv, named("ann")).Join("/").ID(), "ann")
}

// The read loop has packets of a socket whose id is being made, and others may close it.
func TestAnIdIsMadeBesideThePacketsOfItsClient(t *testing.T) {
	for range 20 {
		going := make(chan bool, 1)
		srv := unhurried(framework.Options{
			Logger: zerolog.New(new(logBuffer)),
			NewID: func(h *framework.Handshake) string {
				going <- true
				return "slow"
			},
		})
		gone := make(chan bool, 1)
		srv.On("disconnect", func() { gone <- true })
		srv.On("hi", func() bool { return true })
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		conn.Send("0")
		conn.Send(`31["an ack for nothing"]`)
		conn.Send(`21["hi"]`)
		receive(t, going)
		conn.Send(`37[]`)
		conn.Cut()
	}
}
