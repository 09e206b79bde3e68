package framework_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// Clients that send bytes, whatever they are.

// lines are the head of an HTTP request.
func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n\r\n" }

// rawHTTP is a connection that speaks HTTP/1.1 as badly as a test wants.
type rawHTTP struct {
	a      *arena
	t      *testing.T
	conn   net.Conn
	br     *bufio.Reader
	method string
	v3     bool // the last request was of Engine.IO 3
}

func (a *arena) http(t *testing.T) *rawHTTP {
	t.Helper()
	conn := a.dial(t)
	return &rawHTTP{a: a, t: t, conn: conn, br: bufio.NewReader(conn)}
}

// send sends what stands there; the server need not read it.
func (c *rawHTTP) send(raw string) {
	c.method, _, _ = strings.Cut(raw, " ")
	c.v3 = strings.Contains(raw, "EIO=3")
	go func() { _, _ = io.WriteString(c.conn, raw) }()
}

func (c *rawHTTP) query() string {
	if c.v3 {
		return "EIO=3"
	}
	return "EIO=4"
}

// answer reads a response: "400 body", or "eof" if there is none. An open packet is
// "open", and its session id is returned.
func (c *rawHTTP) answer() (text, sid string, header http.Header) {
	c.t.Helper()
	res, err := http.ReadResponse(c.br, &http.Request{Method: c.method})
	if err != nil {
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			c.t.Fatal("the server neither answered nor hung up")
		}
		return "eof", "", nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("body of the answer: %v", err)
	}
	text = fmt.Sprintf("%d %s", res.StatusCode, body)
	if before, rest, ok := strings.Cut(string(body), `0{"sid":"`); ok && (before == "" || strings.HasSuffix(before, ":")) {
		sid, _, _ = strings.Cut(rest, `"`)
		c.a.hides(sid)
		c.a.polled(&pollClient{a: c.a, t: c.t, query: c.query(), sid: sid})
		text = fmt.Sprintf("%d open", res.StatusCode)
	}
	return strings.TrimSpace(text), sid, res.Header
}

// pollClient is a client that polls, a connection a request, joined to "/".
type pollClient struct {
	a     *arena
	t     *testing.T
	query string
	sid   string
}

// poll opens a session; query is "EIO=4" or the like.
func (a *arena) poll(t *testing.T, query string) *pollClient {
	t.Helper()
	p := &pollClient{a: a, t: t, query: query}
	c := a.http(t)
	c.send(lines("GET /socket.io/?transport=polling&"+query+" HTTP/1.1", "Host: parlor.test"))
	text, sid, _ := c.answer()
	if sid == "" {
		t.Fatalf("handshake: got %s", text)
	}
	p.sid = sid
	if !c.v3 {
		p.post("40")
		p.get()
		return p
	}
	p.post(p.packet(alivePacket)) // it is put into "/" unasked, some time
	for text = ""; !strings.HasSuffix(text, aliveAnswer); text = p.get() {
		if strings.HasPrefix(text, "4") {
			t.Fatalf("poll: got %s", text)
		}
	}
	return p
}

func (p *pollClient) target() string {
	return "/socket.io/?transport=polling&" + p.query + "&sid=" + p.sid
}

// get polls.
func (p *pollClient) get() string {
	p.t.Helper()
	c := p.a.http(p.t)
	c.send(lines("GET "+p.target()+" HTTP/1.1", "Host: parlor.test"))
	text, _, _ := c.answer()
	return text
}

// post sends a body.
func (p *pollClient) post(body string) string {
	p.t.Helper()
	c := p.a.http(p.t)
	c.send(p.request(body))
	text, _, _ := c.answer()
	return text
}

func (p *pollClient) request(body string, headers ...string) string {
	head := append([]string{"POST " + p.target() + " HTTP/1.1", "Host: parlor.test", fmt.Sprint("Content-Length: ", len(body))}, headers...)
	return lines(head...) + body
}

// leave ends the session.
func (p *pollClient) leave() { p.post(p.packet("1")) }

// packet is a packet as a payload.
func (p *pollClient) packet(text string) string {
	if strings.Contains(p.query, "EIO=3") {
		return fmt.Sprintf("%d:%s", len(text), text)
	}
	return text
}

// rawWS is a WebSocket client that sends any frames.
type rawWS struct {
	a    *arena
	t    *testing.T
	conn net.Conn
	br   *bufio.Reader
}

const wsKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

// wsLines are a WebSocket handshake.
func wsLines(query string, headers ...string) string {
	head := []string{"GET /socket.io/?transport=websocket&" + query + " HTTP/1.1", "Host: parlor.test",
		"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", wsKey}
	return lines(append(head, headers...)...)
}

// webSocket makes the handshake and reads no packet.
func (a *arena) webSocket(t *testing.T, query string, headers ...string) *rawWS {
	t.Helper()
	w := &rawWS{a: a, t: t, conn: a.dial(t)}
	w.br = bufio.NewReader(w.conn)
	go func() { _, _ = io.WriteString(w.conn, wsLines(query, headers...)) }()
	res, err := http.ReadResponse(w.br, nil)
	if err != nil || res.StatusCode != 101 {
		t.Fatalf("websocket handshake: %v %v", res, err)
	}
	return w
}

// open makes a WebSocket session and reads its open packet.
func (a *arena) open(t *testing.T, query string) *rawWS {
	t.Helper()
	w := a.webSocket(t, query)
	packet := w.read()
	if !strings.HasPrefix(packet, `0{"sid":"`) {
		t.Fatalf("got %q, want the open packet", packet)
	}
	a.hides(packet[len(`0{"sid":"`):][:20])
	return w
}

// deflating makes a WebSocket session on which messages may be compressed.
func (a *arena) deflating(t *testing.T) *rawWS {
	t.Helper()
	w := a.webSocket(t, "EIO=4", "Sec-WebSocket-Extensions: permessage-deflate")
	w.read()
	return w
}

// joined makes a WebSocket session that has joined "/".
func (a *arena) joined(t *testing.T, query string) *rawWS {
	t.Helper()
	w := a.open(t, query)
	if !strings.Contains(query, "EIO=3") {
		w.write(text("40"))
	}
	if got := w.read(); !strings.HasPrefix(got, "40") {
		t.Fatalf("joining: got %q", got)
	}
	return w
}

// write sends bytes; the server need not take them.
func (w *rawWS) write(frames ...string) {
	all := strings.Join(frames, "")
	if len(all) < 4096 {
		_, _ = io.WriteString(w.conn, all)
		return
	}
	go func() { _, _ = io.WriteString(w.conn, all) }()
}

// read reads a frame: its text, or "binary ..." and so on, "close 1002 ..." for a close
// frame, and "eof" for the end.
func (w *rawWS) read() string {
	var head [10]byte
	if _, err := io.ReadFull(w.br, head[:2]); err != nil {
		return w.over(err)
	}
	n := uint64(head[1])
	switch n {
	case 126:
		_, _ = io.ReadFull(w.br, head[2:4])
		n = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		_, _ = io.ReadFull(w.br, head[2:10])
		n = binary.BigEndian.Uint64(head[2:])
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(w.br, data); err != nil {
		return w.over(err)
	}
	switch head[0] {
	case 0x81:
		if path, _, ok := strings.Cut(string(data), `{"sid":"`); ok && strings.HasPrefix(path, "40") {
			return path + "{sid}" // it is another one each time
		}
		return string(data)
	case 0x82:
		return "binary " + string(data)
	case 0x88:
		if n < 2 {
			return "close 1005"
		}
		return strings.TrimSpace(fmt.Sprintf("close %d %s", binary.BigEndian.Uint16(data), data[2:]))
	case 0x89:
		return "ping " + string(data)
	case 0x8a:
		return "pong " + string(data)
	}
	return fmt.Sprintf("frame %x %q", head[0], data)
}

func (w *rawWS) over(err error) string {
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		w.t.Error("the server neither answered nor hung up")
	}
	return "eof"
}

// readAll reads up to and with the frame last, or the end.
func (w *rawWS) readAll(last string) []string {
	var all []string
	for len(all) < 1000 {
		got := w.read()
		all = append(all, got)
		if strings.HasPrefix(got, "close ") {
			_, _ = io.WriteString(w.conn, rawFrame(0x88, true, ""))
			return all
		}
		if got == last || got == "eof" {
			return all
		}
	}
	return all
}

// alive has an echo served behind what was sent.
const (
	alivePacket = `42987["echo","alive"]`
	aliveAnswer = `43987["alive"]`
)

// rawFrame is a frame of a client: first is FIN, reserved bits and opcode.
func rawFrame(first byte, masked bool, data string) string {
	b := []byte{first}
	mask := byte(0)
	if masked {
		mask = 0x80
	}
	switch n := len(data); {
	case n < 126:
		b = append(b, mask|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n))
	}
	if masked {
		b = append(b, 0, 0, 0, 0) // masks nothing
	}
	return string(b) + data
}

func text(data string) string { return rawFrame(0x81, true, data) }
func bin(data string) string  { return rawFrame(0x82, true, data) }

// texts are several text frames.
func texts(list ...string) string {
	all := ""
	for _, s := range list {
		all += text(s)
	}
	return all
}

// sameAnswers compares what came with what was to come.
func sameAnswers(t *testing.T, got, want []string) {
	t.Helper()
	short := func(list []string) string {
		var b strings.Builder
		for _, s := range list {
			fmt.Fprintf(&b, "\n    %.300s", s)
		}
		return b.String()
	}
	if len(got) != len(want) {
		t.Errorf("got%s\nwant%s", short(got), short(want))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got%s\nwant%s", short(got), short(want))
			return
		}
	}
}

// attack is a case that no table of bytes can say: what it is to be answered with, it
// checks itself.
type attack struct {
	name  string
	setup arenaSetup
	do    func(t *testing.T, a *arena)
}

// attackName is for names.
func attackName(c attack) string { return c.name }

// within fails the test unless d is between least and most.
func within(t *testing.T, what string, d, least, most time.Duration) {
	t.Helper()
	if d < least || d > most {
		t.Errorf("%s: got %v, want %v to %v", what, d, least, most)
	}
}

// reasons that the tables name often.
const (
	closedByParse  = framework.ParseError
	closedByPacket = framework.ForcedClose
	closedByState  = framework.ForcedServerClose
	closedByError  = framework.TransportError
)
