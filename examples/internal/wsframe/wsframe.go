// Package wsframe is the framing of a WebSocket client that is a load generator: it
// costs little, and it checks what servers send.
package wsframe

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// WebSocket opcodes (RFC 6455, section 5.2).
const (
	Continuation = 0x0
	Text         = 0x1
	Binary       = 0x2
	Close        = 0x8
	Ping         = 0x9
	Pong         = 0xA
)

// MaxMessage bounds what a server may send in one message, in bytes.
const MaxMessage = 16 << 20

// Append appends a client's frame. It masks with zeros, which is allowed
// and leaves the payload as it is, so that frames can be made once and patched.
func Append(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(dst, 0x80|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	return append(append(dst, 0, 0, 0, 0), payload...)
}

// OfText is the frame of a text.
func OfText(text string) []byte { return Append(nil, Text, []byte(text)) }

// Reader takes a server's bytes as they come and finds the messages in them. The
// zero value is ready.
type Reader struct {
	rest     []byte // the beginning of a frame
	parts    []byte // of a message in several frames
	partsOp  byte
	inParts  bool
	received int // messages, for error texts
}

// Feed calls each for every whole message and control frame in what has come so
// far. The payload is only valid during the call.
func (r *Reader) Feed(data []byte, each func(opcode byte, payload []byte) error) error {
	joined := len(r.rest) > 0
	if joined {
		r.rest = append(r.rest, data...)
		data = r.rest
	}
	for {
		head, size, err := frameSize(data)
		if err != nil {
			return fmt.Errorf("after %d messages: %w", r.received, err)
		}
		if head == 0 || len(data) < head+size {
			break
		}
		if err := r.frame(data[0], data[head:head+size], each); err != nil {
			return err
		}
		data = data[head+size:]
	}
	switch {
	case len(data) == 0:
		r.rest = r.rest[:0]
	case joined:
		r.rest = r.rest[:copy(r.rest, data)]
	default:
		r.rest = append(r.rest[:0], data...)
	}
	return nil
}

// frameSize returns the lengths of header and payload; a header of 0 is not whole yet.
func frameSize(data []byte) (head, size int, err error) {
	if len(data) < 2 {
		return 0, 0, nil
	}
	if data[0]&0x70 != 0 {
		return 0, 0, errors.New("the server sets reserved bits, so it compresses though it was not asked to")
	}
	if data[1]&0x80 != 0 {
		return 0, 0, errors.New("the server masks its frames")
	}
	head, size = 2, int(data[1])
	switch size {
	case 126:
		if len(data) < 4 {
			return 0, 0, nil
		}
		head, size = 4, int(binary.BigEndian.Uint16(data[2:]))
	case 127:
		if len(data) < 10 {
			return 0, 0, nil
		}
		long := binary.BigEndian.Uint64(data[2:])
		if long > MaxMessage {
			return 0, 0, fmt.Errorf("the server sends a frame of %d bytes", long)
		}
		head, size = 10, int(long)
	}
	return head, size, nil
}

func (r *Reader) frame(first byte, payload []byte, each func(byte, []byte) error) error {
	final, opcode := first&0x80 != 0, first&0x0f
	if opcode >= Close {
		return each(opcode, payload)
	}
	if r.inParts != (opcode == Continuation) {
		return fmt.Errorf("after %d messages: a frame with opcode %d inside or outside of a fragmented message", r.received, opcode)
	}
	if opcode != Continuation {
		if final {
			r.received++
			return each(opcode, payload)
		}
		r.inParts, r.partsOp = true, opcode
	}
	if len(r.parts)+len(payload) > MaxMessage {
		return fmt.Errorf("the server sends a message of more than %d bytes", MaxMessage)
	}
	r.parts = append(r.parts, payload...)
	if !final {
		return nil
	}
	message := r.parts
	r.inParts, r.parts = false, nil
	r.received++
	return each(r.partsOp, message)
}
