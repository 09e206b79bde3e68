package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What gws v1.9.1 does wrong by itself, and what is only announced or never completed.

// gws takes the length for an int and panics.
func TestANegativeLengthIsNoPanic(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		c, p := h.openWS()
		c.raw(frameBinary, 0x80|127, "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
		if got := c.wantEnd(); closeCode(got) != 1002 {
			t.Errorf("got %v, want code 1002", got)
		}
		if err := p.wantClosed(t, ReasonTransportError); !errors.Is(err, errNegative) {
			t.Errorf("got error %v, want %v", err, errNegative)
		}
		if logs := h.logs.String(); strings.Contains(logs, "panic") {
			t.Errorf("there was a panic: %s", logs)
		}
	})
}

// heapOf returns how much the heap grows by f, which must leave the bubble durably
// blocked.
func heapOf(f func()) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	synctest.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}

// gws makes room for all of a frame when it has seen the head.
func TestWhatIsOnlyAnnouncedTakesLittleMemory(t *testing.T) {
	const clients, announced, allowed = 50, 900_000, 40 << 10
	for _, tt := range []struct{ name, head string }{
		{"a frame", clientFrameOf(frameText, announced, "4")},
		{"a first fragment", clientFrameOf(opText, announced, "4")},
		{"a later fragment", begin("4") + clientFrameOf(bitFinal, announced, "a")},
		{"a compressed frame", clientFrameOf(frameText|frameDeflated, announced, "4")},
		{"a compressed fragment", clientFrame(opText|frameDeflated, "4") + clientFrameOf(0, announced, "a")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{}})
				var open []*wsClient
				for range clients {
					c, _ := h.dialDeflate()
					open = append(open, c)
				}
				grown := heapOf(func() {
					for _, c := range open {
						_, _ = io.WriteString(c.conn, tt.head)
					}
				})
				if grown > clients*allowed {
					t.Errorf("%d bytes that were announced took %d bytes of memory, want %d at most", announced, grown/clients, allowed)
				}
				for _, c := range open {
					_ = c.conn.Close()
				}
			})
		})
	}
}

func TestALongMessageTakesMemoryAsItArrives(t *testing.T) {
	const clients, size = 10, 900_000
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		var open []*wsClient
		for range clients {
			c, _ := h.openWS()
			open = append(open, c)
			_, _ = io.WriteString(c.conn, clientFrameOf(frameText, size, "4"))
		}
		chunk := strings.Repeat("a", 50_000)
		for sent := len(chunk); sent < size; sent += len(chunk) {
			heap := heapOf(func() {
				for _, c := range open {
					_, _ = io.WriteString(c.conn, chunk)
				}
			})
			// What was there, twice since gws joins it, and the next piece.
			if allowed := clients * (2 + roomFactor) * (sent + minPiece); heap > allowed {
				t.Errorf("the step to %d bytes took %d, want %d at most", sent, heap/clients, allowed/clients)
			}
		}
		for _, c := range open {
			_ = c.conn.Close()
		}
	})
}

// No answer to the heartbeat can come inside of a message: one that never ends, or
// whose sender takes its time, ends with the wait for that.
func TestAMessageThatNeverEndsIsEndedByTheHeartbeat(t *testing.T) {
	for _, tt := range []struct{ name, first, again string }{
		{"half a head", "\x81", ""},
		{"half a long head", "\x81\xff\x00\x00", ""},
		{"a head without payload", clientFrameOf(frameText, 5, ""), ""},
		{"a frame in single bytes", clientFrameOf(frameText, 500_000, "4"), "a"},
		{"fragments", begin("4"), more("a")},
		{"empty fragments", begin("4"), more("")},
		{"fragments and pings", begin("4"), more("a") + ping("p")},
		{"compressed fragments", clientFrame(opText|frameDeflated, "a"), more("a")},
		{"nothing but pings", ping("p"), ping("p")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{}})
				c, p := h.dialDeflate()
				start := time.Now()
				go io.Copy(io.Discard, c.conn)
				wrote := make(chan struct{})
				go func() {
					defer close(wrote)
					_, err := io.WriteString(c.conn, tt.first)
					for err == nil && tt.again != "" {
						time.Sleep(time.Second) // on the bubble's clock
						_, err = io.WriteString(c.conn, tt.again)
					}
				}()
				p.wantClosed(t, ReasonPingTimeout)
				between(t, "waiting", time.Since(start), 40*time.Second, 45*time.Second)
				eventually(t, "end of the workers", func() bool { return !h.busy() })
				_ = c.conn.Close()
				<-wrote
			})
		})
	}
}

// gws's own closing waits behind a write that is stalled, for as long as that is.
func TestClosingBehindAStalledWriteTakesTheGraceOnly(t *testing.T) {
	for _, tt := range []struct {
		name   string
		act    func(c *wsClient, s *Session)
		reason Reason
	}{
		{"by the server", func(_ *wsClient, s *Session) { s.Close(ReasonForcedClose) }, ReasonForcedClose},
		{"by the client", func(c *wsClient, _ *Session) { c.write(opClose, "\x03\xe8") }, ReasonTransportClose},
		{"for what the client sent", func(c *wsClient, _ *Session) { c.raw(0xff, 0, "") }, ReasonTransportError},
		{"for invalid UTF-8", func(c *wsClient, _ *Session) { c.send("4\xff") }, ReasonTransportError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{})
				c, p := h.openWS()
				if err := p.session.Send(NewMessage(make([]byte, 1<<20))); err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // the write waits: the client does not read
				start := time.Now()
				tt.act(c, p.session)
				p.wantClosed(t, tt.reason)
				between(t, "telling the handler", time.Since(start), 0, 0)
				eventually(t, "end of the workers", func() bool { return !h.busy() })
				between(t, "closing", time.Since(start), 0, closeGrace+time.Second)
			})
		})
	}
}

// strangeConn fails as it is told to.
type strangeConn struct {
	net.Conn
	fault *atomic.Value // of func() error, called after each read
}

func (c strangeConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if f, ok := c.fault.Load().(func() error); ok && err == nil {
		return 0, f()
	}
	return n, err
}

// strangeListener makes connections strange.
type strangeListener struct {
	net.Listener
	fault *atomic.Value
}

func (l strangeListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return strangeConn{c, l.fault}, nil
}

func strange(fault *atomic.Value) harnessOption {
	return func(_ *harness, s *harnessSetup) {
		s.listen = func(l net.Listener) net.Listener { return strangeListener{l, fault} }
	}
}

// gws puts the text of a read error into its close frame, addresses and all.
func TestNoAddressesReachTheClient(t *testing.T) {
	for name, err := range map[string]error{
		"deadline": &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3)}, Err: errTimeout{}},
		"reset":    fmt.Errorf("read tcp 10.1.2.3:80->10.3.2.1:4711: connection reset by peer"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var fault atomic.Value
				h := newHarness(t, Options{}, strange(&fault))
				c, p := h.openWS()
				fault.Store(func() error { return err })
				c.send("4x")
				p.wantClosed(t, ReasonTransportClose)
				for {
					f, err := c.next()
					if err != nil {
						break
					}
					if f.opcode != opClose || f.data != "" {
						t.Errorf("got %v, want no more than an empty close frame", f)
					}
				}
			})
		})
	}
}

type errTimeout struct{}

func (errTimeout) Error() string   { return "i/o timeout" }
func (errTimeout) Timeout() bool   { return true }
func (errTimeout) Temporary() bool { return true }

// Whatever panics below gws, or in it, ends one connection.
func TestAPanicOfTheReaderEndsThatConnectionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fault atomic.Value
		h := newHarness(t, Options{}, strange(&fault))
		other, _ := h.openWS()
		c, p := h.openWS()
		fault.Store(func() error { panic("strange") })
		c.send("4x")
		p.wantClosed(t, ReasonTransportError)
		if got := c.wantEnd(); closeCode(got) != 1002 {
			t.Errorf("got %v, want code 1002", got)
		}
		fault.Store(func() error { return io.EOF }) // as the other is in Read already
		if logs := h.logs.String(); !strings.Contains(logs, "websocket reader panicked") {
			t.Errorf("the panic is not in the log: %s", logs)
		}
		if n := h.engine.Len(); n != 1 {
			t.Errorf("got %d sessions, want the other one", n)
		}
		_ = other.conn.Close()
	})
}
