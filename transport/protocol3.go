package transport

import (
	"encoding/base64"
	"net/http"
	"time"

	"github.com/parlor-go/parlor/transport/internal/payload"
)

// What Engine.IO protocol v3 has different, for clients that Options.AllowEIO3 lets
// in: who pings, how payloads look, and binary packets with their type in front.

// negotiate notes how the client that opens s speaks.
func (s *Session) negotiate(r *http.Request) {
	if !s.engine.opts.AllowEIO3 {
		return
	}
	s.v3 = parameter(r.URL.RawQuery, "EIO") == "3"
	s.base64 = s.v3 && parameter(r.URL.RawQuery, "b64") != ""
}

// Protocol returns the version of Engine.IO that the client speaks, 3 or 4.
func (s *Session) Protocol() int {
	if s.v3 {
		return 3
	}
	return 4
}

// shape gives c the form that the client wants on the WebSocket that r asks for: with
// b64 binary messages are text. In forms other than that of v4 nothing is compressed,
// whatever has been agreed on.
func (s *Session) shape(c *conn, r *http.Request) {
	asText := parameter(r.URL.RawQuery, "b64") != ""
	switch {
	case s.v3 && asText:
		c.form = formBase64V3
	case s.v3:
		c.form = formV3
	case asText:
		c.form = formBase64
	}
}

// binaryAs returns frames with binary messages in one of the forms that have them
// otherwise: base64, or in protocol v3 with their type in front.
func (f form) binaryAs(frames []byte) []byte {
	if !hasBinary(frames) {
		return frames
	}
	mark := "b"
	if f == formBase64V3 {
		mark = "b4"
	}
	var dst []byte
	for len(frames) > 0 {
		opcode, data, rest := nextFrame(frames)
		switch {
		case opcode != frameBinary:
			dst = append(dst, frames[:len(frames)-len(rest)]...)
		case f == formV3:
			dst = append(appendHeader(dst, frameBinary, 1+len(data)), 4)
			dst = append(dst, data...)
		default:
			dst = append(appendHeader(dst, frameText, len(mark)+base64.StdEncoding.EncodedLen(len(data))), mark...)
			dst = base64.StdEncoding.AppendEncode(dst, data)
		}
		frames = rest
	}
	return dst
}

// hasBinary tells whether there is a binary message among frames.
func hasBinary(frames []byte) bool {
	for len(frames) > 0 {
		opcode, _, rest := nextFrame(frames)
		if opcode == frameBinary {
			return true
		}
		frames = rest
	}
	return false
}

// receiveBinaryV3 handles a binary WebSocket message.
func (s *Session) receiveBinaryV3(data []byte) {
	p, err := payload.DecodeBinaryV3(data)
	if err != nil {
		_ = s.violation(ReasonParseError, err)
		return
	}
	s.deliver(p.Data, true)
}

// decode decodes a packet of a WebSocket's that is no plain text.
func (s *Session) decode(packet []byte) (payload.Packet, error) {
	if s.v3 {
		return payload.DecodeV3(packet)
	}
	return payload.Decode(packet)
}

// encodeV3 appends the payload of b to dst: text unless something binary is in it and
// the client takes that as it is.
func (b *batch) encodeV3(dst []byte, asText bool) (encoded []byte, binary bool) {
	for _, p := range b.packets[:b.n] {
		binary = binary || p.binary && !asText
	}
	for _, p := range b.packets[:b.n] {
		switch {
		case binary:
			dst = payload.AppendBinaryV3(dst, p.binary, p.data)
		case p.binary:
			dst = payload.AppendBase64V3(dst, p.data)
		default:
			dst = payload.AppendTextV3(dst, p.data)
		}
	}
	return dst, binary
}

// encodeAnswer appends what r is answered with to dst.
func (s *Session) encodeAnswer(dst []byte, b *batch, r *http.Request) (body []byte, contentType string) {
	if !s.engine.opts.AllowEIO3 {
		return b.encode(dst), plainText
	}
	index := parameter(r.URL.RawQuery, "j")
	contentType = plainText
	if s.v3 {
		binary := false
		if dst, binary = b.encodeV3(dst, s.base64 || index != ""); binary {
			contentType = "application/octet-stream"
		}
	} else {
		dst = b.encode(dst)
	}
	if index != "" {
		return appendScript(nil, index, dst), "text/javascript; charset=UTF-8"
	}
	return dst, contentType
}

// nextPacket takes the first packet off a payload, as payload.Next does.
type nextPacket func(body []byte) (p payload.Packet, rest []byte, more bool, err error)

// decoder returns the payload in the body of a POST, and what takes it apart.
func (s *Session) decoder(r *http.Request, body []byte) ([]byte, nextPacket) {
	if !s.engine.opts.AllowEIO3 {
		return body, payload.Next
	}
	if parameter(r.URL.RawQuery, "j") != "" {
		body = formPayload(body)
	}
	switch {
	case !s.v3:
		return body, payload.Next
	case isBinary(r.Header.Get("Content-Type")):
		return body, payload.NextBinaryV3
	default:
		return body, payload.NextV3
	}
}

// The client pings, the server answers: Engine.IO protocol v3, "Transports". The
// heartbeat of such a session is one long wait for the next ping.

var packetPong = newPacket("3")

// ping handles a client's ping.
func (s *Session) ping() {
	s.mu.Lock()
	if !s.ended.Load() {
		s.setBeat(s.patience())
	}
	s.mu.Unlock()
	_ = s.Send(packetPong) // a client that is gone needs none
}

// patience is how long the heartbeat waits for the client: to answer a ping, or in
// protocol v3 to send one, within PingInterval+PingTimeout of the last, less what
// untilPing takes off for the wheel.
func (s *Session) patience() time.Duration {
	if s.v3 {
		return s.untilPing() + s.engine.opts.PingTimeout
	}
	return s.engine.opts.PingTimeout
}
