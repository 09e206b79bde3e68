package load

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// WebSocket opcodes (RFC 6455, section 5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// maxMessage bounds what a server may send in one message, in bytes.
const maxMessage = 16 << 20

// appendFrame appends a client's frame. It masks with zeros, which is allowed
// and leaves the payload as it is, so that frames can be made once and patched.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
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

func textFrame(text string) []byte { return appendFrame(nil, opText, []byte(text)) }

// frames takes a server's bytes as they come and finds the messages in them. The
// zero value is ready.
type frames struct {
	rest     []byte // the beginning of a frame
	parts    []byte // of a message in several frames
	partsOp  byte
	inParts  bool
	received int // messages, for error texts
}

// feed calls each for every whole message and control frame in what has come so
// far. The payload is only valid during the call.
func (f *frames) feed(data []byte, each func(opcode byte, payload []byte) error) error {
	joined := len(f.rest) > 0
	if joined {
		f.rest = append(f.rest, data...)
		data = f.rest
	}
	for {
		head, size, err := frameSize(data)
		if err != nil {
			return fmt.Errorf("after %d messages: %w", f.received, err)
		}
		if head == 0 || len(data) < head+size {
			break
		}
		if err := f.frame(data[0], data[head:head+size], each); err != nil {
			return err
		}
		data = data[head+size:]
	}
	switch {
	case len(data) == 0:
		f.rest = f.rest[:0]
	case joined:
		f.rest = f.rest[:copy(f.rest, data)]
	default:
		f.rest = append(f.rest[:0], data...)
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
		if long > maxMessage {
			return 0, 0, fmt.Errorf("the server sends a frame of %d bytes", long)
		}
		head, size = 10, int(long)
	}
	return head, size, nil
}

func (f *frames) frame(first byte, payload []byte, each func(byte, []byte) error) error {
	final, opcode := first&0x80 != 0, first&0x0f
	if opcode >= opClose {
		return each(opcode, payload)
	}
	if f.inParts != (opcode == opContinuation) {
		return fmt.Errorf("after %d messages: a frame with opcode %d inside or outside of a fragmented message", f.received, opcode)
	}
	if opcode != opContinuation {
		if final {
			f.received++
			return each(opcode, payload)
		}
		f.inParts, f.partsOp = true, opcode
	}
	if len(f.parts)+len(payload) > maxMessage {
		return fmt.Errorf("the server sends a message of more than %d bytes", maxMessage)
	}
	f.parts = append(f.parts, payload...)
	if !final {
		return nil
	}
	message := f.parts
	f.inParts, f.parts = false, nil
	f.received++
	return each(f.partsOp, message)
}
