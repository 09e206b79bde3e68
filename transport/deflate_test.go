package transport

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAgreeDeflate(t *testing.T) {
	const (
		plain  = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
		bits15 = plain + "; server_max_window_bits=15"
	)
	tests := []struct {
		name   string
		offers []string
		want   string
	}{
		{"none", nil, ""},
		{"empty", []string{""}, ""},
		{"bare", []string{"permessage-deflate"}, plain},
		{"Chromium and Firefox", []string{"permessage-deflate; client_max_window_bits"}, plain},
		{"Safari of old", []string{"x-webkit-deflate-frame"}, ""},
		{"no takeover", []string{"permessage-deflate; client_no_context_takeover; server_no_context_takeover"}, plain},
		{"client window", []string{"permessage-deflate; client_max_window_bits=8"}, plain},
		{"client window in quotes", []string{`permessage-deflate; client_max_window_bits="10"`}, plain},
		{"spaces", []string{" permessage-deflate ;client_max_window_bits = 9 "}, plain},
		{"full server window", []string{"permessage-deflate; server_max_window_bits=15"}, bits15},
		{"small server window", []string{"permessage-deflate; server_max_window_bits=14"}, ""},
		{"small server window, or not", []string{"permessage-deflate; server_max_window_bits=10, permessage-deflate"}, plain},
		{"in two headers", []string{"permessage-deflate; server_max_window_bits=10", "permessage-deflate"}, plain},
		{"another extension before it", []string{"permessage-bzip2, permessage-deflate"}, plain},
		{"first that fits", []string{"permessage-deflate; server_max_window_bits=15, permessage-deflate"}, bits15},
		{"server window without a size", []string{"permessage-deflate; server_max_window_bits"}, ""},
		{"window of 7", []string{"permessage-deflate; client_max_window_bits=7"}, ""},
		{"window of 16", []string{"permessage-deflate; client_max_window_bits=16"}, ""},
		{"window of 08", []string{"permessage-deflate; client_max_window_bits=08"}, ""},
		{"window of +9", []string{"permessage-deflate; client_max_window_bits=+9"}, ""},
		{"empty window", []string{"permessage-deflate; client_max_window_bits="}, ""},
		{"empty quotes", []string{`permessage-deflate; client_max_window_bits=""`}, ""},
		{"one quote", []string{`permessage-deflate; client_max_window_bits="`}, ""},
		{"takeover with a value", []string{"permessage-deflate; client_no_context_takeover=1"}, ""},
		{"name with a value", []string{"permessage-deflate=1"}, ""},
		{"unknown parameter", []string{"permessage-deflate; level=9"}, ""},
		{"empty parameter", []string{"permessage-deflate; "}, ""},
		{"twice", []string{"permessage-deflate; client_max_window_bits; client_max_window_bits=9"}, ""},
		{"comma in quotes", []string{`x; y=", permessage-deflate"`}, ""},
		{"escaped quote", []string{`x; y="\", permessage-deflate"`}, ""},
		{"quote without end", []string{`x; y=", permessage-deflate`}, ""},
	}
	for _, tt := range tests {
		h := http.Header{}
		if tt.offers != nil {
			h["Sec-Websocket-Extensions"] = tt.offers
		}
		if got := agreeDeflate(h); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// dialDeflate opens a session on a WebSocket with permessage-deflate.
func (h *harness) dialDeflate() (*wsClient, *peer) {
	h.t.Helper()
	c := h.dialWS(wsQuery, "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
	if got := c.res.Header.Get("Sec-Websocket-Extensions"); got != deflateAgreed {
		h.t.Fatalf("got extensions %q, want %q", got, deflateAgreed)
	}
	if f := c.read(); !strings.HasPrefix(f.data, "0{") {
		h.t.Fatalf("got %v, want the open packet", f)
	}
	return c, h.peer()
}

// readInflated reads a frame, and decompresses it if it is marked so.
func (c *wsClient) readInflated() (f frame, deflated bool) {
	c.t.Helper()
	head, err := c.br.Peek(1)
	if err != nil {
		c.t.Fatal(err)
	}
	deflated = head[0]&frameDeflated != 0 // before Peek's buffer is read over
	f = c.read()
	if deflated {
		b, err := io.ReadAll(flate.NewReader(strings.NewReader(f.data + flushEnd + "\x01" + flushEnd)))
		if err != nil {
			c.t.Fatalf("inflate: %v", err)
		}
		f.data = string(b)
	}
	return f, deflated
}

// wantInflated reads a frame and checks whether it was compressed.
func (c *wsClient) wantInflated(opcode byte, data string, deflated bool) {
	c.t.Helper()
	f, was := c.readInflated()
	if f != (frame{opcode, data}) || was != deflated {
		c.t.Fatalf("got frame %v, compressed %v, want %v, %v", f, was, frame{opcode, data}, deflated)
	}
}

// writeRaw sends a frame of any first byte, masked for once.
func (c *wsClient) writeRaw(first byte, data string) {
	c.t.Helper()
	b := appendHeader(nil, first, len(data))
	b[1] |= 0x80
	key := [4]byte{0x12, 0x34, 0x56, 0x78}
	b = append(b, key[:]...)
	for i := range len(data) {
		b = append(b, data[i]^key[i&3])
	}
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// deflated compresses text as a message.
func deflated(text string) string {
	var b bytes.Buffer
	z, _ := flate.NewWriter(&b, flate.DefaultCompression)
	_, _ = io.WriteString(z, text)
	_ = z.Flush()
	return strings.TrimSuffix(b.String(), flushEnd)
}

// deflatedWhole compresses text as a stream that ends by itself.
func deflatedWhole(text string) string {
	var b bytes.Buffer
	z, _ := flate.NewWriter(&b, flate.DefaultCompression)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return string(b)
}

func TestDeflateIsOffUnlessBothSidesWantIt(t *testing.T) {
	long := strings.Repeat("x", 5000)
	tests := []struct {
		name  string
		opts  *PerMessageDeflate
		offer string
	}{
		{"the server does not", nil, "permessage-deflate"},
		{"the client does not", &PerMessageDeflate{}, ""},
		{"the offer is malformed", &PerMessageDeflate{}, "permessage-deflate; client_max_window_bits=99"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{PerMessageDeflate: tt.opts})
				c := h.dialWS(wsQuery, "Sec-WebSocket-Extensions", tt.offer)
				if got, ok := c.res.Header["Sec-Websocket-Extensions"]; ok {
					t.Errorf("got extensions %q, want none", got)
				}
				c.read()
				_ = h.peer().session.Send(NewMessage([]byte(long)))
				c.wantInflated(opText, "4"+long, false)
				c.writeRaw(frameText|frameDeflated, deflated("4a"))
				if f := c.wantEnd(); f == nil || f.data != "\x03\xea" {
					t.Errorf("got close frame %v for reserved bits, want code 1002", f)
				}
			})
		})
	}
}

func TestMessagesFromTheThresholdOnAreCompressed(t *testing.T) {
	long := strings.Repeat("x", 1023) // with its type digit
	for _, onTCP := range []harnessOption{func(*harness, *harnessSetup) {}, onTCP} {
		h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{}}, onTCP)
		c, p := h.dialDeflate()
		s := p.session
		send := func(m *Message) {
			t.Helper()
			if err := s.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		send(NewMessage([]byte(long)))
		c.wantInflated(opText, "4"+long, true)
		send(NewMessage([]byte(long[1:])))
		c.wantInflated(opText, "4"+long[1:], false)
		send(NewMessage([]byte(long)).Uncompressed())
		c.wantInflated(opText, "4"+long, false)
		send(NewMessage([]byte(random(5000)))) // which does not get smaller
		c.wantInflated(opText, "4"+random(5000), false)

		send(NewMessage([]byte("two"), []byte(long+long), []byte("short"), []byte(random(3000)), []byte(long+"x")))
		c.wantInflated(opText, "4two", false)
		c.wantInflated(opBinary, long+long, true)
		c.wantInflated(opBinary, "short", false)
		c.wantInflated(opBinary, random(3000), false)
		c.wantInflated(opBinary, long+"x", true)

		for _, text := range []string{long, "short"} {
			if err := s.Append([]byte(text)); err != nil {
				t.Fatal(err)
			}
			s.Flush()
			c.wantInflated(opText, "4"+text, text == long)
		}
		if err := s.Drained(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !s.SendVolatile(NewMessage([]byte(long))) {
			t.Fatal("the volatile message was dropped")
		}
		c.wantInflated(opText, "4"+long, true)
	}
}

func TestABroadcastIsCompressedOnce(t *testing.T) {
	h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{Threshold: 1000}}, onTCP)
	made := 0
	maker := h.engine.deflate.writers.New
	h.engine.deflate.writers.New = func() any { made++; return maker() }

	long := strings.Repeat("parlor ", 100_000)
	clients := make([]*wsClient, 5)
	m := NewMessage([]byte(long))
	sessions := make([]*Session, len(clients))
	for i := range clients {
		c, p := h.dialDeflate()
		clients[i], sessions[i] = c, p.session
	}
	if made != 0 {
		t.Errorf("got %d compressors before the first message, want none", made)
	}
	plain, p := h.openWS()
	_ = p.session.Send(m)
	var first []byte
	for _, s := range sessions {
		_ = s.Send(m)
		if b := *m.look(formDeflate).Load(); first == nil {
			first = b
		} else if &b[0] != &first[0] {
			t.Error("the message was compressed again")
		}
	}
	for _, c := range clients {
		c.wantInflated(opText, "4"+long, true)
	}
	plain.want("4" + long)
	if made > 1 {
		t.Errorf("got %d compressors, want 1", made)
	}
	if n := len(first); n > len(long)/10 {
		t.Errorf("got %d bytes of %d, want a tenth", n, len(long))
	}
}

func TestCompressedMessagesAreRead(t *testing.T) {
	long := strings.Repeat("hello ", 20_000)
	for _, onTCP := range []harnessOption{func(*harness, *harnessSetup) {}, onTCP} {
		h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{}}, onTCP, withAccept(func(p *peer) { p.quiet = true }))
		c, p := h.dialDeflate()
		want := func(want string) {
			t.Helper()
			if got := receive(t, p.messages); got != want {
				t.Fatalf("got %.60q (%d bytes), want %.60q (%d bytes)", got, len(got), want, len(want))
			}
		}
		c.writeRaw(frameText|frameDeflated, deflated("4hello"))
		want("hello")
		c.writeRaw(frameText, "4not compressed")
		want("not compressed")
		c.writeRaw(frameText|frameDeflated, deflated("4"+long))
		want(long)
		c.writeRaw(frameBinary|frameDeflated, deflated(long))
		want("binary:" + long)
		c.writeRaw(frameBinary|frameDeflated, deflated("")) // which gws hands on like any
		want("binary:")
		c.writeRaw(frameBinary|frameDeflated, deflated(random(70_000)))
		want("binary:" + random(70_000))

		// Several in a row, in one write of the client's.
		c.writeRaw(frameText|frameDeflated, deflated("4a"))
		c.writeRaw(frameText|frameDeflated, deflated("4a"))
		c.writeRaw(frameText, "4b")
		c.writeRaw(frameText|frameDeflated, deflated("4c"))
		want("a")
		want("a")
		want("b")
		want("c")

		// In fragments, with a ping between, and one that is empty.
		z := deflated("4" + long)
		c.writeRaw(opText|frameDeflated, z[:10])
		c.writeRaw(0x80|opPing, "hi")
		if f := c.read(); f != (frame{opPong, "hi"}) {
			t.Fatalf("got %v, want the pong", f)
		}
		c.writeRaw(0, "")
		c.writeRaw(0, z[10:20])
		c.writeRaw(0x80, z[20:])
		want(long)
		c.writeRaw(opText, "4fragments that are not ") // compressed
		c.writeRaw(0x80, "compressed")
		want("fragments that are not compressed")

		// RFC 7692 section 7.2.3: "Hello" in its examples, the first byte being changed
		// to what is a message here by a stored block before them.
		const four = "\x00\x01\x00\xfe\xff4"
		c.writeRaw(frameText|frameDeflated, four+"\xf2\x48\xcd\xc9\xc9\x07\x00")
		want("Hello")
		c.writeRaw(frameText|frameDeflated, four+"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")
		want("Hello")
		c.writeRaw(frameText|frameDeflated, four+"\xf3\x48\xcd\xc9\xc9\x07\x00\x00") // ends by itself
		want("Hello")
		c.writeRaw(frameText|frameDeflated, four+"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")
		want("Hello")
		c.writeRaw(frameText|frameDeflated, deflatedWhole("4whole"))
		want("whole")
	}
}

func TestBadCompressedMessagesCloseTheConnection(t *testing.T) {
	const text, first = frameText | frameDeflated, opText | frameDeflated
	bomb := deflated("4" + strings.Repeat("\x00", 50<<20))
	tests := []struct {
		name  string
		send  func(c *wsClient)
		code  uint16
		cause error // nil for one of gws's
	}{
		{"bomb", func(c *wsClient) { c.writeRaw(text, bomb) }, 1009, nil},
		{"a byte too many", func(c *wsClient) { c.writeRaw(text, deflated("4"+strings.Repeat("a", 100_000))) }, 1009, nil},
		{"claims too much", func(c *wsClient) {
			_, _ = c.conn.Write(append([]byte{text, 0x80 | 127}, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0))
		}, 1009, nil},
		{"negative length", func(c *wsClient) {
			_, _ = c.conn.Write(append([]byte{text, 0x80 | 127}, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
		}, 1002, nil},
		{"too many fragments", func(c *wsClient) {
			c.writeRaw(first, random(60_000))
			c.writeRaw(0, random(60_000))
		}, 1009, nil},
		{"invalid", func(c *wsClient) { c.writeRaw(text, "\xff\xff\xff\xff") }, 1007, errBadDeflate},
		{"empty", func(c *wsClient) { c.writeRaw(text, "") }, 1007, errBadDeflate},
		{"cut off", func(c *wsClient) { c.writeRaw(text, deflated("4hello, hello")[:5]) }, 1007, errBadDeflate},
		{"two streams", func(c *wsClient) { c.writeRaw(text, deflatedWhole("4a")+deflatedWhole("b")) }, 1007, errBadDeflate},
		{"back to what was before", func(c *wsClient) {
			c.writeRaw(text, deflated("4hello"))
			c.writeRaw(text, "\x02\x13\x00") // a copy of bytes that there are none of
		}, 1007, errBadDeflate},
		{"not UTF-8", func(c *wsClient) { c.writeRaw(text, deflated("4\xff")) }, 1007, nil},
		{"RSV2", func(c *wsClient) { c.writeRaw(frameText|0x20, "4a") }, 1002, errReservedBits},
		{"RSV3 and RSV1", func(c *wsClient) { c.writeRaw(text|0x10, deflated("4a")) }, 1002, errReservedBits},
		{"compressed ping", func(c *wsClient) { c.writeRaw(0x80|opPing|frameDeflated, "a") }, 1002, errReservedBits},
		{"compressed close", func(c *wsClient) { c.writeRaw(0x80|opClose|frameDeflated, "") }, 1002, errReservedBits},
		{"unknown opcode", func(c *wsClient) { c.writeRaw(0x83|frameDeflated, "a") }, 1002, errReservedBits},
		{"bit on a continuation", func(c *wsClient) {
			c.writeRaw(first, "a")
			c.writeRaw(0x80|frameDeflated, "a")
		}, 1002, errReservedBits},
		{"bit on a continuation of a plain message", func(c *wsClient) {
			c.writeRaw(opText, "a")
			c.writeRaw(0x80|frameDeflated, "a")
		}, 1002, errReservedBits},
		{"message inside of one", func(c *wsClient) {
			c.writeRaw(first, "a")
			c.writeRaw(frameText, "4a")
		}, 1002, nil},
		{"compressed message inside of one", func(c *wsClient) {
			c.writeRaw(first, "a")
			c.writeRaw(text, deflated("4a"))
		}, 1002, errReservedBits},
		{"compressed message inside of a plain one", func(c *wsClient) {
			c.writeRaw(opText, "4a")
			c.writeRaw(text, deflated("4a"))
		}, 1002, nil},
		{"continuation of nothing", func(c *wsClient) { c.writeRaw(0x80, "a") }, 1002, nil},
		{"not masked", func(c *wsClient) { _, _ = c.conn.Write([]byte{text, 2, 'a', 'b'}) }, 1002, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{}, MaxPayload: 100_000}, onTCP)
			c, p := h.dialDeflate()
			tt.send(c)
			f := c.wantEnd()
			if f == nil || f.data != string(binary.BigEndian.AppendUint16(nil, tt.code)) {
				t.Errorf("got close frame %v, want code %d", f, tt.code)
			}
			if err := p.wantClosed(t, ReasonTransportError); err == nil || tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("got error %v, want %v", err, tt.cause)
			} else if errors.As(err, new(*LimitError)) != (tt.code == 1009) {
				t.Errorf("got error %v, want a LimitError for what is too large and nothing else", err)
			}
		})
	}
}

func TestALargestMessageIsRead(t *testing.T) {
	h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{}, MaxPayload: 100_000}, onTCP,
		withAccept(func(p *peer) { p.quiet = true }))
	c, p := h.dialDeflate()
	for _, data := range []string{strings.Repeat("a", 100_000), random(100_000)} {
		c.writeRaw(frameBinary|frameDeflated, deflated(data))
		if got := receive(t, p.messages); got != "binary:"+data {
			t.Errorf("got %d bytes, want %d", len(got)-7, len(data))
		}
	}
}

func TestAConnectionThatIsCutInsideACompressedMessageIsClosed(t *testing.T) {
	h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{}}, onTCP)
	c, p := h.dialDeflate()
	c.writeRaw(opText|frameDeflated, "abc")
	_, _ = c.conn.Write([]byte{0x80, 0x80 | 100, 0, 0, 0, 0, 'x'})
	_ = c.conn.Close()
	p.wantClosed(t, ReasonTransportClose)
}

func TestAnUpgradeToACompressedWebSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{PerMessageDeflate: &PerMessageDeflate{}})
		_, p := h.openPoll()
		long := strings.Repeat("x", 3000)
		c := h.dialWS(wsQuery+"&sid="+p.session.ID(), "Sec-WebSocket-Extensions", "permessage-deflate")
		c.send("2probe")
		c.want("3probe")
		_ = p.session.Send(NewMessage([]byte("short")))
		_ = p.session.Send(NewMessage([]byte(long)))
		_ = p.session.Send(NewMessage([]byte(long)).Uncompressed())
		c.send("5")
		c.wantInflated(opText, "4short", false)
		c.wantInflated(opText, "4"+long, true)
		c.wantInflated(opText, "4"+long, false)
		c.writeRaw(frameText|frameDeflated, deflated("4"+long))
		if got := receive(t, p.messages); got != long {
			t.Errorf("got %d bytes, want %d", len(got), len(long))
		}
	})
}

func TestBadDeflateOptionsPanic(t *testing.T) {
	for name, o := range map[string]PerMessageDeflate{
		"Threshold": {Threshold: -1},
		"Level":     {Level: 10},
	} {
		func() {
			defer func() {
				if v, _ := recover().(string); !strings.Contains(v, "Options.PerMessageDeflate."+name) {
					t.Errorf("%s: got %q, want a panic that names it", name, v)
				}
			}()
			New(Options{PerMessageDeflate: &o}, nil)
		}()
	}
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		d := newDeflate(&PerMessageDeflate{Level: level, Threshold: 1})
		if got := len(d.frames(NewMessage([]byte(strings.Repeat("x", 2000))))); got > 500 {
			t.Errorf("level %d: got %d bytes of 2000", level, got)
		}
	}
}

// FuzzInflater holds what gws gets to see to what it is to see, whatever a client
// sends: frames that are well formed and not compressed.
func FuzzInflater(f *testing.F) {
	masked := func(first byte, data string) []byte {
		b := appendHeader(nil, first, len(data))
		b[1] |= 0x80
		return append(append(b, 0, 0, 0, 0), data...)
	}
	f.Add(masked(frameText|frameDeflated, deflated("4hello")))
	f.Add(masked(frameText, "4hello"))
	f.Add(append(masked(opText|frameDeflated, "\xf2\x48"), masked(0x80, "\xcd\xc9\xc9\x07\x00")...))
	f.Add(masked(0x80|opPing, "hi"))
	f.Add(append(masked(opText|frameDeflated, "\xf2\x48"), 0x80|opPing, 0x80|5, 0, 0, 0, 0, 'c', 'u', 't'))
	f.Add([]byte{0xc1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &inflater{conn: readingConn(&chopped{data, 1}, 1000)}
		r.conn.inflates = true
		out, _ := io.ReadAll(bufio.NewReaderSize(r, gwsBuffer))
		if r.in != nil || r.text != nil {
			t.Error("a buffer is kept")
		}
		// Frames are read as gws does, until one is not all there.
		check, buf := readingConn(&chopped{out, 1}, 1000), make([]byte, maxHead)
		for {
			n, err := check.Read(buf)
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatalf("gws gets to see what is no frame: %v", err)
			}
			if !bytes.HasPrefix(out, buf[:n]) {
				t.Fatalf("gws gets to see %x, which is not passed as it is", out)
			}
			out = out[n:]
			k, err := io.CopyN(io.Discard, check, int64(check.piece))
			if err != nil {
				return
			}
			out = out[k:]
		}
	})
}

// FuzzAgreeDeflate checks that no header is answered with anything but what this side
// does.
func FuzzAgreeDeflate(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits")
	f.Add(`permessage-deflate; server_max_window_bits="15"; client_no_context_takeover, x; y="\", permessage-deflate"`)
	f.Fuzz(func(t *testing.T, header string) {
		got := agreeDeflate(http.Header{"Sec-Websocket-Extensions": {header}})
		if got != "" && got != deflateAgreed && got != deflateAgreed+"; server_max_window_bits=15" {
			t.Errorf("got %q", got)
		}
		if got != "" && !strings.Contains(header, "permessage-deflate") {
			t.Errorf("got %q, which was not offered", got)
		}
	})
}

// readingConn is a connection without a client, whose session has an engine and no more.
func readingConn(from source, maxPayload int) *conn {
	return &conn{
		Conn:    nowhere{},
		state:   connOpen,
		session: &Session{engine: New(Options{MaxPayload: maxPayload}, nil)},
		source:  from,
	}
}

// nowhere is a connection to write to.
type nowhere struct{ net.Conn }

func (nowhere) Write(p []byte) (int, error)      { return len(p), nil }
func (nowhere) SetWriteDeadline(time.Time) error { return nil }
