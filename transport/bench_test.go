package transport

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/lxzan/gws"
)

// The echo benchmarks compare the engine with bare gws, which writes each message
// by itself: window is how many messages a client has on the way at a time.

func BenchmarkEcho(b *testing.B) {
	for _, window := range []int{1, 16} {
		b.Run(fmt.Sprintf("parlor/window=%d", window), func(b *testing.B) {
			engine := New(Options{HandshakeRate: -1, MaxDelay: -1}, func(s *Session, _ *http.Request) Handler { return &benchEcho{s: s} })
			benchEchoes(b, engine, window, true)
		})
		b.Run(fmt.Sprintf("gws/window=%d", window), func(b *testing.B) {
			upgrader := gws.NewUpgrader(gwsEcho{}, &gws.ServerOption{ReadBufferSize: readBuffer, CheckUtf8Enabled: true})
			benchEchoes(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c, err := upgrader.Upgrade(w, r); err == nil {
					go c.ReadLoop()
				}
			}), window, false)
		})
	}
}

type benchEcho struct{ s *Session }

func (e *benchEcho) Message(data []byte, _ bool) { _ = e.s.Send(NewMessage(data)) }
func (e *benchEcho) Closed(Reason, error)        {}

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	_ = c.WriteMessage(m.Opcode, m.Bytes())
	_ = m.Close()
}

func benchEchoes(b *testing.B, handler http.Handler, window int, opens bool) {
	const clients = 50
	l, server := benchServe(b, handler)
	defer server.Close()
	payload := "4" + strings.Repeat("x", 99)
	one := maskedFrame(payload)
	batch := bytes.Repeat(one, window)
	answer := frameSize(len(payload)) * window

	conns := make([]net.Conn, clients)
	for i := range conns {
		conns[i] = benchDial(b, l, opens)
		defer conns[i].Close()
	}
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() {
			buf := make([]byte, answer)
			for range b.N / clients / window {
				if _, err := c.Write(batch); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(c, buf); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkBroadcast(b *testing.B) {
	const clients = 500
	var mu sync.Mutex
	var sessions []*Session
	engine := New(Options{HandshakeRate: -1, MaxDelay: -1}, func(s *Session, _ *http.Request) Handler {
		mu.Lock()
		defer mu.Unlock()
		sessions = append(sessions, s)
		return &benchEcho{s: s}
	})
	l, server := benchServe(b, engine)
	defer server.Close()
	text := []byte(strings.Repeat("x", 100))
	size := NewMessage(text).Len()
	conns := make([]net.Conn, clients)
	for i := range conns {
		conns[i] = benchDial(b, l, true)
		defer conns[i].Close()
	}
	for _, burst := range []int{1, 10} {
		b.Run(fmt.Sprintf("burst=%d", burst), func(b *testing.B) {
			b.ReportAllocs()
			rounds := b.N/clients/burst + 1
			var wg sync.WaitGroup
			arrived := make(chan struct{}, clients)
			for _, c := range conns {
				wg.Go(func() {
					buf := make([]byte, size*burst)
					for range rounds {
						if _, err := io.ReadFull(c, buf); err != nil {
							b.Error(err)
						}
						arrived <- struct{}{}
					}
				})
			}
			for range rounds {
				for range burst {
					m := NewMessage(text)
					for _, s := range sessions {
						_ = s.Send(m)
					}
				}
				for range clients {
					<-arrived
				}
			}
			wg.Wait()
		})
	}
}

func benchServe(b *testing.B, h http.Handler) (net.Listener, *http.Server) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(l) }()
	return l, server
}

func maskedFrame(payload string) []byte {
	f := appendHeader(nil, frameText, len(payload))
	f[1] |= 0x80
	return append(append(f, 0, 0, 0, 0), payload...)
}

const handshakeRequest = "GET " + wsQuery + " HTTP/1.1\r\nHost: parlor.test\r\nUpgrade: websocket\r\n" +
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// benchDial opens a WebSocket and reads what comes first.
func benchDial(b *testing.B, l net.Listener, opens bool) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.WriteString(c, handshakeRequest)
	end := "\r\n\r\n"
	if opens {
		end = "}" // of the open packet
	}
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte(end)); head = append(head, one...) {
		if _, err := io.ReadFull(c, one); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

func BenchmarkNewMessage(b *testing.B) {
	text := []byte(strings.Repeat("x", 100))
	b.ReportAllocs()
	for range b.N {
		NewMessage(text)
	}
}
