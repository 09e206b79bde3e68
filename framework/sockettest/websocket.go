package sockettest

import (
	"bufio"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// Opcodes of RFC 6455, section 5.2. The polling transport uses the two of
// messages as well: to Engine.IO a text and a binary message are the same thing
// on both.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// maxFrame bounds what a broken length field can make the client allocate.
const maxFrame = 256 << 20

// frame is one Engine.IO packet, or one WebSocket control frame.
type frame struct {
	op   byte
	data []byte
}

func textFrame(s string) frame { return frame{op: opText, data: []byte(s)} }

// webSocket is the client's side of one WebSocket, without extensions.
type webSocket struct {
	conn net.Conn
	br   *bufio.Reader
}

// upgrade sends req with the headers of a WebSocket handshake. A refusal by the
// server is returned as its answer; err is for what is no HTTP, or no proper
// acceptance.
func upgrade(conn net.Conn, req *http.Request, timeout time.Duration) (ws *webSocket, answer *response, err error) {
	conn.SetDeadline(time.Now().Add(timeout))
	defer conn.SetDeadline(time.Time{})

	var nonce [16]byte
	rand.Read(nonce[:])
	key := base64.StdEncoding.EncodeToString(nonce[:])
	for name, value := range map[string]string{
		"Connection":            "Upgrade",
		"Upgrade":               "websocket",
		"Sec-Websocket-Version": "13",
		"Sec-Websocket-Key":     key,
	} {
		if req.Header.Get(name) == "" {
			req.Header.Set(name, value)
		}
	}
	if err := req.Write(conn); err != nil {
		return nil, nil, fmt.Errorf("send the websocket handshake: %w", err)
	}
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, req)
	if err != nil {
		return nil, nil, fmt.Errorf("read the answer to the websocket handshake: %w", err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		answer, err := readResponse(resp)
		return nil, answer, err
	}
	if err := checkAccepted(resp.Header, req.Header.Get("Sec-Websocket-Key")); err != nil {
		return nil, nil, err
	}
	return &webSocket{conn: conn, br: br}, &response{status: resp.StatusCode, header: resp.Header}, nil
}

// checkAccepted holds the 101 against RFC 6455, section 4.1.
func checkAccepted(h http.Header, key string) error {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	accept := base64.StdEncoding.EncodeToString(sum[:])
	switch {
	case !strings.EqualFold(h.Get("Upgrade"), "websocket"):
		return fmt.Errorf("the 101 has Upgrade %q, want \"websocket\"", h.Get("Upgrade"))
	case !strings.EqualFold(h.Get("Connection"), "upgrade"):
		return fmt.Errorf("the 101 has Connection %q, want \"Upgrade\"", h.Get("Connection"))
	case h.Get("Sec-Websocket-Accept") != accept:
		return fmt.Errorf("the 101 has Sec-WebSocket-Accept %q, want %q", h.Get("Sec-Websocket-Accept"), accept)
	case h.Get("Sec-Websocket-Extensions") != "":
		return fmt.Errorf("the 101 has the extensions %q, which nobody offered", h.Get("Sec-Websocket-Extensions"))
	}
	return nil
}

// read returns the next message or control frame. A connection that ended
// between two frames is ended("eof").
func (ws *webSocket) read() ([]frame, error) {
	f, err := readMessage(ws.br)
	if err == nil {
		return []frame{f}, nil
	}
	var violation *frameError
	if errors.As(err, &violation) {
		return nil, err
	}
	return nil, ended("eof")
}

// write sends each frame by itself, as browsers do. A failure is not reported
// here: the reader sees the end as well, and knows more about it.
func (ws *webSocket) write(frames []frame) error {
	for _, f := range frames {
		if _, err := ws.conn.Write(appendFrame(nil, f)); err != nil {
			return nil
		}
	}
	return nil
}

func (ws *webSocket) close() { ws.conn.Close() }

// appendFrame appends f as one unfragmented, masked frame.
func appendFrame(b []byte, f frame) []byte {
	const final, masked = 0x80, 0x80
	b = append(b, final|f.op)
	switch n := len(f.data); {
	case n < 126:
		b = append(b, masked|byte(n))
	case n <= 0xFFFF:
		b = append(b, masked|126)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b = append(b, masked|127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	var key [4]byte
	rand.Read(key[:])
	b = append(b, key[:]...)
	for i, c := range f.data {
		b = append(b, c^key[i%4])
	}
	return b
}

// frameError is a violation of RFC 6455 by the server.
type frameError struct{ text string }

func (e *frameError) Error() string { return "websocket: " + e.text }

func violation(format string, args ...any) error {
	return &frameError{fmt.Sprintf(format, args...)}
}

// readMessage reads one control frame, or one message with all its fragments.
// A control frame between two fragments is rare enough to be refused: no
// Engine.IO server fragments its messages.
func readMessage(br *bufio.Reader) (frame, error) {
	f, final, err := readFrame(br)
	if err != nil {
		return frame{}, err
	}
	if f.op == opContinuation {
		return frame{}, violation("a continuation without a beginning")
	}
	for !final {
		next, last, err := readFrame(br)
		if err != nil {
			return frame{}, err
		}
		if next.op != opContinuation {
			return frame{}, violation("opcode %#x inside a fragmented message", next.op)
		}
		if len(f.data)+len(next.data) > maxFrame {
			return frame{}, violation("a message of more than %d bytes", maxFrame)
		}
		f.data = append(f.data, next.data...)
		final = last
	}
	if f.op == opText && !utf8.Valid(f.data) {
		return frame{}, violation("a text message that is not UTF-8: %q", clip(string(f.data)))
	}
	return f, nil
}

func readFrame(br *bufio.Reader) (f frame, final bool, err error) {
	var head [2]byte
	if _, err := io.ReadFull(br, head[:]); err != nil {
		return frame{}, false, err
	}
	f.op, final = head[0]&0x0F, head[0]&0x80 != 0
	length := uint64(head[1] & 0x7F)
	switch {
	case head[0]&0x70 != 0:
		return frame{}, false, violation("reserved bits are set in %#x", head[0])
	case head[1]&0x80 != 0:
		return frame{}, false, violation("a masked frame from a server")
	case f.op > opBinary && f.op < opClose, f.op > opPong:
		return frame{}, false, violation("unknown opcode %#x", f.op)
	case f.op >= opClose && (!final || length > 125):
		return frame{}, false, violation("a control frame that is fragmented or too long")
	}

	var extended [8]byte
	switch length {
	case 126:
		if _, err := io.ReadFull(br, extended[:2]); err != nil {
			return frame{}, false, err
		}
		if length = uint64(binary.BigEndian.Uint16(extended[:2])); length < 126 {
			return frame{}, false, violation("a length of %d in two bytes", length)
		}
	case 127:
		if _, err := io.ReadFull(br, extended[:]); err != nil {
			return frame{}, false, err
		}
		if length = binary.BigEndian.Uint64(extended[:]); length <= 0xFFFF {
			return frame{}, false, violation("a length of %d in eight bytes", length)
		}
	}
	if length > maxFrame {
		return frame{}, false, violation("a frame of %d bytes", length)
	}
	// Grows with what really comes, so that a length alone allocates nothing.
	f.data, err = io.ReadAll(io.LimitReader(br, int64(length)))
	if err == nil && uint64(len(f.data)) < length {
		err = io.ErrUnexpectedEOF
	}
	return f, final, err
}

// closeCode is what a close frame says: its status, or 1005 for none.
func closeCode(data []byte) int {
	if len(data) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(data))
}
