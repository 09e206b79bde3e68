package transport

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/lxzan/gws"
)

// BenchmarkPolling is a round trip: a message in a POST, its echo in the poll that
// was pending. The other side is the least that net/http can do it with.
func BenchmarkPolling(b *testing.B) {
	b.Run("parlor", func(b *testing.B) {
		engine := New(Options{HandshakeRate: -1, MaxDelay: -1}, func(s *Session, _ *http.Request) Handler { return &benchEcho{s: s} })
		benchPolls(b, engine)
		if err := engine.Shutdown(b.Context()); err != nil { // its client would be waited for
			b.Error(err)
		}
	})
	b.Run("net-http", func(b *testing.B) {
		echoed := make(chan []byte, 1)
		write := func(w http.ResponseWriter, contentType string, body []byte) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write(body)
		}
		benchPolls(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Query().Get("sid") == "":
				write(w, "text/plain; charset=UTF-8", []byte(`0{"sid":"x"}`))
			case r.Method == http.MethodPost:
				body, _ := io.ReadAll(r.Body)
				echoed <- body
				write(w, "text/html", []byte("ok"))
			default:
				select {
				case body := <-echoed:
					write(w, "text/plain; charset=UTF-8", body)
				case <-r.Context().Done():
				}
			}
		}))
	})
}

func benchPolls(b *testing.B, handler http.Handler) {
	l, server := benchServe(b, handler)
	defer server.Close()
	get, post := benchHTTP(b, l), benchHTTP(b, l)
	const head = " " + pollQuery + "%s HTTP/1.1\r\nHost: parlor.test\r\n"
	get.send(b, "GET"+fmt.Sprintf(head, "")+"\r\n")
	_, id, _ := strings.Cut(string(get.answer(b)), `"sid":"`)
	id, _, _ = strings.Cut(id, `"`)
	message := "4" + strings.Repeat("x", 99)
	poll := "GET" + fmt.Sprintf(head, "&sid="+id) + "\r\n"
	data := "POST" + fmt.Sprintf(head, "&sid="+id) + "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 100\r\n\r\n" + message
	b.ReportAllocs()
	for b.Loop() {
		get.send(b, poll)
		post.send(b, data)
		if got := post.answer(b); string(got) != "ok" {
			b.Fatalf("POST: got %q", got)
		}
		if got := get.answer(b); string(got) != message {
			b.Fatalf("GET: got %q", got)
		}
	}
}

// httpConn is a client of keep-alive requests without ceremony.
type httpConn struct {
	net.Conn
	in  *bufio.Reader
	buf [512]byte
}

func benchHTTP(b *testing.B, l net.Listener) *httpConn {
	b.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return &httpConn{Conn: c, in: bufio.NewReader(c)}
}

func (c *httpConn) send(b *testing.B, request string) {
	if _, err := io.WriteString(c, request); err != nil {
		b.Fatal(err)
	}
}

// answer returns a body, valid until the next.
func (c *httpConn) answer(b *testing.B) []byte {
	n := 0
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		if len(line) == 2 {
			break
		}
		if length, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			n, _ = strconv.Atoi(strings.TrimSpace(length))
		}
	}
	if _, err := io.ReadFull(c.in, c.buf[:n]); err != nil {
		b.Fatal(err)
	}
	return c.buf[:n]
}

// BenchmarkHeartbeat is a ping written and its pong read, with an echo behind the pong
// to tell that it was.
func BenchmarkHeartbeat(b *testing.B) {
	b.Run("parlor", func(b *testing.B) {
		sessions := make(chan *Session, 1)
		engine := New(Options{HandshakeRate: -1, MaxDelay: -1}, func(s *Session, _ *http.Request) Handler {
			sessions <- s
			return &benchEcho{s: s}
		})
		l, server := benchServe(b, engine)
		defer server.Close()
		c := benchDial(b, l, true)
		defer c.Close()
		s := <-sessions
		benchBeats(b, c, func() {
			s.workers.wheel.Stop(&s.beat) // or it would take itself for one that was set anew
			s.heartbeat()
		})
	})
	b.Run("gws", func(b *testing.B) {
		conns := make(chan *gws.Conn, 1)
		upgrader := gws.NewUpgrader(gwsBeat{}, nil)
		l, server := benchServe(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := upgrader.Upgrade(w, r); err == nil {
				conns <- c
				go c.ReadLoop()
			}
		}))
		defer server.Close()
		c := benchDial(b, l, false)
		defer c.Close()
		conn, ping := <-conns, []byte("2")
		benchBeats(b, c, func() { _ = conn.WriteMessage(gws.OpcodeText, ping) })
	})
}

type gwsBeat struct{ gws.BuiltinEventHandler }

func (gwsBeat) OnMessage(c *gws.Conn, m *gws.Message) {
	if data := m.Bytes(); data[0] == '4' {
		_ = c.WriteMessage(gws.OpcodeText, data)
	}
	_ = m.Close()
}

func benchBeats(b *testing.B, c net.Conn, ping func()) {
	pong := append(maskedFrame("3"), maskedFrame("4x")...)
	var pinged [3]byte
	var echo [4]byte
	b.ReportAllocs()
	for b.Loop() {
		ping()
		if _, err := io.ReadFull(c, pinged[:]); err != nil || pinged[2] != '2' {
			b.Fatalf("got %q, %v, want a ping", pinged, err)
		}
		if _, err := c.Write(pong); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, echo[:]); err != nil || echo[2] != '4' {
			b.Fatalf("got %q, %v, want an echo", echo, err)
		}
	}
}
