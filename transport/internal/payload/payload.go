// Package payload is the encoding of several packets in one HTTP body, Engine.IO
// protocol v4, "HTTP long-polling": packets are separated by the record separator,
// and binary messages are base64 behind a "b".
package payload

import (
	"bytes"
	"encoding/base64"
	"errors"
	"unicode/utf8"
)

const separator = 0x1e

// ErrInvalid says that something is not an Engine.IO packet.
var ErrInvalid = errors.New("transport: invalid packet")

// AppendText appends a textual packet, type digit included, to the payload in dst.
func AppendText(dst, packet []byte) []byte {
	return append(appendSeparator(dst), packet...)
}

// AppendBinary appends a binary message to the payload in dst.
func AppendBinary(dst, data []byte) []byte {
	dst = append(appendSeparator(dst), 'b')
	return base64.StdEncoding.AppendEncode(dst, data)
}

func appendSeparator(dst []byte) []byte {
	if len(dst) > 0 {
		dst = append(dst, separator)
	}
	return dst
}

// Packet is a decoded packet.
type Packet struct {
	Type   byte   // '0' to '6'
	Binary bool   // a binary message; Type is '4'
	Data   []byte // without the type
}

// Next takes the first packet off body. more tells whether there is another one in
// rest, which may be empty even so. Data may be part of body.
func Next(body []byte) (p Packet, rest []byte, more bool, err error) {
	packet, rest, more := bytes.Cut(body, []byte{separator})
	p, err = Decode(packet)
	return p, rest, more, err
}

// Decode decodes a textual packet, or a binary message in base64.
func Decode(packet []byte) (Packet, error) {
	if len(packet) == 0 {
		return Packet{}, ErrInvalid
	}
	typ, data := packet[0], packet[1:]
	if typ == 'b' {
		return decodeBase64(data)
	}
	if typ < '0' || typ > '6' || !utf8.Valid(data) {
		return Packet{}, ErrInvalid
	}
	return Packet{Type: typ, Data: data}, nil
}

// decodeBase64 decodes a binary message. Some clients leave the padding out.
func decodeBase64(data []byte) (Packet, error) {
	raw, err := base64.RawStdEncoding.AppendDecode(nil, bytes.TrimRight(data, "="))
	if err != nil {
		return Packet{}, ErrInvalid
	}
	return Packet{Type: '4', Binary: true, Data: raw}, nil
}
