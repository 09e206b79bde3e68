package transport

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
)

// The tests of RFC 6455, in the groups that the Autobahn test suite has for servers. The
// server echoes: text messages as Engine.IO has them, with a '4' in front, and binary
// ones. Each case is sent whole, in single bytes or odd pieces, also with
// permessage-deflate, and over TCP.
//
// Where Engine.IO has rules of its own they come second: an empty text message is a good
// one here and no packet there, so it ends the connection with a close frame that has
// no code, as the reference server sends it. Invalid UTF-8 is found at the end of a
// message, not as soon as it could be; and a length that is spelled with more bytes
// than it takes is accepted, as other servers do.

// wsCase is what a client sends behind the handshake, and what it gets. A server that
// has not sent a close frame by then goes on.
type wsCase struct {
	name string
	send string
	want []frame
}

// suiteLimit is the MaxPayload of these tests, more than fits two bytes.
const suiteLimit = 70_000

// runSuite runs cases in all the ways there are. Where plain says so only those
// without permessage-deflate, of which the cases know nothing.
func runSuite(t *testing.T, plain bool, cases []wsCase) {
	t.Helper()
	for _, way := range []struct {
		name    string
		on      []harnessOption
		deflate bool
		chops   []chop
	}{
		{"pipe", nil, false, []chop{inWhole, inBytes, inPieces}},
		{"pipe with deflate", nil, true, []chop{inWhole, inBytes}},
		{"tcp", []harnessOption{onTCP}, false, []chop{inWhole}},
	} {
		if way.deflate && plain {
			continue
		}
		t.Run(way.name, func(t *testing.T) {
			opts := Options{MaxPayload: suiteLimit}
			if way.deflate {
				opts.PerMessageDeflate = &PerMessageDeflate{Threshold: 1 << 20} // the echo is as plain as it was
			}
			h := newHarness(t, opts, way.on...)
			for _, tt := range cases {
				for _, chop := range way.chops {
					if n := len(tt.send); chop.shortest <= n && n <= chop.longest {
						h.runCase(t, tt, chop, way.deflate)
					}
				}
			}
			if strings.Contains(h.logs.String(), "panicked") {
				t.Errorf("there was a panic: %s", h.logs)
			}
		})
	}
}

// chop is how what a client sends is split over writes.
type chop struct {
	name              string
	size              int // of a write, in bytes
	shortest, longest int // what is sent like this
}

var (
	inWhole  = chop{"whole", 1 << 30, 0, 1 << 30}
	inBytes  = chop{"in bytes", 1, 2, 300}
	inPieces = chop{"in pieces", 997, 998, 1 << 30}
)

func (h *harness) runCase(t *testing.T, tt wsCase, chop chop, deflate bool) {
	t.Helper()
	open := h.openWS
	if deflate {
		open = h.dialDeflate
	}
	c, _ := open()
	defer c.conn.Close()
	send := tt.send
	ends := len(tt.want) > 0 && tt.want[len(tt.want)-1].opcode == opClose
	want := tt.want
	if !ends {
		send += clientFrame(frameClose, "\x03\xe8")
		want = append(want[:len(want):len(want)], closing1000)
	}
	wrote := make(chan struct{})
	go func() { // until the server no longer reads
		defer close(wrote)
		for rest := send; rest != ""; {
			n := min(chop.size, len(rest))
			if _, err := io.WriteString(c.conn, rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}()
	for i, w := range want {
		got, err := c.next()
		if err != nil || got != w {
			t.Errorf("%s, %s: frame %d: got %v, %v, want %v", tt.name, chop.name, i, got, err, w)
			_ = c.conn.Close()
			<-wrote
			return
		}
	}
	if want[len(want)-1] == (frame{opClose, ""}) { // the server's own, which waits for an answer
		<-wrote
		_ = c.tryWrite(opClose, nil)
	}
	if f, err := c.next(); err == nil {
		t.Errorf("%s, %s: got %v behind the close frame, want the end", tt.name, chop.name, f)
	}
	_ = c.conn.Close()
	<-wrote
}

// clientFrame is a frame as clients send it: masked. first is its first byte.
func clientFrame(first byte, payload string) string {
	return clientFrameOf(first, len(payload), payload)
}

// clientFrameOf is a frame that claims to be n bytes long.
func clientFrameOf(first byte, n int, payload string) string {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d} // of the RFC's examples
	b := appendHeader(nil, first, n)
	b[1] |= bitMasked
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i&3])
	}
	return string(b)
}

// closed is a close frame with a code and no reason.
func closed(code uint16) frame {
	return frame{opClose, string(binary.BigEndian.AppendUint16(nil, code))}
}

var closing1000 = closed(1000)

// Shorthands for what is sent and what comes back.
func text(s string) string      { return clientFrame(frameText, s) }
func textEcho(s string) frame   { return frame{opText, s} }
func ping(s string) string      { return clientFrame(bitFinal|opPing, s) }
func pongTo(s string) frame     { return frame{opPong, s} }
func begin(s string) string     { return clientFrame(opText, s) }
func more(s string) string      { return clientFrame(0, s) }
func last(s string) string      { return clientFrame(bitFinal, s) }
func frames(f ...frame) []frame { return f }

func TestRFC6455Framing(t *testing.T) {
	var cases []wsCase
	for _, n := range []int{1, 2, 124, 125, 126, 127, 128, 1000, minPiece - 1, minPiece, minPiece + 1, 2 * minPiece,
		2*minPiece + 1, 65534, 65535, 65536, 65537, suiteLimit} {
		message := "4" + random(n)[:n-1]
		cases = append(cases,
			wsCase{fmt.Sprintf("binary of %d bytes", n), clientFrame(frameBinary, message), frames(frame{opBinary, message})})
		message = "4" + strings.Repeat("*", n-1)
		cases = append(cases,
			wsCase{fmt.Sprintf("text of %d bytes", n), text(message), frames(textEcho(message))},
			wsCase{fmt.Sprintf("two texts of %d bytes", n), text(message) + text(message), frames(textEcho(message), textEcho(message))})
	}
	over := strings.Repeat("4", suiteLimit+1)
	cases = append(cases,
		wsCase{"empty binary", clientFrame(frameBinary, ""), frames(frame{opBinary, ""})},
		wsCase{"empty text, which is no Engine.IO packet", text(""), frames(frame{opClose, ""})},
		wsCase{"text that is no Engine.IO packet", text("*"), frames(frame{opClose, ""})},
		wsCase{"a byte too many", text(over), frames(closed(1009))},
		wsCase{"a byte too many in binary", clientFrame(frameBinary, over), frames(closed(1009))},
		wsCase{"a byte too many, of which nothing comes", clientFrameOf(frameText, suiteLimit+1, ""), frames(closed(1009))},
		wsCase{"64 bits but one", clientFrameOf(frameText, 1<<63-1, ""), frames(closed(1009))},
		wsCase{"64 bits, the first set", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", frames(closed(1002))},
		wsCase{"64 bits, all set", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", frames(closed(1002))},
		wsCase{"a length of 1 in two bytes", "\x81\xfe\x00\x01\x00\x00\x00\x004", frames(textEcho("4"))},
		wsCase{"a length of 1 in eight bytes", "\x81\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x004", frames(textEcho("4"))},
		wsCase{"not masked", "\x81\x014", frames(closed(1002))},
		wsCase{"a ping that is not masked", "\x89\x00", frames(closed(1002))},
		wsCase{"a close that is not masked", "\x88\x00", frames(closed(1002))},
		wsCase{"not masked behind one that is", text("4a") + "\x81\x014", frames(textEcho("4a"), closed(1002))},
		wsCase{"HTTP", "GET / HTTP/1.1\r\n\r\n", frames(closed(1002))},
		wsCase{"a hundred texts", strings.Repeat(text("4a"), 100), repeat(100, textEcho("4a"))},
	)
	runSuite(t, false, cases)
}

func repeat(n int, f frame) []frame {
	all := make([]frame, n)
	for i := range all {
		all[i] = f
	}
	return all
}

func TestRFC6455Pings(t *testing.T) {
	var cases []wsCase
	for n := range maxControl + 1 {
		payload := random(n)
		cases = append(cases, wsCase{fmt.Sprintf("ping with %d bytes", n), ping(payload), frames(pongTo(payload))})
	}
	long := strings.Repeat("p", maxControl+1)
	cases = append(cases,
		wsCase{"ping with 126 bytes", ping(long), frames(closed(1002))},
		wsCase{"pong with 126 bytes", clientFrame(bitFinal|opPong, long), frames(closed(1002))},
		wsCase{"ping with a length in two bytes", "\x89\xfe\x00\x01\x00\x00\x00\x00p", frames(closed(1002))},
		wsCase{"ping with a length in eight bytes", "\x89\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00p", frames(closed(1002))},
		wsCase{"ping in fragments", clientFrame(opPing, "p") + last("q"), frames(closed(1002))},
		wsCase{"pong in fragments", clientFrame(opPong, "p"), frames(closed(1002))},
		wsCase{"unsolicited pong", clientFrame(bitFinal|opPong, ""), nil},
		wsCase{"unsolicited pong with payload", clientFrame(bitFinal|opPong, "p"), nil},
		wsCase{"unsolicited pong before a ping", clientFrame(bitFinal|opPong, "p") + ping("q"), frames(pongTo("q"))},
		wsCase{"ten pings", ping("0") + ping("1") + ping("2") + ping("3") + ping("4") + ping("5") + ping("6") + ping("7") + ping("8") + ping("9"),
			frames(pongTo("0"), pongTo("1"), pongTo("2"), pongTo("3"), pongTo("4"), pongTo("5"), pongTo("6"), pongTo("7"), pongTo("8"), pongTo("9"))},
		wsCase{"two hundred pings", strings.Repeat(ping(""), 200), repeat(200, pongTo(""))},
		wsCase{"a ping before a message", ping("p") + text("4a"), frames(pongTo("p"), textEcho("4a"))},
		wsCase{"binary payload", ping("\x00\xff\xfe\xfd"), frames(pongTo("\x00\xff\xfe\xfd"))},
	)
	runSuite(t, false, cases)
}

func TestRFC6455ReservedBits(t *testing.T) {
	var plain, both []wsCase
	for bits := byte(0x10); bits <= bitsUnknown; bits += 0x10 {
		add := func(cases *[]wsCase, name, send string, want ...frame) {
			*cases = append(*cases, wsCase{fmt.Sprintf("%s with %#x", name, bits), send, append(want, closed(1002))})
		}
		cases := &both
		if bits == frameDeflated {
			cases = &plain // it means something with permessage-deflate
		}
		add(cases, "text", clientFrame(frameText|bits, "4a"))
		add(cases, "binary", clientFrame(frameBinary|bits, "4a"))
		add(cases, "text behind another", text("4a")+clientFrame(frameText|bits, "4b"), textEcho("4a"))
		add(cases, "first fragment", clientFrame(opText|bits, "4a")+last("b"))
		add(&both, "middle fragment", begin("4a")+clientFrame(bits, "b")+last("c"))
		add(&both, "last fragment", begin("4a")+clientFrame(bitFinal|bits, "b"))
		add(&both, "ping", clientFrame(bitFinal|opPing|bits, "p"))
		add(&both, "ping behind a ping", ping("p")+clientFrame(bitFinal|opPing|bits, "q"), pongTo("p"))
		add(&both, "pong", clientFrame(bitFinal|opPong|bits, ""))
		add(&both, "close", clientFrame(frameClose|bits, "\x03\xe8"))
	}
	runSuite(t, false, both)
	runSuite(t, true, plain)
}

func TestRFC6455Opcodes(t *testing.T) {
	var cases []wsCase
	for _, opcode := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		add := func(name, send string, want ...frame) {
			cases = append(cases, wsCase{fmt.Sprintf("opcode %d %s", opcode, name), send, append(want, closed(1002))})
		}
		add("alone", clientFrame(bitFinal|opcode, ""))
		add("with payload", clientFrame(bitFinal|opcode, "4a"))
		add("in fragments", clientFrame(opcode, "4a")+last("b"))
		add("behind a text", text("4a")+clientFrame(bitFinal|opcode, ""), textEcho("4a"))
		add("behind a text, then a ping", text("4a")+clientFrame(bitFinal|opcode, "x")+ping(""), textEcho("4a"))
		add("inside of a message", begin("4a")+clientFrame(bitFinal|opcode, "x")+last("b"))
	}
	runSuite(t, false, cases)
}

func TestRFC6455Fragmentation(t *testing.T) {
	third := strings.Repeat("x", suiteLimit/3)
	long := strings.Repeat("y", 2*minPiece+3)
	runSuite(t, false, []wsCase{
		{"two", begin("4a") + last("b"), frames(textEcho("4ab"))},
		{"two of binary", clientFrame(opBinary, "a") + last("b"), frames(frame{opBinary, "ab"})},
		{"three", begin("4a") + more("b") + last("c"), frames(textEcho("4abc"))},
		{"a first that is empty", begin("") + last("4a"), frames(textEcho("4a"))},
		{"a last that is empty", begin("4a") + last(""), frames(textEcho("4a"))},
		{"a middle that is empty", begin("4a") + more("") + last("b"), frames(textEcho("4ab"))},
		{"all empty, in binary", clientFrame(opBinary, "") + more("") + last(""), frames(frame{opBinary, ""})},
		{"all empty, which is no Engine.IO packet", begin("") + more("") + last(""), frames(frame{opClose, ""})},
		{"a hundred of a byte", begin("4") + strings.Repeat(more("a"), 100) + last(""), frames(textEcho("4" + strings.Repeat("a", 100)))},
		{"two messages", begin("4a") + last("b") + begin("4c") + last("d"), frames(textEcho("4ab"), textEcho("4cd"))},
		{"a whole message behind", begin("4a") + last("b") + text("4c"), frames(textEcho("4ab"), textEcho("4c"))},
		{"long ones", begin("4"+long) + more(long) + last("z"), frames(textEcho("4" + long + long + "z"))},
		{"a short one and a long one", begin("4") + last(long), frames(textEcho("4" + long))},
		{"a long one and a ping", begin("4"+long) + ping("p") + last(long), frames(pongTo("p"), textEcho("4"+long+long))},
		{"ping between", begin("4a") + ping("p") + last("b"), frames(pongTo("p"), textEcho("4ab"))},
		{"pings between many", begin("4a") + ping("p") + more("b") + ping("q") + more("c") + ping("r") + last("d"),
			frames(pongTo("p"), pongTo("q"), pongTo("r"), textEcho("4abcd"))},
		{"pong between", begin("4a") + clientFrame(bitFinal|opPong, "p") + last("b"), frames(textEcho("4ab"))},
		{"close between", begin("4a") + clientFrame(frameClose, "\x03\xe8") + last("b"), frames(closed(1000))},
		{"a last without a first", last("4a"), frames(closed(1002))},
		{"a middle without a first", more("4a"), frames(closed(1002))},
		{"a last without a first, empty", last(""), frames(closed(1002))},
		{"a last behind a whole message", text("4a") + last("b"), frames(textEcho("4a"), closed(1002))},
		{"a last behind a last", begin("4a") + last("b") + last("c"), frames(textEcho("4ab"), closed(1002))},
		{"a middle behind a last", begin("4a") + last("b") + more("c"), frames(textEcho("4ab"), closed(1002))},
		{"a last behind a ping", ping("p") + last("b"), frames(pongTo("p"), closed(1002))},
		{"a text inside of a text", begin("4a") + text("4b"), frames(closed(1002))},
		{"a binary inside of a text", begin("4a") + clientFrame(frameBinary, "b"), frames(closed(1002))},
		{"a text inside of a binary", clientFrame(opBinary, "a") + text("4b"), frames(closed(1002))},
		{"a first inside of a text", begin("4a") + begin("4b") + last("c"), frames(closed(1002))},
		{"a first inside of a text, behind a middle", begin("4a") + more("b") + begin("4c"), frames(closed(1002))},
		{"a text inside of a long one", begin("4"+long) + text("4b"), frames(closed(1002))},
		{"as much as may be", begin("4"+third) + more(third) + last(third[:suiteLimit-1-2*len(third)]),
			frames(textEcho("4" + strings.Repeat("x", suiteLimit-1)))},
		{"a byte too many", begin("4"+third) + more(third) + last(third+"xx"), frames(closed(1009))},
		{"too many by what the last claims", begin("4") + clientFrameOf(bitFinal, suiteLimit, ""), frames(closed(1009))},
		{"too many by what a middle claims", begin("4") + clientFrameOf(0, 1<<40, ""), frames(closed(1009))},
		{"too many behind a long one", begin("4"+long) + clientFrameOf(0, suiteLimit-len(long), ""), frames(closed(1009))},
	})
}
