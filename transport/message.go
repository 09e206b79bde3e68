package transport

import (
	"encoding/binary"
	"sync/atomic"
)

// Message is one Engine.IO message, or several that belong together: a text and
// the binary attachments that follow it unbroken. It is encoded once and can be
// sent to any number of sessions, on any goroutine; it never changes.
type Message struct {
	// frames are WebSocket frames, one a packet, back to back, as a server sends
	// them: not masked, not fragmented, not compressed. They are the canonical form
	// because a WebSocket takes them as they are; a poll answer takes them apart again.
	frames []byte

	other atomic.Pointer[looks] // nil for most
}

// looks is what a message looks like in other forms, each made when the first session
// needs it.
type looks struct {
	plain bool // it is never compressed

	// Who counts the frames, if they are many, and for how many clients they are kept.
	account atomic.Pointer[account]
	holders atomic.Int64

	made [forms - 1]atomic.Pointer[[]byte]
}

// look returns where the message in a form is to be, which must not be formFrames.
func (m *Message) look(f form) *atomic.Pointer[[]byte] { return &m.looks().made[f-1] }

func (m *Message) looks() *looks {
	l := m.other.Load()
	if l == nil {
		m.other.CompareAndSwap(nil, new(looks))
		l = m.other.Load()
	}
	return l
}

// plain tells whether the message is never to be compressed.
func (m *Message) plain() bool {
	l := m.other.Load()
	return l != nil && l.plain
}

// form is what messages look like on a connection.
type form uint8

const (
	formFrames   form = iota // WebSocket frames of Engine.IO 4, as they stand in a Message
	formStream               // frames of WebTransport
	formDeflate              // frames of which some are compressed: as deflate.frames has them
	formBase64               // frames of Engine.IO 4 for clients that take no binary ones
	formV3                   // frames of Engine.IO 3: binary ones have a type in front
	formBase64V3             // the same for clients that take no binary ones
	forms
)

// as returns the message in a form. It is made once, however many ask.
func (m *Message) as(f form) []byte {
	if f == formFrames {
		return m.frames
	}
	look := m.look(f)
	if b := look.Load(); b != nil {
		return *b
	}
	b := f.encode(m)
	look.Store(&b)
	return b
}

// encode makes another form of a message.
func (f form) encode(m *Message) []byte {
	if f == formStream {
		return encodeStream(m.frames)
	}
	return f.binaryAs(m.frames)
}

// Opcodes of WebSocket frames, RFC 6455 section 5.2, with the FIN bit set.
const (
	frameText   = 0x80 | 0x1
	frameBinary = 0x80 | 0x2
	frameClose  = 0x80 | 0x8
)

// NewMessage makes a message of a text and its attachments. It copies them. With
// attachments and a nil text only those are sent.
//
// Engine.IO protocol v4, "Packet encoding".
func NewMessage(text []byte, attachments ...[]byte) *Message {
	frames := make([]byte, 0, messageSize(text, attachments))
	return &Message{frames: appendMessage(frames, text, attachments)}
}

// Uncompressed returns m as a message that is not worth compressing, or must not be:
// polling answers with only such messages in them and WebSockets with permessage-deflate
// have it as it is. Both share their bytes.
//
// Socket.IO reference server, "compress(false)".
func (m *Message) Uncompressed() *Message {
	plain := &Message{frames: m.frames}
	plain.other.Store(&looks{plain: true})
	return plain
}

// behind returns the part of m that follows its first n bytes, which are whole frames.
func (m *Message) behind(n int) *Message {
	rest := &Message{frames: m.frames[n:]}
	if m.plain() {
		return rest.Uncompressed()
	}
	return rest
}

// Len returns the size of the message on a WebSocket, in bytes.
func (m *Message) Len() int { return len(m.frames) }

// messageSize returns how long the frames of a message are.
func messageSize(text []byte, attachments [][]byte) int {
	size := 0
	if text != nil || len(attachments) == 0 { // a message has a frame
		size += frameSize(1 + len(text))
	}
	for _, a := range attachments {
		size += frameSize(len(a))
	}
	return size
}

// appendMessage appends the frames of a message.
func appendMessage(dst, text []byte, attachments [][]byte) []byte {
	if text != nil || len(attachments) == 0 {
		dst = append(appendHeader(dst, frameText, 1+len(text)), '4')
		dst = append(dst, text...)
	}
	for _, a := range attachments {
		dst = append(appendHeader(dst, frameBinary, len(a)), a...)
	}
	return dst
}

// newPacket makes a message of a text packet of any type, its type digit included.
func newPacket(packet string) *Message {
	frames := appendHeader(make([]byte, 0, frameSize(len(packet))), frameText, len(packet))
	return &Message{frames: append(frames, packet...)}
}

// packetPing is the same for every session.
var packetPing = newPacket("2")

// closeFrame is a close frame without a status code, as the reference server sends it.
var closeFrame = []byte{frameClose, 0}

// frameSize returns how long a frame with a payload of n bytes is.
func frameSize(n int) int {
	switch {
	case n < 126:
		return 2 + n
	case n < 1<<16:
		return 4 + n
	default:
		return 10 + n
	}
}

// appendHeader appends the header of a frame with a payload of n bytes.
func appendHeader(dst []byte, opcode byte, n int) []byte {
	switch {
	case n < 126:
		return append(dst, opcode, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, opcode, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, opcode, 127), uint64(n))
	}
}

// nextFrame takes the first frame off frames, which must be as NewMessage makes them.
func nextFrame(frames []byte) (opcode byte, data, rest []byte) {
	header, n := 2, int(frames[1])
	switch n {
	case 126:
		header, n = 4, int(binary.BigEndian.Uint16(frames[2:]))
	case 127:
		header, n = 10, int(binary.BigEndian.Uint64(frames[2:]))
	}
	return frames[0], frames[header : header+n], frames[header+n:]
}
