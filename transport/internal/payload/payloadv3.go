package payload

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// Engine.IO protocol v3 puts the length of each packet in front of it. A payload is
// text, "<length>:<packet>", the length in UTF-16 units and binary messages in base64
// behind "b4"; or it is binary: a byte 0 for text or 1, the digits of the length as
// bytes 0 to 9, a byte 255, and as many bytes. Binary messages have their type in
// front there, as a byte.

const (
	typeMessage = 4   // of a binary packet
	lengthEnd   = 255 // behind a length in a binary payload
)

// AppendTextV3 appends a textual packet, type digit included, to the text payload in
// dst.
func AppendTextV3(dst, packet []byte) []byte {
	dst = strconv.AppendInt(dst, int64(units(packet)), 10)
	return append(append(dst, ':'), packet...)
}

// AppendBase64V3 appends a binary message to the text payload in dst.
func AppendBase64V3(dst, data []byte) []byte {
	dst = strconv.AppendInt(dst, int64(2+base64.StdEncoding.EncodedLen(len(data))), 10)
	dst = append(dst, ':', 'b', '4')
	return base64.StdEncoding.AppendEncode(dst, data)
}

// AppendBinaryV3 appends a packet to the binary payload in dst: a textual one, type
// digit included, or a binary message.
func AppendBinaryV3(dst []byte, binary bool, packet []byte) []byte {
	length, kind := len(packet), byte(0)
	if binary {
		length, kind = length+1, 1
	}
	dst = append(dst, kind)
	digits := len(dst)
	dst = strconv.AppendInt(dst, int64(length), 10)
	for i := range dst[digits:] {
		dst[digits+i] -= '0'
	}
	dst = append(dst, lengthEnd)
	if binary {
		dst = append(dst, typeMessage)
	}
	return append(dst, packet...)
}

// NextV3 is Next for a text payload of v3.
func NextV3(body []byte) (p Packet, rest []byte, more bool, err error) {
	n, rest, ok := length(body, '0', ':')
	if !ok {
		return Packet{}, nil, false, ErrInvalid
	}
	end, ok := endOf(rest, n)
	if !ok {
		return Packet{}, nil, false, ErrInvalid
	}
	p, err = DecodeV3(rest[:end])
	return p, rest[end:], end < len(rest), err
}

// NextBinaryV3 is Next for a binary payload of v3.
func NextBinaryV3(body []byte) (p Packet, rest []byte, more bool, err error) {
	if len(body) == 0 || body[0] > 1 {
		return Packet{}, nil, false, ErrInvalid
	}
	n, rest, ok := length(body[1:], 0, lengthEnd)
	if !ok {
		return Packet{}, nil, false, ErrInvalid
	}
	if body[0] == 0 {
		p, err = DecodeV3(rest[:n])
	} else {
		p, err = DecodeBinaryV3(rest[:n])
	}
	return p, rest[n:], n < len(rest), err
}

// DecodeV3 is Decode for v3, whose base64 has the packet's type in front.
func DecodeV3(packet []byte) (Packet, error) {
	if len(packet) == 0 || packet[0] != 'b' {
		return Decode(packet)
	}
	if len(packet) == 1 || packet[1] != '0'+typeMessage {
		return Packet{}, ErrInvalid
	}
	return decodeBase64(packet[2:])
}

// DecodeBinaryV3 decodes a binary packet, which is a message behind its type.
func DecodeBinaryV3(packet []byte) (Packet, error) {
	if len(packet) == 0 || packet[0] != typeMessage {
		return Packet{}, ErrInvalid
	}
	return Packet{Type: '4', Binary: true, Data: packet[1:]}, nil
}

// length reads a length, whose digits count from zero and end with the byte end. It
// is not ok if the rest cannot be as long as that: nothing is done on the word of it.
func length(b []byte, zero, end byte) (n int, rest []byte, ok bool) {
	for i, c := range b {
		if c == end {
			rest = b[i+1:]
			return n, rest, i > 0 && n <= len(rest)
		}
		digit := c - zero // far above 9 for what is less
		if digit > 9 {
			break
		}
		if n = n*10 + int(digit); n > len(b) {
			break
		}
	}
	return 0, nil, false
}

// units returns the length of b in UTF-16 units. A range over string(b) would do, but
// copies b.
func units(b []byte) int {
	n := 0
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		n += unitsOf(r)
		b = b[size:]
	}
	return n
}

// endOf returns where the first n UTF-16 units of b end. It is not ok if there are
// not as many, or if that is in the middle of a surrogate pair.
func endOf(b []byte, n int) (end int, ok bool) {
	for n > 0 && end < len(b) {
		r, size := utf8.DecodeRune(b[end:])
		n -= unitsOf(r)
		end += size
	}
	return end, n == 0
}

func unitsOf(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}
