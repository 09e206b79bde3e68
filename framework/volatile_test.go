package framework_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parlor-go/parlor/framework"
)

// Which volatile packets arrive, over each transport. The clients read nothing while the
// server emits, so that what is dropped does not depend on who is faster.

func TestVolatilePacketsArriveOnlyWhereNothingIsQueued(t *testing.T) {
	tests := []struct {
		name string
		emit func(s *framework.Socket)
		want []string // "+1" for an attachment
	}{
		{"alone", func(s *framework.Socket) { s.Volatile().Emit("volatile") }, []string{"volatile"}},
		{"behind another", func(s *framework.Socket) { s.Emit("normal"); s.Volatile().Emit("dropped") }, []string{"normal"}},
		{"two in a row", func(s *framework.Socket) { s.Volatile().Emit("volatile"); s.Volatile().Emit("dropped") }, []string{"volatile"}},
		{"others behind a dropped one", func(s *framework.Socket) {
			s.Emit("normal")
			s.Volatile().Emit("dropped")
			s.Emit("also normal")
		}, []string{"normal", "also normal"}},
		{"binary", func(s *framework.Socket) { s.Volatile().Emit("volatile", []byte{1}) }, []string{"volatile", "+1"}},
		{"binary behind another", func(s *framework.Socket) { s.Emit("normal"); s.Volatile().Emit("dropped", []byte{1}) }, []string{"normal"}},
		{"to everybody", func(s *framework.Socket) { s.Namespace().Volatile().Emit("volatile") }, []string{"volatile"}},
		{"binary to everybody", func(s *framework.Socket) { s.Namespace().Volatile().Emit("volatile", []byte{1}) }, []string{"volatile", "+1"}},
		{"to everybody behind another", func(s *framework.Socket) {
			s.Namespace().Emit("normal")
			s.Namespace().Volatile().Emit("dropped")
		}, []string{"normal"}},
	}
	for _, tt := range tests {
		for name, connect := range map[string]func(*testing.T, *framework.Server) (rest func() []string){
			"polling": pollInVain, "websocket": readNothing,
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := quiet()
					sockets := make(chan *framework.Socket, 1)
					srv.On("connect", func(s *framework.Socket) { sockets <- s })
					rest := connect(t, srv)
					s := receive(t, sockets)
					synctest.Wait() // nothing is being written, and a poll is pending
					tt.emit(s)
					if err := s.Emit("end"); err != nil {
						t.Fatal(err)
					}
					var got []string
					for _, packet := range rest() {
						if event, ok := strings.CutPrefix(packet, "4"); ok {
							got = append(got, strings.Split(event, `"`)[1])
						} else {
							got = append(got, "+1")
						}
					}
					if want := append(tt.want, "end"); !slices.Equal(got, want) {
						t.Errorf("got %q, want %q", got, want)
					}
				})
			})
		}
	}
}

// pollInVain joins by polling, and leaves a poll pending. rest returns the packets that
// came after CONNECT, up to the event "end".
func pollInVain(t *testing.T, srv *framework.Server) (rest func() []string) {
	sid := strings.Split(request(t, srv, "GET", "", ""), `"`)[3]
	request(t, srv, "POST", sid, "40")
	request(t, srv, "GET", sid, "")
	answer := make(chan string, 1)
	go func() {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest("GET", "/socket.io/?EIO=4&transport=polling&sid="+sid, nil))
		answer <- w.Body.String()
	}()
	return func() []string {
		got := <-answer
		for !strings.Contains(got, `"end"`) {
			got += "\x1e" + request(t, srv, "GET", sid, "")
		}
		request(t, srv, "POST", sid, "1")
		return strings.Split(got, "\x1e")
	}
}

// readNothing joins on a WebSocket that holds nothing: what the server writes is written
// once the client reads it. rest is as pollInVain's.
func readNothing(t *testing.T, srv *framework.Server) (rest func() []string) {
	client, server := net.Pipe()
	listener := &oneConn{conn: server, done: make(chan struct{})}
	web := &http.Server{Handler: srv}
	go web.Serve(listener)
	t.Cleanup(func() {
		client.Close()
		if err := srv.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		web.Close()
	})
	io.WriteString(client, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	w := &wire{Conn: client, in: bufio.NewReader(client), buf: make([]byte, 0, 1<<10)}
	if res, err := http.ReadResponse(w.in, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v, %v", res, err)
	}
	w.read(t) // open
	w.write(t, frame("40"))
	w.read(t)
	return func() (got []string) {
		for !strings.Contains(strings.Join(got, ""), `"end"`) && !t.Failed() {
			got = append(got, string(w.read(t)))
		}
		return got
	}
}

// oneConn is a listener to which one client has come, and nobody else does.
type oneConn struct {
	conn net.Conn
	done chan struct{}
	once sync.Once
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
