package framework_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lxzan/gws"

	"github.com/parlor-go/parlor/framework"
)

// The benchmarks stand beside bare gws in the same run: hand-written framing,
// one write a message, no JSON. Only the ratio means anything; client and
// server share the process.

// payload is the argument of an echo: 64 bytes, four fields.
const payload = `{"room":"lobby-0001","count":12345,"ratio":0.12345,"urgent":true}`

type echoed struct {
	Room   string  `json:"room"`
	Count  int     `json:"count"`
	Ratio  float64 `json:"ratio"`
	Urgent bool    `json:"urgent"`
}

// wire is a WebSocket client without ceremony: it writes frames that were made
// before, and reads frames whole.
type wire struct {
	net.Conn
	in   *bufio.Reader
	head [4]byte // here, so that reading allocates nothing that would be counted
	buf  []byte
}

func dialWire(b *testing.B, url string) *wire {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	fmt.Fprint(conn, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	w := &wire{Conn: conn, in: bufio.NewReaderSize(conn, 32<<10), buf: make([]byte, 0, 1<<10)}
	res, err := http.ReadResponse(w.in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		b.Fatalf("handshake: %v, %v", res, err)
	}
	return w
}

// join opens a Socket.IO session in "/".
func join(b *testing.B, url string) *wire {
	b.Helper()
	w := dialWire(b, url)
	w.read(b) // open
	w.write(b, frame("40"))
	if got := w.read(b); !bytes.HasPrefix(got, []byte(`40{"sid":`)) {
		b.Fatalf("CONNECT: got %s", got)
	}
	return w
}

// frame masks with zeros, so that it is the text behind a header.
func frame(text string) []byte {
	f := []byte{0x81}
	switch n := len(text); {
	case n < 126:
		f = append(f, 0x80|byte(n))
	default:
		f = binary.BigEndian.AppendUint16(append(f, 0x80|126), uint16(n))
	}
	return append(append(f, 0, 0, 0, 0), text...)
}

func (w *wire) write(b *testing.B, p []byte) {
	if _, err := w.Write(p); err != nil {
		b.Error(err)
	}
}

func (w *wire) read(b *testing.B) []byte {
	head := &w.head
	if _, err := io.ReadFull(w.in, head[:2]); err != nil {
		b.Error(err)
		return nil
	}
	n := int(head[1])
	if n == 126 {
		if _, err := io.ReadFull(w.in, head[2:]); err != nil {
			b.Error(err)
		}
		n = int(binary.BigEndian.Uint16(head[2:]))
	}
	if cap(w.buf) < n {
		w.buf = make([]byte, n)
	}
	if _, err := io.ReadFull(w.in, w.buf[:n]); err != nil {
		b.Error(err)
	}
	return w.buf[:n]
}

// bare is a gws server that answers the event by hand.
type bare struct {
	gws.BuiltinEventHandler
	onMessage func(*gws.Conn, []byte)
	onOpen    func(*gws.Conn)
}

func (h *bare) OnOpen(c *gws.Conn) {
	if h.onOpen != nil {
		h.onOpen(c)
	}
}

func (h *bare) OnMessage(c *gws.Conn, m *gws.Message) {
	h.onMessage(c, m.Bytes())
	m.Close()
}

func serveBare(b *testing.B, h *bare) string {
	b.Helper()
	up := gws.NewUpgrader(h, nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r)
		if err == nil {
			go c.ReadLoop()
		}
	}))
	b.Cleanup(s.Close)
	return s.URL
}

func serve(b *testing.B, srv *framework.Server) string {
	b.Helper()
	s := httptest.NewServer(srv)
	b.Cleanup(func() {
		if err := srv.Shutdown(b.Context()); err != nil && b.Context().Err() == nil {
			b.Error(err)
		}
		s.Close()
	})
	return s.URL
}

func BenchmarkEchoAck(b *testing.B) {
	event := frame(`421["echo",` + payload + `]`)
	want := `431[` + payload + `]`
	gwsEcho := func(b *testing.B) *wire {
		prefix := []byte(`421["echo",`)
		return dialWire(b, serveBare(b, &bare{onMessage: func(c *gws.Conn, m []byte) {
			arg := bytes.TrimSuffix(bytes.TrimPrefix(m, prefix), []byte("]"))
			answer := append(append(make([]byte, 0, 128), "431["...), arg...)
			c.WriteMessage(gws.OpcodeText, append(answer, ']'))
		}}))
	}
	parlor := func(handler any) func(*testing.B) *wire {
		return func(b *testing.B) *wire {
			srv := quiet()
			srv.On("echo", handler)
			return join(b, serve(b, srv))
		}
	}
	servers := []struct {
		name string
		dial func(*testing.B) *wire
	}{
		{"gws", gwsEcho},
		{"parlor-struct", parlor(func(v echoed) echoed { return v })},
		{"parlor-raw", parlor(func(v json.RawMessage) json.RawMessage { return v })},
	}
	for _, window := range []int{1, 16} {
		for _, s := range servers {
			b.Run(fmt.Sprintf("W=%d/%s", window, s.name), func(b *testing.B) {
				w := s.dial(b)
				burst := bytes.Repeat(event, window)
				b.ReportAllocs()
				for n := 0; n < b.N; n += window {
					w.write(b, burst)
					for range window {
						if got := w.read(b); string(got) != want {
							b.Fatalf("got %s, want %s", got, want)
						}
					}
				}
			})
		}
	}
}

func BenchmarkBroadcast(b *testing.B) {
	const receivers, burst = 1000, 4
	news := `42["news",` + payload + `]`
	read := func(b *testing.B, clients []*wire) {
		for _, w := range clients {
			for range burst {
				if got := w.read(b); string(got) != news {
					b.Fatalf("got %s, want %s", got, news)
				}
			}
		}
	}
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/receivers/burst, "ns/delivery")
	}
	b.Run("gws", func(b *testing.B) {
		opened := make(chan *gws.Conn, receivers)
		url := serveBare(b, &bare{onOpen: func(c *gws.Conn) { opened <- c }})
		clients, conns := make([]*wire, receivers), make([]*gws.Conn, receivers)
		for i := range clients {
			clients[i] = dialWire(b, url)
			conns[i] = <-opened
		}
		b.ReportAllocs()
		for b.Loop() {
			for range burst {
				m := gws.NewBroadcaster(gws.OpcodeText, []byte(news))
				for _, c := range conns {
					m.Broadcast(c)
				}
				m.Close()
			}
			read(b, clients)
		}
		report(b)
	})
	b.Run("parlor", func(b *testing.B) {
		srv := quiet()
		url := serve(b, srv)
		clients := make([]*wire, receivers)
		for i := range clients {
			clients[i] = join(b, url)
		}
		news := json.RawMessage(payload)
		b.ReportAllocs()
		for b.Loop() {
			for range burst {
				srv.Emit("news", news)
			}
			read(b, clients)
		}
		report(b)
	})
}
