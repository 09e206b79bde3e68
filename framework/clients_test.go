package framework_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestASocketTellsOfItsConnection(t *testing.T) {
	srv := quiet()
	sockets, closed := make(chan *framework.Socket, 2), make(chan framework.Client, 1)
	srv.Observe(framework.Observer{Closed: func(c framework.Client, _ framework.Reason, _ error) { closed <- c }})
	srv.On("connect", func(s *framework.Socket) { sockets <- s })
	srv.Route("/other", func(r *framework.Router) {
		r.On("connect", func(s *framework.Socket) { sockets <- s })
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{Transport: "polling"})
	conn.Join("/")
	one := receive(t, sockets)
	conn.Join("/other")
	two := receive(t, sockets)

	equal(t, "protocol", one.Protocol(), 4)
	equal(t, "address", one.RemoteAddr(), one.Handshake().RemoteAddr)
	equal(t, "the same client", one.Client() == two.Client(), true)
	equal(t, "its transport", one.Client().Transport(), "polling")
	equal(t, "its handshake", one.Client().Handshake(), one.Handshake())
	if id := one.Client().ID(); len(id) != 8 || !strings.HasPrefix(conn.SID(), id) {
		t.Errorf("id: got %q, want the first 8 characters of %q", id, conn.SID())
	}
	list := one.Client().Sockets()
	if len(list) != 2 || list[0] != one || list[1] != two {
		t.Errorf("sockets: got %v, want both in the order of joining", list)
	}
	stranger := sockettest.Connect(t, srv, "/")
	other := receive(t, sockets).Client()
	if other == one.Client() {
		t.Error("another connection is the same client")
	}
	equal(t, "clients", srv.ClientsCount(), 2)
	stranger.Conn().Close()
	equal(t, "who has closed", receive(t, closed), other)
	equal(t, "clients after one has closed", srv.ClientsCount(), 1)
}

func TestBufferedCountsWhatWaitsForTheClient(t *testing.T) {
	srv := quiet()
	sockets := make(chan *framework.Socket, 1)
	srv.On("connect", func(s *framework.Socket) { sockets <- s })
	client := sockettest.Dial(t, srv, sockettest.Options{Transport: "polling"}).Join("/")
	s := receive(t, sockets)
	client.ExpectNone()
	text := strings.Repeat("x", 1000)
	for range 3 { // a poll that is pending takes the first, before the next is there
		if err := s.Emit("text", text); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Buffered(); n > 3*(len(text)+20) {
		t.Errorf("got %d bytes, want no more than was emitted", n)
	}
	for range 3 {
		client.Expect("text")
	}
	client.ExpectNone()
	if n := s.Buffered(); n > 100 {
		t.Errorf("got %d bytes when all has arrived, want next to none", n)
	}
}

func TestTheHandshakeTellsOfOtherOrigins(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
		want   bool
	}{
		{"no origin", nil, false},
		{"an origin", http.Header{"Origin": {"http://example.com"}}, true},
	}
	for _, tt := range tests {
		srv := quiet()
		handshakes := make(chan *framework.Handshake, 1)
		srv.On("connect", func(s *framework.Socket) { handshakes <- s.Handshake() })
		before := time.Now().UnixMilli()
		sockettest.Dial(t, srv, sockettest.Options{Header: tt.header}).Join("/")
		h := receive(t, handshakes)
		equal(t, tt.name, h.CrossDomain(), tt.want)
		if issued := h.Time.UnixMilli(); issued < before || issued > time.Now().UnixMilli() {
			t.Errorf("%s: issued: got %d, want about %d", tt.name, issued, before)
		}
	}
}
