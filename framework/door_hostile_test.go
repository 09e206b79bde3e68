package framework_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hostile is who comes with a script.
type hostile struct {
	t        *testing.T
	door     *door
	listener *pipeListener
	server   *http.Server
	conns    [3]*hostileConn // nil where none has been opened
	past     []*hostileConn
	sids     []string // that it was given
	deflate  bool     // frames may be compressed
}

// doings are what a hostile client does, all zeros at their end.
type doings struct{ rest []byte }

func (s *doings) next() (b byte) {
	if len(s.rest) > 0 {
		b, s.rest = s.rest[0], s.rest[1:]
	}
	return b
}

// text is a length and as many bytes.
func (s *doings) text() string {
	n := min(int(s.next()), len(s.rest))
	text := string(s.rest[:n])
	s.rest = s.rest[n:]
	return text
}

func pick[T any](s *doings, list []T) T { return list[int(s.next())%len(list)] }

// The things to do.
const (
	doRequest = iota // connection, method, path, protocol, transport, session, extras, headers; with POST length, body
	doUpgrade        // connection, protocol, session, key, version, extras
	doFrame          // connection, first byte, form of the length, payload
	doRaw            // connection, text
	doClose          // connection
	doStall          // connection
	doResume         // connection
	doSleep          // tenths of a second
	doThings
)

var (
	methods   = []string{"GET", "POST", "OPTIONS", "HEAD", "PUT", "DELETE", "get", "CONNECT", "PRI"}
	paths     = []string{"/socket.io/", "/", "/socket.io/socket.io.js", "/socket.io/../%2e%2e/", "*", "http://other.example/socket.io/"}
	protocols = []string{"EIO=4", "EIO=3", "EIO=5", "", "EIO=4&EIO=3", "EIO=%34", "EIO="}
	ways      = []string{"polling", "websocket", "webtransport", "", "Polling", "polling&transport=websocket"}
	extras    = []string{"", "&j=0", "&j=x", "&b64=1", "&t=abc", "&%zz=%", "&;", "&" + strings.Repeat("x", 5000)}
	headers   = []string{
		"", "Origin: http://example.com\r\n", "Origin: https://evil.example\r\n", "Origin: null\r\n", "Origin: https://a.example.org\r\n",
		"Accept-Encoding: gzip, deflate\r\n", "Content-Type: application/octet-stream\r\n", "Content-Type: application/x-www-form-urlencoded\r\n",
		"Expect: 100-continue\r\n", "Connection: close\r\n", "Transfer-Encoding: gzip\r\n", "Host: other.example\r\n", "Broken header\r\n",
		"Access-Control-Request-Method: POST\r\nOrigin: https://a.example.org\r\n", "Referer: http://example.com/\r\n", "X: " + strings.Repeat("x", 5000) + "\r\n",
		"Upgrade: websocket\r\nConnection: Upgrade\r\n", "Content-Length: -1\r\n", "Sec-Fetch-Site: same-origin\r\n",
	}
	keys = []string{"dGhlIHNhbXBsZSBub25jZQ==", "", "short", "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}

	// How the length of a body is told.
	lengths = []string{"right", "chunked", "more", "less", "none", "huge", "chunked badly"}

	messages = []string{
		"40", `42["echo",1]`, `420["echo",{"a":[true]}]`, "41", "2probe", "5", "1", "2", "3", "6", "0", "", "4", "7",
		`42["shout",1]`, `42["flood"]`, `42["ask"]`, `431["answer"]`, `42["slow"]`, `42["join","r"]`, `42["leave"]`, `421["fail"]`, `422["panic"]`, `423["exit"]`,
		`424["typed","x"]`, `425["typed",1,["a"]]`, `42["unknown"]`, `42["connect"]`, `42[]`, `42{}`, `42`, `43[]`, `44{}`,
		`451-["echo",{"_placeholder":true,"num":0}]`, `4521-["echo"]`, `461-1[{"_placeholder":true,"num":0}]`, "bAQID", "b*", "bAQI=",
		`40/members,{"token":"x"}`, `40/members,`, `40/members,{"token":`, "40/nobody,", "40/room/a,", "40/room/closed,", "40/room/1,", "41/room/a,",
		`42/members,["echo"]`, `40{"pid":"AAAAAAAAAAAAAAAAAAAA","offset":"x.1"}`,
		`42["echo",` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "]", `42["echo","` + strings.Repeat("x", 280) + `"]`,
		`42["` + strings.Repeat("long", 70) + `"]`, "2:40", "1:2", "\x00\x02\xff40", "\x01\x02\xff\x04x", "d=40", "d=2%3A40", "\xff",
	}
	separators = []string{"\x1e", "\n", "&", ""}
)

// body is a list of messages, or any text.
func (s *doings) body() string {
	n := int(s.next())
	if n&7 == 0 {
		return s.text()
	}
	var all []string
	for range n & 7 {
		all = append(all, pick(s, messages))
	}
	return strings.Join(all, separators[n>>3&3])
}

// play does one thing, and reports whether there was one.
func (h *hostile) play(s *doings) bool {
	if len(s.rest) == 0 {
		return false
	}
	what, slot := s.next()%doThings, int(s.next())%len(h.conns)
	if what == doSleep {
		time.Sleep(time.Duration(s.next()%40) * 100 * time.Millisecond)
		return true
	}
	c := h.conn(slot)
	switch what {
	case doRequest:
		h.request(c, s)
	case doUpgrade:
		h.upgrade(c, s)
	case doFrame:
		c.send(frameOf(s.next(), s.next(), s.body()))
	case doRaw:
		c.unclear = true
		c.send([]byte(s.text()))
	case doClose:
		c.close()
	case doStall:
		c.stall()
	case doResume:
		c.resume()
	}
	return true
}

func (h *hostile) conn(slot int) *hostileConn {
	if h.listener == nil {
		h.listener, h.server = h.door.listen()
	}
	if c := h.conns[slot]; c != nil && !c.over() {
		return c
	}
	if c := h.conns[slot]; c != nil {
		h.past = append(h.past, c)
	}
	h.conns[slot] = newHostileConn(h.listener)
	return h.conns[slot]
}

// session is a parameter that names one: none, an unknown one, or one that a hostile
// client was given.
func (h *hostile) session(choice byte) string {
	switch {
	case choice == 0:
		return ""
	case choice == 1 || len(h.sids) == 0:
		return "&sid=AAAAAAAAAAAAAAAAAAAA"
	default:
		return "&sid=" + h.sids[int(choice)%len(h.sids)]
	}
}

func (h *hostile) request(c *hostileConn, s *doings) {
	method, path := pick(s, methods), pick(s, paths)
	query := pick(s, protocols) + "&transport=" + pick(s, ways) + h.session(s.next()) + pick(s, extras)
	head := fmt.Sprintf("%s %s?%s HTTP/1.1\r\nHost: example.com\r\n", method, path, query)
	if h := pick(s, headers); h != "" {
		head += h
		c.unclear = c.unclear || strings.Contains(h, "Transfer-Encoding") || strings.Contains(h, "Content-Length") || strings.Contains(h, "Expect")
	}
	if method != http.MethodPost && method != http.MethodPut {
		c.request(method, head+"\r\n")
		return
	}
	way, body := pick(s, lengths), s.body()
	switch way {
	case "right":
		head += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	case "chunked":
		head += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		if body == "" {
			c.unclear = true
		}
	case "more":
		head += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body)+5, body)
		c.unclear = true
	case "less":
		head += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body)/2, body)
		c.unclear = true
	case "none":
		head += "\r\n" + body
		c.unclear = true
	case "huge":
		head += "Content-Length: 9000000000\r\n\r\n" + body
		c.unclear = true
	default:
		head += "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body
		c.unclear = true
	}
	c.request(method, head)
}

func (h *hostile) upgrade(c *hostileConn, s *doings) {
	query := pick(s, protocols) + "&transport=websocket" + h.session(s.next())
	head := fmt.Sprintf("GET /socket.io/?%s%%s HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", query)
	if key := pick(s, keys); key != "" {
		head += "Sec-WebSocket-Key: " + key + "\r\n"
	}
	version, more := s.next(), s.next()
	if version == 0 {
		head += "Sec-WebSocket-Version: 13\r\n"
	} else {
		head += fmt.Sprintf("Sec-WebSocket-Version: %d\r\n", version)
	}
	extra := ""
	if more&1 != 0 {
		extra = "&b64=1"
	}
	if more&2 != 0 {
		head += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
	}
	if more&4 != 0 {
		head += "Sec-WebSocket-Protocol: a, b\r\n"
	}
	if more&8 != 0 {
		head += "Origin: https://evil.example\r\n"
	}
	text := fmt.Sprintf(head, extra) + "\r\n"
	if more&16 != 0 {
		text += string(frameOf(0x81, 0, "40")) // ahead of the answer
	}
	c.request(http.MethodGet, text)
}

// frameOf is a WebSocket frame that may lie, RFC 6455 section 5.2.
func frameOf(first, form byte, payload string) []byte {
	const masked = 0x80
	b := []byte{first}
	n := len(payload)
	switch form % 8 {
	case 0, 7: // as it should be
		if n < 126 {
			b = append(b, masked|byte(n))
		} else {
			b = binary.BigEndian.AppendUint16(append(b, masked|126), uint16(n))
		}
	case 1:
		b = binary.BigEndian.AppendUint16(append(b, masked|126), uint16(n))
	case 2:
		b = binary.BigEndian.AppendUint64(append(b, masked|127), uint64(n))
	case 3:
		b = binary.BigEndian.AppendUint64(append(b, masked|127), 1<<63|uint64(n))
	case 4:
		return append(append(b, byte(n&127)), payload...) // not masked
	case 5:
		b = append(b, masked|125) // longer than what comes
	case 6:
		b = binary.BigEndian.AppendUint64(append(b, masked|127), 1<<40)
	}
	b = append(b, 0, 0, 0, 0)
	return append(b, payload...)
}

// learn looks for sessions among what has been answered.
func (h *hostile) learn() {
	for _, c := range h.conns {
		if c != nil {
			h.sids = append(h.sids, c.newSIDs()...)
		}
	}
}

// keepSilent leaves all connections open for a while in which nothing is sent, nor read
// by those that stall. The server has to end them by itself.
func (h *hostile) keepSilent() {
	h.t.Helper()
	time.Sleep(patience)
	if n := h.door.srv.ClientsCount(); n != 1 {
		h.t.Errorf("got %d sessions of silent clients", n-1)
	}
	// What the server has written to who did not read is in the way of its end; net/http
	// has no bound for that, and pipes hold nothing.
	for _, c := range h.conns {
		if c != nil {
			c.resume()
		}
	}
	time.Sleep(patience)
	for i, c := range h.conns {
		if c != nil && !c.over() {
			h.t.Errorf("connection %d is still open after silence for %v", i, patience)
		}
	}
}

// leave closes all connections, one way or other.
func (h *hostile) leave() {
	for _, c := range h.conns {
		if c != nil {
			c.close()
			h.past = append(h.past, c)
		}
	}
	if h.listener != nil {
		_ = h.listener.Close()
	}
}

// check judges what was answered, and ends the HTTP server, whose connections are
// closed.
func (h *hostile) check() {
	h.t.Helper()
	if h.server != nil {
		_ = h.server.Close()
	}
	for _, c := range h.past {
		checkAnswers(h.t, c, h.deflate)
	}
}
