package transport

import (
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// everywhere runs a test on pipes, in a bubble, and on loopback TCP, where writes
// take another way.
func everywhere(t *testing.T, f func(t *testing.T, h func(Options, ...harnessOption) *harness)) {
	t.Helper()
	t.Run("pipe", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f(t, func(o Options, more ...harnessOption) *harness { return newHarness(t, o, more...) })
		})
	})
	t.Run("tcp", func(t *testing.T) {
		f(t, func(o Options, more ...harnessOption) *harness { return newHarness(t, o, append(more, onTCP)...) })
	})
}

func TestWebSocketEchoesTextAndBinary(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		c, p := start(Options{}).openWS()
		c.send("4hello")
		c.want("4hello")
		c.send("4Ünïcödé 日本")
		c.want("4Ünïcödé 日本")
		c.write(opBinary, "\x01\x02\x03\x04")
		if got, want := c.read(), (frame{opBinary, "\x01\x02\x03\x04"}); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
		c.write(opBinary, "")
		if got, want := c.read(), (frame{opBinary, ""}); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
		c.send("bAQIDBA==") // base64 is binary on a WebSocket too
		if got, want := c.read(), (frame{opBinary, "\x01\x02\x03\x04"}); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
		if got := p.session.Transport(); got != WebSocket {
			t.Fatalf("got transport %q, want %q", got, WebSocket)
		}
	})
}

func TestWebSocketPassesMessagesOfEverySize(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		c, _ := start(Options{}).openWS()
		for _, n := range []int{0, 1, 124, 125, 126, 65534, 65535, 65536, 300_000, 999_999} {
			text := "4" + strings.Repeat("x", n)
			done := make(chan error, 1)
			go func() { done <- c.tryWrite(opText, []byte(text)) }()
			c.want(text)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestWebSocketTakesFragmentedMessages(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		c, _ := start(Options{}).openWS()
		c.raw(opText, 0x80|3, "\x00\x00\x00\x004he")
		c.raw(0, 0x80|2, "\x00\x00\x00\x00ll")
		c.write(opPing, "between")
		c.raw(0x80, 0x80|1, "\x00\x00\x00\x00o")
		if got, want := c.read(), (frame{opPong, "between"}); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
		c.want("4hello")
	})
}

// raw writes bytes of a frame that write would not make.
func (c *wsClient) raw(b0, b1 byte, rest string) {
	c.t.Helper()
	if _, err := c.conn.Write(append([]byte{b0, b1}, rest...)); err != nil {
		c.t.Fatal(err)
	}
}

func TestWebSocketEndings(t *testing.T) {
	tests := []struct {
		name      string
		act       func(c *wsClient)
		reason    Reason
		closeCode uint16 // 0: none in the frame
	}{
		{"close frame", func(c *wsClient) { c.write(opClose, "\x03\xe8bye") }, ReasonTransportClose, 1000},
		{"close frame without status", func(c *wsClient) { c.write(opClose, "") }, ReasonTransportClose, 0},
		{"connection lost", func(c *wsClient) { _ = c.conn.Close() }, ReasonTransportClose, 0},
		{"close packet", func(c *wsClient) { c.send("1") }, ReasonTransportClose, 0},
		{"unknown packet", func(c *wsClient) { c.send("abc") }, ReasonParseError, 0},
		{"empty packet", func(c *wsClient) { c.send("") }, ReasonParseError, 0},
		{"bad base64", func(c *wsClient) { c.send("b!") }, ReasonParseError, 0},
		{"ping from the client", func(c *wsClient) { c.send("2") }, ReasonTransportError, 0},
		{"too large", func(c *wsClient) { _ = c.tryWrite(opText, make([]byte, 1001)) }, ReasonTransportError, 1009},
		{"too large in pieces", func(c *wsClient) {
			c.raw(opText, 0x80|126, "\x02\x58\x00\x00\x00\x00"+strings.Repeat("4", 600))
			_, _ = io.WriteString(c.conn, "\x80\xfe\x02\x58\x00\x00\x00\x00") // it is not read any further
		}, ReasonTransportError, 1009},
		{"invalid UTF-8", func(c *wsClient) { c.send("4\xff") }, ReasonTransportError, 1007},
		{"unmasked frame", func(c *wsClient) { c.raw(0x81, 1, "4") }, ReasonTransportError, 1002},
		{"reserved bit", func(c *wsClient) { c.raw(0xc1, 0x80, "\x00\x00\x00\x00") }, ReasonTransportError, 1002},
		{"unknown opcode", func(c *wsClient) { c.raw(0x8b, 0x80, "\x00\x00\x00\x00") }, ReasonTransportError, 1002},
		{"continuation of nothing", func(c *wsClient) { c.raw(0x80, 0x80, "\x00\x00\x00\x00") }, ReasonTransportError, 1002},
		{"negative length", func(c *wsClient) {
			c.raw(0x82, 0xff, "\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00")
		}, ReasonTransportError, 1002},
		{"rubbish", func(c *wsClient) { _, _ = io.WriteString(c.conn, "GET / HTTP/1.1\r\n\r\n") }, ReasonTransportError, 1002},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
				h := start(Options{MaxPayload: 1000})
				other, _ := h.openWS()
				c, p := h.openWS()
				wrote := make(chan struct{})
				go func() { // a pipe takes bytes only as they are read
					defer close(wrote)
					tt.act(c)
				}()
				end := c.wantEnd()
				_ = c.conn.Close()
				<-wrote
				p.wantClosed(t, tt.reason)
				if got := closeCode(end); got != tt.closeCode {
					t.Errorf("got close code %d, want %d", got, tt.closeCode)
				}
				if end != nil && len(end.data) > 2 {
					t.Errorf("got reason %q in the close frame, want none", end.data[2:])
				}
				// Nobody else notices.
				other.send("4still here")
				other.want("4still here")
			})
		})
	}
}

func closeCode(f *frame) uint16 {
	if f == nil || len(f.data) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16([]byte(f.data))
}

func TestWebSocketHandshakeIsRefusedBeforeThe101(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		pollQ, _ := h.openPoll()
		tests := []struct {
			name    string
			target  string
			headers []string
			status  int
			body    string
		}{
			{"bad EIO", "/?EIO=abc&transport=websocket", nil, 400, `{"code":5,"message":"Unsupported protocol version"}`},
			{"EIO 3", "/?EIO=3&transport=websocket", nil, 400, `{"code":5,"message":"Unsupported protocol version"}`},
			{"no EIO", "/?transport=websocket", nil, 400, `{"code":5,"message":"Unsupported protocol version"}`},
			{"unknown transport", "/?EIO=4&transport=abc", nil, 400, `{"code":0,"message":"Transport unknown"}`},
			{"no transport", "/?EIO=4", nil, 400, `{"code":0,"message":"Transport unknown"}`},
			{"__proto__", "/?EIO=4&transport=__proto__", nil, 400, `{"code":0,"message":"Transport unknown"}`},
			{"transport polling", "/?EIO=4&transport=polling", nil, 400, `{"code":3,"message":"Bad request"}`},
			{"polling with sid", pollQ, nil, 400, `{"code":3,"message":"Bad request"}`},
			{"unknown sid", wsQuery + "&sid=nope", nil, 400, `{"code":1,"message":"Session ID unknown"}`},
			{"not an upgrade", wsQuery, []string{"Upgrade", ""}, 400, `{"code":3,"message":"Bad request"}`},
			{"version 8", wsQuery, []string{"Sec-WebSocket-Version", "8"}, 426, `{"code":3,"message":"Bad request"}`},
			{"no version", wsQuery, []string{"Sec-WebSocket-Version", ""}, 426, `{"code":3,"message":"Bad request"}`},
			{"no key", wsQuery, []string{"Sec-WebSocket-Key", ""}, 400, `{"code":3,"message":"Bad request"}`},
			{"bad key", wsQuery, []string{"Sec-WebSocket-Key", "abc"}, 400, `{"code":3,"message":"Bad request"}`},
			{"foreign origin", wsQuery, []string{"Origin", "https://evil.example"}, 403, `{"code":4,"message":"Forbidden"}`},
		}
		for _, tt := range tests {
			c := h.dialWS(tt.target, tt.headers...)
			got := c.refusal()
			if got.status != tt.status || got.body != tt.body {
				t.Errorf("%s: got %d %q, want %d %q", tt.name, got.status, got.body, tt.status, tt.body)
			}
			if v := got.header.Get("Sec-WebSocket-Version"); (v == "13") != (tt.status == 426) {
				t.Errorf("%s: got Sec-WebSocket-Version %q", tt.name, v)
			}
		}
		if got := h.engine.Len(); got != 1 {
			t.Errorf("got %d sessions, want the polling one", got)
		}
	})
}

func TestWebSocketHandshakeTakesEverySpelling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		c := h.dialWS(wsQuery, "Connection", "keep-alive, UPGRADE", "Upgrade", "WebSocket")
		if c.res.StatusCode != 101 {
			t.Fatalf("got %s, want 101", c.res.Status)
		}
		if got := c.read(); !strings.HasPrefix(got.data, "0{") {
			t.Fatalf("got %v, want the open packet", got)
		}
	})
}

func TestWebSocketKeepsWhatTheClientSentAhead(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			_, _ = io.Copy(io.Discard, conn)
		}()
		go func() {
			_, _ = io.WriteString(conn, "GET "+wsQuery+" HTTP/1.1\r\nHost: parlor.test\r\nUpgrade: websocket\r\n"+
				"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+
				"\x81\x86\x00\x00\x00\x004early")
		}()
		if got := receive(t, h.peer().messages); got != "early" {
			t.Fatalf("got %q, want %q", got, "early")
		}
	})
}

func TestWebSocketResponseHasHeadersOfMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{}, withWrap(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("Set-Cookie", "a=1")
				w.Header().Add("Set-Cookie", "b=2")
				w.Header().Set("Content-Type", "text/plain")
				next.ServeHTTP(w, r)
			})
		}))
		c, _ := h.openWS()
		if got := strings.Join(c.res.Header.Values("Set-Cookie"), " "); got != "a=1 b=2" {
			t.Errorf("got cookies %q, want %q", got, "a=1 b=2")
		}
		if got := c.res.Header.Get("Content-Type"); got != "" {
			t.Errorf("got content type %q, want none", got)
		}
	})
}

func TestServerClosesWebSocketWithACloseFrame(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		c, p := start(Options{}).openWS()
		if err := p.session.Append([]byte("last words")); err != nil {
			t.Fatal(err)
		}
		p.session.Close(ReasonForcedClose)
		p.wantClosed(t, ReasonForcedClose)
		c.want("4last words")
		if got, want := c.read(), (frame{opClose, ""}); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
		if err := p.session.Send(NewMessage([]byte("x"))); !errors.Is(err, ErrClosed) {
			t.Errorf("Send after Close: got %v, want %v", err, ErrClosed)
		}
		c.send("4ignored")
		c.write(opClose, "")
		c.wantEnd()
		select {
		case m := <-p.messages:
			t.Errorf("got message %q after Close", m)
		default:
		}
	})
}

func TestClosingDoesNotWaitLongForTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		c, p := h.openWS()
		p.session.Close(ReasonForcedClose)
		p.wantClosed(t, ReasonForcedClose)
		// The client neither reads nor answers.
		eventually(t, "end of the workers", func() bool { return !h.busy() })
		c.wantEnd()
	})
}

// busy tells whether the engine has goroutines.
func (h *harness) busy() bool {
	h.engine.mu.RLock()
	defer h.engine.mu.RUnlock()
	return h.engine.workers != nil
}

func TestPanicInMessageEndsOnlyThatSession(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{}, withAccept(func(p *peer) {
			p.on = func(data []byte, _ bool) {
				if string(data) == "boom" {
					panic("boom")
				}
				_ = p.session.Send(NewMessage(data))
			}
		}))
		c, p := h.openWS()
		c.send("4boom")
		if err := p.wantClosed(t, ReasonTransportError); err == nil {
			t.Error("got no error with the reason")
		}
		c.wantEnd()
		q, p := h.openPoll()
		h.post(q, "4boom")
		p.wantClosed(t, ReasonTransportError)
		if !strings.Contains(h.logs.String(), "handler panicked") {
			t.Errorf("the panic was not logged: %s", h.logs)
		}
		c, _ = h.openWS()
		c.send("4fine")
		c.want("4fine")
	})
}

// The JavaScript client asks for that with forceBase64.
func TestAClientThatTakesNoBinaryGetsBase64(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{Threshold: 1}})
		c := h.dialWS(wsQuery+"&b64=1", "Sec-WebSocket-Extensions", "permessage-deflate")
		c.read()
		p := h.peer()
		_ = p.session.Send(NewMessage([]byte("with"), []byte{1, 2}, nil))
		c.want("4with")
		c.want("bAQI=")
		c.want("b")
		c.send("bAwQ=")
		if got, want := receive(t, p.messages), "binary:\x03\x04"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		c.want("bAwQ=")
	})
}
