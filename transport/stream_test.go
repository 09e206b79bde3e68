package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

// pipeStream is a Stream in memory.
type pipeStream struct{ net.Conn }

func (s pipeStream) Finish() { _ = s.Close() }

// streamClient is the other side of a stream.
type streamClient struct {
	t    *testing.T
	conn net.Conn
	gone chan struct{} // closed when ServeStream has returned
}

var bothAndStreams = []string{Polling, WebSocket, WebTransport}

func (h *harness) dialStream(opening string) *streamClient {
	h.t.Helper()
	ours, theirs := net.Pipe()
	c := &streamClient{t: h.t, conn: ours, gone: make(chan struct{})}
	r := httptest.NewRequest(http.MethodConnect, "https://parlor.test/socket.io/", nil)
	go func() {
		defer close(c.gone)
		h.engine.ServeStream(pipeStream{theirs}, r)
	}()
	h.t.Cleanup(func() { _ = ours.Close() })
	if opening != "" {
		c.text(opening)
	}
	return c
}

func (c *streamClient) write(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatalf("write to the stream: %v", err)
	}
}

func (c *streamClient) text(packet string) {
	c.t.Helper()
	c.write(append(appendStreamHeader(nil, 0, len(packet)), packet...))
}

func (c *streamClient) binary(data string) {
	c.t.Helper()
	c.write(append(appendStreamHeader(nil, streamBinary, len(data)), data...))
}

// want reads a frame.
func (c *streamClient) want(want string) {
	c.t.Helper()
	if got := c.read(); got != want {
		c.t.Fatalf("stream: got %.200q, want %.200q", got, want)
	}
}

func (c *streamClient) read() string {
	c.t.Helper()
	f := streamFrames{r: c.conn, limit: 10 << 20}
	defer f.free()
	data, isBinary, err := f.next()
	if err != nil {
		c.t.Fatalf("read from the stream: %v", err)
	}
	if isBinary {
		return "binary:" + string(data)
	}
	return string(data)
}

func (c *streamClient) wantEnd() {
	c.t.Helper()
	if n, err := c.conn.Read(make([]byte, 1)); err == nil {
		c.t.Fatalf("read %d bytes of a stream that should have ended", n)
	}
	<-c.gone
}

func TestAStreamCarriesTextAndBinaryBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Transports: bothAndStreams})
		c := h.dialStream("0")
		if open := c.read(); !strings.HasPrefix(open, `0{"sid":"`) || !strings.Contains(open, `"upgrades":[]`) {
			t.Fatalf("open packet %q, want one without upgrades", open)
		}
		p := h.peer()
		if got := p.session.Transport(); got != WebTransport {
			t.Errorf("Transport() = %q, want %q", got, WebTransport)
		}
		for _, size := range []int{1, 124, 125, 126, 127, 65534, 65535, 65536, 200_000, 999_999} {
			text := strings.Repeat("x", size)
			c.text("4" + text)
			c.want("4" + text)
			c.binary(text)
			c.want("binary:" + text)
		}
		_ = p.session.Send(NewMessage([]byte("two"), []byte{1}, []byte{2, 3}))
		c.want("4two")
		c.want("binary:\x01")
		c.want("binary:\x02\x03")
		_ = c.conn.Close()
		_ = p.wantClosed(t, ReasonTransportClose)
	})
}

func TestAStreamHasTheHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Transports: bothAndStreams})
		c := h.dialStream("0")
		c.read()
		c.want("2")
		c.text("3")
		c.want("2")
		_ = h.peer().wantClosed(t, ReasonPingTimeout)
		c.wantEnd()
	})
}

func TestClosingASessionFinishesItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Transports: bothAndStreams})
		c := h.dialStream("0")
		c.read()
		p := h.peer()
		_ = p.session.Send(NewMessage([]byte("last")))
		p.session.Close(ReasonForcedClose)
		c.want("4last")
		c.wantEnd()
		_ = p.wantClosed(t, ReasonForcedClose)
	})
}

func TestAPollingSessionUpgradesToAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Transports: bothAndStreams})
		_, p := h.openPoll()
		sid := p.session.ID()
		if got := h.engine.upgrades; got != `"websocket","webtransport"` {
			t.Errorf("upgrades %s, want both", got)
		}
		c := h.dialStream(`0{"sid":"` + sid + `"}`)
		c.text("2probe")
		c.want("3probe")
		_ = p.session.Send(NewMessage([]byte("queued"), []byte("more")))
		c.text("5")
		c.want("4queued")
		c.want("binary:more")
		c.text("4back")
		c.want("4back")
		if got := p.session.Transport(); got != WebTransport {
			t.Errorf("Transport() = %q, want %q", got, WebTransport)
		}
	})
}

func TestAStreamThatOpensNothingIsClosed(t *testing.T) {
	long := append(appendStreamHeader(nil, 0, maxOpening+1), '0')
	tests := []struct {
		name  string
		write []byte
	}{
		{"another packet", []byte("\x062probe")},
		{"binary", []byte("\x810")},
		{"not JSON", []byte("\x030{x")},
		{"no sid", []byte("\x030{}")},
		{"unknown sid", append([]byte{0x0f}, `0{"sid":"nope"}`...)},
		{"too long", long},
		{"length 0", []byte{0}},
		{"length with the top bit set", []byte{127, 0x80, 0, 0, 0, 0, 0, 0, 1}},
		{"nothing in time", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{Transports: bothAndStreams})
				c := h.dialStream("")
				_, _ = c.conn.Write(tt.write)
				c.wantEnd()
				if n := h.engine.Len(); n != 0 {
					t.Errorf("%d sessions are open, want 0", n)
				}
			})
		})
	}
}

func TestAFrameThatLiesEndsTheSession(t *testing.T) {
	tests := []struct {
		name  string
		frame []byte
		want  Reason
	}{
		{"length 0", []byte{0}, ReasonParseError},
		{"longer than allowed", binary.BigEndian.AppendUint64([]byte{127}, 101), ReasonParseError},
		{"top bit set", binary.BigEndian.AppendUint64([]byte{127}, 1<<63|5), ReasonParseError},
		{"no packet", []byte("\x01x"), ReasonParseError},
		{"ping of a client", []byte("\x012"), ReasonTransportError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{Transports: bothAndStreams, MaxPayload: 100})
				c := h.dialStream("0")
				c.read()
				c.write(tt.frame)
				_ = h.peer().wantClosed(t, tt.want)
				c.wantEnd()
			})
		})
	}
}

func TestAFrameThatLiesOnAProbeLeavesTheSessionPolling(t *testing.T) {
	for _, before := range [][]string{nil, {"2probe"}} {
		synctest.Test(t, func(t *testing.T) {
			opts, _, failed := upgradeHooks()
			opts.Transports = bothAndStreams
			h := newHarness(t, opts)
			q, p := h.openPoll()
			c := h.dialStream(`0{"sid":"` + p.session.ID() + `"}`)
			for _, packet := range before {
				c.text(packet)
				c.want("3probe")
			}
			c.write([]byte{0})
			c.wantEnd()
			if err := receive(t, failed); !errors.Is(err, errFrame) {
				t.Errorf("got %v, want %v", err, errFrame)
			}
			h.post(q, "4still here").want(t, 200, "ok")
			h.get(q).want(t, 200, "4still here")
		})
	}
}

// It runs on a goroutine that is not net/http's.
func TestAPanicWhileAStreamOpensIsContained(t *testing.T) {
	oops := func(*http.Request) (string, error) { panic("oops") }
	tests := []struct {
		name string
		h    func(t *testing.T) *harness
	}{
		{"in NewID", func(t *testing.T) *harness {
			return newHarness(t, Options{Transports: bothAndStreams, NewID: oops})
		}},
		{"in accept", func(t *testing.T) *harness {
			return newHarness(t, Options{Transports: bothAndStreams}, withAccept(func(*peer) { panic("oops") }))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := tt.h(t)
				h.dialStream("0").wantEnd()
				if logs := h.logs.String(); !strings.Contains(logs, "oops") || !strings.Contains(logs, `"level":"error"`) {
					t.Errorf("got log %s, want the panic", logs)
				}
				synctest.Wait()
				h.engine.mu.Lock()
				defer h.engine.mu.Unlock()
				if h.engine.live != 0 || len(h.engine.sessions) != 0 || len(h.engine.claimed) != 0 {
					t.Errorf("got %d alive, %d listed, %d claimed, want nothing left", h.engine.live, len(h.engine.sessions), len(h.engine.claimed))
				}
			})
		})
	}
}

func TestAnEngineThatDrainsAdmitsNoStreams(t *testing.T) {
	h := newHarness(t, Options{Transports: bothAndStreams})
	h.engine.Drain()
	w := httptest.NewRecorder()
	if h.engine.AdmitStream(w, httptest.NewRequest(http.MethodConnect, "https://parlor.test/socket.io/", nil)) {
		t.Error("the stream was admitted")
	}
	if got, want := w.Body.String(), `{"code":3,"message":"Server is shutting down"}`; w.Code != 503 || got != want {
		t.Errorf("got %d %s, want 503 %s", w.Code, got, want)
	}
}

func TestStreamsAreAdmittedOnRequestOnly(t *testing.T) {
	tests := []struct {
		name       string
		transports []string
		origin     string
		want       int // 0 is admitted
	}{
		{"offered", bothAndStreams, "https://parlor.test", 0},
		{"not offered", nil, "", http.StatusBadRequest},
		{"foreign page", bothAndStreams, "https://evil.test", http.StatusForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, Options{Transports: tt.transports})
			r := httptest.NewRequest(http.MethodConnect, "https://parlor.test/socket.io/", nil)
			r.Host = "parlor.test"
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			w := httptest.NewRecorder()
			admitted := h.engine.AdmitStream(w, r)
			if admitted != (tt.want == 0) || !admitted && w.Code != tt.want {
				t.Errorf("admitted %v with status %d, want status %d", admitted, w.Code, tt.want)
			}
		})
	}
}

func TestWebTransportIsNoTransportOfARequest(t *testing.T) {
	h := newHarness(t, Options{Transports: bothAndStreams})
	res := h.get("/?EIO=4&transport=webtransport")
	if want := `{"code":0,"message":"Transport unknown"}`; res.body != want {
		t.Errorf("got %s, want %s", res.body, want)
	}
}

// FuzzStreamFrames: nothing panics, and what is read is what its length says.
func FuzzStreamFrames(f *testing.F) {
	f.Add([]byte("\x0240\x85hello"))
	f.Add([]byte{126, 0, 1, 'x', 127, 0, 0, 0, 0, 0, 0, 0, 1, 'y'})
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := streamFrames{r: bytes.NewReader(b), limit: 1 << 20}
		defer frames.free()
		for read := 0; ; {
			data, _, err := frames.next()
			if err != nil {
				if !errors.Is(err, errFrame) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got error %v", err)
				}
				return
			}
			if read += 1 + len(data); len(data) == 0 || read > len(b) {
				t.Fatalf("a frame of %d bytes, of %d in all", len(data), len(b))
			}
		}
	})
}
