package transport

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/lxzan/gws"
)

// fuzzLimit is the MaxPayload of these targets: more than a piece.
const fuzzLimit = 5*minPiece + 100

// chopped is a source that has a few bytes at a time.
type chopped struct {
	data []byte
	size int // of a read at most, in bytes
}

func (r *chopped) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.size)], r.data)
	r.data = r.data[n:]
	return n, nil
}

func (r *chopped) ahead() bool { return true }
func (r *chopped) free()       {}

// roomy checks how much room gws makes, which shows in what it wants to be read at once.
type roomy struct {
	t    *testing.T
	c    *conn
	sent int // all that the client sends, in bytes
}

func (r roomy) Read(p []byte) (int, error) {
	arrived := r.sent - len(r.c.source.(*chopped).data)
	if len(p) > max(minPiece, roomFactor*arrived) {
		r.t.Errorf("gws makes room for %d bytes when %d have arrived", len(p), arrived)
	}
	return r.c.Read(p)
}

// echoing is gws's handler: it queues what comes behind what was queued for pings.
type echoing struct {
	gws.BuiltinEventHandler
	closed *[]error
}

func (e echoing) OnMessage(socket *gws.Conn, m *gws.Message) {
	c := socket.NetConn().(*conn)
	c.mu.Lock()
	c.put(append(appendHeader(nil, bitFinal|byte(m.Opcode), m.Data.Len()), m.Bytes()...), nil)
	c.mu.Unlock()
	_ = m.Close()
}

func (e echoing) OnClose(_ *gws.Conn, err error) { *e.closed = append(*e.closed, err) }

// throughGWS returns what a client gets back for what it sends, by the guard, the
// inflater and gws: echoes of its messages, pongs, and a close frame unless what it
// sends just ends.
func throughGWS(t *testing.T, sent []byte, size int, deflate bool) []frame {
	t.Helper()
	c := readingConn(&chopped{sent, size}, fuzzLimit)
	c.early, c.state, c.inflates = new(early), connHandshake, deflate
	c.writing = true // what is written stays in the queue
	br := bufio.NewReaderSize(roomy{t, c, len(sent)}, gwsBuffer)
	inflater := &inflater{conn: c}
	if deflate {
		br = bufio.NewReaderSize(inflater, gwsBuffer)
	}
	var closed []error
	opts := Options{MaxPayload: fuzzLimit}
	socket, err := newUpgrader(&opts, echoing{closed: &closed}).UpgradeFromConn(c, br,
		handshakeOf(&http.Request{Header: http.Header{"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}}))
	if err != nil {
		t.Fatal(err)
	}
	c.first, c.last, c.waiting, c.state = nil, nil, 0, connOpen // the 101 response is gone
	socket.ReadLoop()
	if len(closed) != 1 || closed[0] == nil {
		t.Errorf("OnClose was called with %v, want one error", closed)
	}
	if inflater.in != nil || inflater.text != nil {
		t.Error("a buffer is kept")
	}
	var got []frame
	for buf := c.first; buf != nil; buf = buf.next {
		for rest := buf.b; len(rest) > 0; {
			var first byte
			var data []byte
			first, data, rest = nextFrame(rest)
			got = append(got, frame{first & bitsOpcode, string(data)})
		}
	}
	return got
}

// byTheBook is throughGWS as RFC 6455 and RFC 7692 have it, all in one piece.
func byTheBook(sent []byte, deflate bool) (back []frame) {
	var message []byte
	var opcode, compressed byte // of the message under way; 0: there is none
	for {
		if len(sent) < 2 {
			return back
		}
		final, bits, op := sent[0]&0x80 != 0, sent[0]&0x70, sent[0]&0x0f
		masked, length := sent[1]&0x80 != 0, uint64(sent[1]&0x7f)
		starts := op == 1 || op == 2
		if bits == 0x40 && deflate && starts && opcode == 0 {
			bits, compressed = 0, 0x40
		} else if starts {
			compressed = 0
		}
		if bits != 0 || !masked || op > 10 || op > 2 && op < 8 || op >= 8 && (!final || length > 125) ||
			op == 0 && opcode == 0 || starts && opcode != 0 {
			return append(back, closed(1002))
		}
		head := 2 + map[uint64]int{126: 2, 127: 8}[length] + 4
		if len(sent) < head {
			return back
		}
		switch length {
		case 126:
			length = uint64(sent[2])<<8 | uint64(sent[3])
		case 127:
			length = binary.BigEndian.Uint64(sent[2:])
		}
		key := sent[head-4 : head]
		allowed := uint64(fuzzLimit)
		if compressed != 0 {
			allowed += fuzzLimit/256 + 64
		}
		switch {
		case length >= 1<<63:
			return append(back, closed(1002))
		case op < 8 && uint64(len(message))+length > allowed:
			return append(back, closed(1009))
		case uint64(len(sent)-head) < length:
			return back
		}
		payload := slices.Clone(sent[head : head+int(length)])
		sent = sent[head+int(length):]
		for i := range payload {
			payload[i] ^= key[i%4]
		}
		switch {
		case op == 8:
			return append(back, frame{opClose, closeAnswer(payload)})
		case op == 9:
			back = append(back, frame{opPong, string(payload)})
			continue
		case op == 10:
			continue
		case starts:
			opcode = op
		}
		if message = append(message, payload...); !final {
			continue
		}
		if compressed != 0 {
			var code uint16
			if message, code = inflatedByTheBook(message); code != 0 {
				return append(back, closed(code))
			}
		}
		if opcode == 1 && !utf8.Valid(message) {
			return append(back, closed(1007))
		}
		back = append(back, frame{opcode, string(message)})
		message, opcode, compressed = nil, 0, 0
	}
}

func closeAnswer(payload []byte) string {
	if len(payload) == 0 {
		return ""
	}
	code := closed(1002).data
	if len(payload) > 1 {
		switch n := binary.BigEndian.Uint16(payload); {
		case n < 1000 || n > 4999 || n > 1014 && n < 3000 || n >= 1004 && n <= 1006:
		case !utf8.Valid(payload[2:]):
			code = closed(1007).data
		default:
			code = string(payload[:2])
		}
	}
	return code
}

func inflatedByTheBook(message []byte) (data []byte, code uint16) {
	in := bytes.NewReader(slices.Concat(message, []byte("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	data, err := io.ReadAll(io.LimitReader(flate.NewReader(in), fuzzLimit+1))
	switch {
	case len(data) > fuzzLimit:
		return nil, 1009
	case err != nil, in.Len() > 10:
		return nil, 1007
	}
	return data, 0
}

// FuzzWebSocketFrames sends any bytes, in pieces of any size: what comes back is what
// the RFCs say, nothing panics, and memory is taken for what has arrived only.
func FuzzWebSocketFrames(f *testing.F) {
	f.Add([]byte(text("4hello")+clientFrame(frameClose, "\x03\xe8")), uint8(0), false)
	f.Add([]byte(begin("4a")+ping("p")+last("b")), uint8(2), true)
	f.Fuzz(func(t *testing.T, sent []byte, size uint8, deflate bool) {
		got := throughGWS(t, sent, int(size)+1, deflate)
		if want := byTheBook(sent, deflate); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// FuzzWebSocketMessages sends frames that are as they should be, made up from script:
// each message and ping comes back.
func FuzzWebSocketMessages(f *testing.F) {
	f.Add([]byte("\x00\x05\x00\x01\xff\x03\x02\x10\x02\x03\x7f\x00\x04\xff\x41"), uint8(0))
	f.Fuzz(func(t *testing.T, script []byte, size uint8) {
		sent, want := played(script)
		for _, deflate := range []bool{false, true} {
			if got := throughGWS(t, sent, int(size)+1, deflate); !slices.Equal(got, want) {
				t.Errorf("deflate %v: got %v, want %v", deflate, got, want)
			}
		}
		if got := byTheBook(sent, false); !slices.Equal(got, want) {
			t.Errorf("by the book: got %v, want %v", got, want)
		}
	})
}

// played makes frames of a script, three bytes a message or control frame, and returns
// what they bring back.
func played(script []byte) (sent []byte, want []frame) {
	for ; len(script) >= 3 && len(sent) < 3*fuzzLimit; script = script[3:] {
		kind, n, parts := script[0]%5, int(script[1]), int(script[2]%16)+1
		if script[2]&0x80 != 0 && kind < 2 {
			n = n * fuzzLimit / 255
		}
		data := string(bytes.Repeat([]byte{'a' + script[1]%26}, n))
		switch kind {
		case 0, 1: // a message, whole or in fragments, with pings among those
			opcode := opText + kind
			want = append(want, frame{opcode, data})
			for part := range parts {
				cut := len(data) / (parts - part)
				first := opcode
				if part == parts-1 {
					first |= bitFinal
				}
				sent = append(sent, clientFrame(first, data[:cut])...)
				if data, opcode = data[cut:], 0; part < parts-1 && script[2]&0x40 != 0 {
					sent = append(sent, ping("between")...)
					want = slices.Insert(want, len(want)-1, pongTo("between"))
				}
			}
		case 2:
			sent = append(sent, ping(data[:n%126])...)
			want = append(want, pongTo(data[:n%126]))
		case 3:
			sent = append(sent, clientFrame(bitFinal|opPong, data[:n%126])...)
		case 4: // with more bytes for the length than it takes
			sent = append(sent, bitFinal|opBinary, 0x80|127)
			sent = binary.BigEndian.AppendUint64(sent, uint64(n))
			sent = append(append(sent, 0, 0, 0, 0), data...)
			want = append(want, frame{opBinary, data})
		}
	}
	return sent, want
}
