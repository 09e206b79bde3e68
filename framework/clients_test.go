package framework_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
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

func TestAnObserverIsToldOfUpgradesAndOfThoseThatFail(t *testing.T) {
	srv, d := quiet(), newDiary()
	srv.Observe(framework.Observer{
		Opened:        func(c framework.Client) { d.call(c.ID(), "ann"); d.write(c.ID(), "opened") },
		Upgraded:      func(c framework.Client) { d.write(c.ID(), "upgraded to", c.Transport()) },
		UpgradeFailed: func(c framework.Client, err error) { d.write(c.ID(), "stays with", c.Transport(), err.Error()) },
	})
	sockettest.Dial(t, srv, sockettest.Options{Transport: "upgrade"})
	same(t, "upgrade", d.since(t, "ann upgraded to websocket"), []string{"ann opened", "ann upgraded to websocket"})

	web := httptest.NewServer(srv)
	defer web.Close()
	sid := openPolling(t, web.URL)
	w := dialWire(t, web.URL, "&sid="+sid)
	w.write(t, frame("4no probe"))
	why := "transport: the probe sent what does not belong there"
	same(t, "failure", d.since(t, "ann stays with polling "+why), []string{"ann opened", "ann stays with polling " + why})
	post(t, web.URL, sid, "1")
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestDrainedWaitsUntilTheClientHasWhatWasEmitted(t *testing.T) {
	for _, transport := range []string{"websocket", "polling"} {
		synctest.Test(t, func(t *testing.T) {
			srv := quiet()
			sockets, early := make(chan *framework.Socket, 1), make(chan error, 1)
			srv.On("connect", func(ctx context.Context, s *framework.Socket) {
				early <- s.Drained(ctx)
				sockets <- s
			})
			srv.On("stream", func(ctx context.Context, s *framework.Socket) (string, error) {
				for i := range 10 {
					if err := errors.Join(s.Emit("part", i, strings.Repeat("x", 1000)), s.Drained(ctx)); err != nil {
						return "", err
					}
					if n := s.Buffered(); n > 0 {
						return "", fmt.Errorf("%d bytes are left after part %d", n, i)
					}
				}
				return "done", nil
			})
			srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) { return []any{err.Error()}, true })
			client := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/")
			if err := receive(t, early); !errors.Is(err, framework.ErrNotConnected) {
				t.Errorf("%s: in OnConnect: got %v, want %v", transport, err, framework.ErrNotConnected)
			}
			equal(t, transport, client.Call("stream").JSON(), `["done"]`)

			s := receive(t, sockets)
			client.Leave()
			synctest.Wait()
			if err := s.Drained(t.Context()); !errors.Is(err, framework.ErrClosed) {
				t.Errorf("%s: when it has left: got %v, want %v", transport, err, framework.ErrClosed)
			}
			client.Conn().Close()
		})
	}
}

func TestDrainedEndsWithItsContextAndWithTheConnection(t *testing.T) {
	srv := quiet()
	sockets := make(chan *framework.Socket, 1)
	srv.On("connect", func(s *framework.Socket) { sockets <- s })
	web := httptest.NewServer(srv)
	defer web.Close()
	sid := openPolling(t, web.URL)
	post(t, web.URL, sid, "40")
	s := receive(t, sockets)
	for err := framework.ErrNotConnected; errors.Is(err, framework.ErrNotConnected); runtime.Gosched() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err = s.Drained(ctx); err == nil || !errors.Is(err, framework.ErrNotConnected) && !errors.Is(err, context.Canceled) {
			t.Fatalf("while nobody polls: got %v, want %v", err, context.Canceled)
		}
	}
	waiting := make(chan error, 1)
	go func() { waiting <- s.Drained(t.Context()) }()
	post(t, web.URL, sid, "1")
	if err := receive(t, waiting); !errors.Is(err, framework.ErrClosed) {
		t.Errorf("got %v, want %v", err, framework.ErrClosed)
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// openPolling opens a session that nobody polls, and returns its id.
func openPolling(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var open struct{ SID string }
	if err := json.Unmarshal(body[1:], &open); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return open.SID
}

func post(t *testing.T, url, sid, packets string) {
	t.Helper()
	res, err := http.Post(url+"/socket.io/?EIO=4&transport=polling&sid="+sid, "text/plain", strings.NewReader(packets))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("POST: %s", res.Status)
	}
}
