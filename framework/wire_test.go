package framework_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
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

// What benchmarks and ratios are taken with: clients without ceremony, and bare gws.

// payload is the argument of an echo: 64 bytes, four fields.
const payload = `{"room":"lobby-001","count":12345,"ratio":0.12345,"urgent":true}`

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

func dialWire(tb testing.TB, url string, query ...string) *wire {
	tb.Helper()
	return dialWireAs(tb, url, "EIO=4"+strings.Join(query, ""))
}

// dialWireAs is dialWire with a query of its own.
func dialWireAs(tb testing.TB, url, query string) *wire {
	tb.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	fmt.Fprint(conn, "GET /socket.io/?transport=websocket&"+query+" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	w := &wire{Conn: conn, in: bufio.NewReaderSize(conn, 32<<10), buf: make([]byte, 0, 1<<10)}
	res, err := http.ReadResponse(w.in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		tb.Fatalf("handshake: %v, %v", res, err)
	}
	return w
}

// join opens a Socket.IO session in "/".
func join(tb testing.TB, url string) *wire {
	tb.Helper()
	w := dialWire(tb, url)
	w.read(tb) // open
	w.write(tb, frame("40"))
	if got := w.read(tb); !bytes.HasPrefix(got, []byte(`40{"sid":`)) {
		tb.Fatalf("CONNECT: got %s", got)
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

func (w *wire) write(tb testing.TB, p []byte) {
	if _, err := w.Write(p); err != nil {
		tb.Error(err)
	}
}

func (w *wire) read(tb testing.TB) []byte {
	head := &w.head
	if _, err := io.ReadFull(w.in, head[:2]); err != nil {
		tb.Error(err)
		return nil
	}
	n := int(head[1])
	if n == 126 {
		if _, err := io.ReadFull(w.in, head[2:]); err != nil {
			tb.Error(err)
		}
		n = int(binary.BigEndian.Uint16(head[2:]))
	}
	if cap(w.buf) < n {
		w.buf = make([]byte, n)
	}
	if _, err := io.ReadFull(w.in, w.buf[:n]); err != nil {
		tb.Error(err)
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

func serveBare(tb testing.TB, h *bare) string {
	tb.Helper()
	up := gws.NewUpgrader(h, nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r)
		if err == nil {
			go c.ReadLoop()
		}
	}))
	tb.Cleanup(s.Close)
	return s.URL
}

func serve(tb testing.TB, srv *framework.Server) string {
	tb.Helper()
	s := httptest.NewServer(srv)
	tb.Cleanup(func() {
		if err := srv.Shutdown(tb.Context()); err != nil && tb.Context().Err() == nil {
			tb.Error(err)
		}
		s.Close()
	})
	return s.URL
}
