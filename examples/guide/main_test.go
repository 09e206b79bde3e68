package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

// region test
func TestFind(t *testing.T) {
	client := sockettest.Connect(t, newServer(), "/library", Login{Token: "secret"})
	client.Expect("hello")

	var book Book
	client.Call("find", "1").Decode(0, &book)
	if got, want := book.Pages, 380; got != want {
		t.Errorf("pages: got %d, want %d", got, want)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	refusal := sockettest.Dial(t, newServer(), sockettest.Options{}).Refused("/library")
	if got, want := refusal.Message, "who are you?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// endregion

func TestServeSaysThatTheAddressIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = serve(t.Context(), taken.Addr().String(), http.NotFoundHandler(), newServer())
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want %v", err, syscall.EADDRINUSE)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := serve(ctx, "127.0.0.1:0", http.NotFoundHandler(), newServer()); err != nil {
		t.Errorf("got %v, want a clean end", err)
	}
}

func TestTheRestOfTheGuide(t *testing.T) {
	srv := newServer()
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	client := conn.Join("/library", Login{Token: "secret"})
	other := sockettest.Connect(t, srv, "/library", Login{Token: "secret"})
	client.Expect("hello")
	other.Expect("hello")

	tests := []struct {
		event string
		args  []any
		want  string
	}{
		{"find", []any{"9"}, `["sorry"]`},
		{"search", []any{[]string{"Go"}, 1, map[string]int{"MinPages": 300}}, `[["The Go Programming Language"],1]`},
		{"slow search", []any{[]string{"Concurrency"}}, `[["Concurrency in Go"],1]`},
		{"borrow", []any{"1"}, `["sorry"]`},
		{"find", []any{7}, `["argument 0 is wrong"]`},
		{"print", []any{"1"}, `["printed","1"]`},
		{"nobody", nil, `[]`},
	}
	for _, tt := range tests {
		if got := client.Call(tt.event, tt.args...).JSON(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.event, got, tt.want)
		}
	}

	client.Call("follow", "1")
	other.Call("follow", "1")
	for _, want := range []string{"following", "followed", "follower", "followed"} {
		if got := client.Next().Name; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	other.Call("unfollow", "1")

	answer := client.EmitWithAck("return_book", "1")
	client.Expect("sure?").Ack(true)
	if got, want := answer.Wait().String(0), "returned"; got != want {
		t.Errorf("return_book: got %s, want %s", got, want)
	}
	client.Emit("remind", "1")
	client.Expect("due").Ack(true)

	client.Emit("chat message", "hi all")
	if got, want := other.Expect("message").Args.String(0), "hi all"; got != want {
		t.Errorf("chat: got %s, want %s", got, want)
	}
}

func TestAVoteNamesWhoIsSilent(t *testing.T) {
	srv := newServer()
	asking := sockettest.Connect(t, srv, "/library", Login{Token: "secret"})
	var others []*sockettest.Socket
	for range 3 {
		c := sockettest.Connect(t, srv, "/library", Login{Token: "secret"})
		c.Emit("follow", "1")
		c.Expect("followed")
		others = append(others, c)
	}
	vote := asking.EmitWithAck("vote", "1")
	for i, c := range others {
		e := c.Expect("buy another?")
		if i == 2 {
			c.Conn().Close() // a client that goes is silent at once
		} else {
			e.Ack(i == 0)
		}
	}
	if got, want := vote.Wait().JSON(), "[1,1]"; got != want {
		t.Errorf("yes and silent: got %s, want %s", got, want)
	}
	if got, want := asking.Call("close_book", "1").JSON(), "[2]"; got != want {
		t.Errorf("readers: got %s, want %s", got, want)
	}
	if got := srv.Of("/library").Members("former readers"); len(got) != 2 {
		t.Errorf("former readers: got %d, want 2", len(got))
	}
}

func TestShelvesAreMadeForTheirFirstClient(t *testing.T) {
	srv := newServer()
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	if got, want := conn.Join("/shelf/7").Call("look").JSON(), "[7]"; got != want {
		t.Errorf("look: got %s, want %s", got, want)
	}
	if got, want := conn.Refused("/shelf/41").Message, "there is no such shelf"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTraceShowsBothDirections(t *testing.T) {
	srv := framework.New(framework.Options{Logger: zerolog.Nop()})
	traffic := observe(srv)
	seen := make(chan string, 10)
	srv.On("connect", func(s *framework.Socket) {
		trace(s, func(direction, event string) { seen <- direction + " " + event })
	})
	srv.On("ping me", func(s *framework.Socket) error { return s.Emit("pinged") })
	sockettest.Connect(t, srv, "/").Emit("ping me")
	for _, want := range []string{"in ping me", "out pinged"} {
		if got := <-seen; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if traffic.PacketsIn.Load() == 0 {
		t.Error("no packet was counted")
	}
}
