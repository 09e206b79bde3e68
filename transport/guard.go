package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// What a client sends on a WebSocket is looked at here, frame by frame, before gws
// sees it. gws v1.9.1 panics over a length that is negative as an int64, makes room
// for as much as a frame claims to be, and takes some errors for others. Here a frame
// that must not be ends the connection with the code that RFC 6455 has for it, what
// was not sent yet takes no memory worth speaking of, and gws gets frames of messages
// only, well formed, and in the right order; it unmasks and joins them.

// head is the head of a frame of a client's, RFC 6455 section 5.2.
type head struct {
	first byte    // FIN, reserved bits, opcode
	key   [4]byte // that the payload is masked with
	size  int     // of the payload, in bytes
}

// The head of a masked frame is so long, in bytes.
const (
	minHead = 6
	maxHead = 14
)

// The bits of a frame's first two bytes, and the first opcode of control frames.
const (
	bitFinal    = 0x80
	bitsUnknown = 0x70
	bitsOpcode  = 0x0f
	bitMasked   = 0x80

	firstControl = 0x8
)

// Opcodes, RFC 6455 section 5.2.
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
)

// unfinished is a message of which more is to come. Few connections are in the middle
// of one at any time: the others do without.
type unfinished struct {
	first byte // of its first frame
	size  int  // by the heads of its frames so far

	// The frame that gws gets in pieces, if there is one.
	rest  int  // what no piece has announced yet
	final byte // bitFinal if it is the message's last
	key   [4]byte
}

// Sizes of what gws is told of at once, in bytes: it makes room for that. They are
// multiples of 4, so that a frame's mask begins anew with each piece, and minPiece with
// the 4 that gws adds for itself is a size that it pools.
const (
	minPiece = 16<<10 - 4
	maxPiece = 1<<30 - 4
)

// roomFactor is how much gws may be told of, by what has arrived: a multiple of 4 too.
// To join pieces costs it more than twice what they are, so there must be few.
const roomFactor = 4

// Close codes, RFC 6455 section 7.4.1.
const (
	closeProtocol = 1002
	closeInvalid  = 1007
	closeTooLarge = 1009
	closeTryLater = 1013
)

var (
	errReservedBits = errors.New("transport: reserved bits of a WebSocket frame are set")
	errReserved     = errors.New("transport: a WebSocket frame has a reserved opcode")
	errNotMasked    = errors.New("transport: a client's WebSocket frame is not masked")
	errControl      = errors.New("transport: a control frame of WebSocket is in fragments, or longer than 125 bytes")
	errNoMessage    = errors.New("transport: a WebSocket frame continues a message that has not begun")
	errInMessage    = errors.New("transport: a WebSocket message begins inside of another")
	errNegative     = errors.New("transport: the length of a WebSocket frame is negative")
)

// tooLong is what a client is closed with whose message is longer than limit bytes.
func tooLong(limit int) *LimitError {
	return &LimitError{"MaxPayload", fmt.Sprintf("a message on a WebSocket is longer than %d bytes", limit)}
}

// Read reads for gws: heads of frames, each with one call, and their payloads. At the
// beginning of a frame p must have room for a head; gws reads through a bufio.Reader,
// which sees to that. The goroutine of an idle client waits in here, so what has much
// on the stack is called when there is something to read, see serve.
func (c *conn) Read(p []byte) (int, error) {
	for c.piece == 0 {
		begun := 0
		if !c.hasPiece() {
			var err error
			if begun, err = c.receiveBytes(p[:minHead]); err != nil {
				return 0, err
			}
			if begun == minHead && c.isShort(p) {
				c.piece = uint32(p[1] &^ bitMasked)
				return minHead, nil
			}
		}
		if n, err := c.passHead(p, begun); n > 0 || err != nil {
			return n, err
		}
	}
	n, err := c.receiveBytes(p[:min(len(p), int(c.piece))])
	c.piece -= uint32(n)
	return n, err
}

// isShort tells whether p begins with the head of a short message in one frame, as most
// are: passHead would find nothing to do.
func (c *conn) isShort(p []byte) bool {
	return (p[0] == frameText || p[0] == frameBinary) && p[1] >= bitMasked && p[1] < bitMasked|126 &&
		c.begun == nil && int(p[1]&^bitMasked) <= c.session.engine.opts.MaxPayload
}

// passHead is nextFrame that puts into p what gws gets to see: nothing of control
// frames.
//
//go:noinline
func (c *conn) passHead(p []byte, begun int) (int, error) {
	h, err := c.nextFrame(p, begun)
	if err != nil || h.control() {
		return 0, err
	}
	return len(h.append(p[:0])), nil
}

// append appends the head as it goes on to gws.
func (h head) append(dst []byte) []byte {
	second := len(dst) + 1
	dst = appendHeader(dst, h.first, h.size)
	dst[second] |= bitMasked
	return append(dst, h.key[:]...)
}

// control tells whether the frame is none of a message.
func (h head) control() bool { return h.first&bitsOpcode >= firstControl }

// hasPiece tells whether gws gets another piece of a frame whose head has been read.
func (c *conn) hasPiece() bool { return c.begun != nil && c.begun.rest > 0 }

// nextFrame returns the head of a frame of a message, or of the next piece of one,
// whose payload Read reads then. A control frame has been handled by then. If hasPiece
// did not report true, the first bytes of a head have been read to buf, which is used
// for the rest of it: so many have begun it, from 1 to minHead.
func (c *conn) nextFrame(buf []byte, begun int) (head, error) {
	if c.hasPiece() {
		return c.comesIn(c.nextPiece(0))
	}
	h, err := c.readHead(buf, begun)
	if err == nil && h.size > minPiece {
		err = c.awaitFirst()
	}
	switch {
	case err != nil:
		return head{}, err
	case h.control():
		return h, c.control(h)
	default:
		return c.comesIn(c.nextOfMessage(h))
	}
}

// readHead reads the rest of a frame's head, and ends the connection if it is none.
func (c *conn) readHead(buf []byte, begun int) (head, error) {
	if begun < 2 {
		if err := c.readFull(buf[begun:2]); err != nil {
			return head{}, err
		}
		begun = 2
	}
	if err := c.checkHead(buf[0], buf[1]); err != nil {
		return head{}, c.breakOff(closeProtocol, err)
	}
	size := uint64(buf[1] &^ bitMasked)
	n := 2
	switch size {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if begun < n+4 {
		if err := c.readFull(buf[begun : n+4]); err != nil {
			return head{}, err
		}
	}
	switch size {
	case 126:
		size = uint64(binary.BigEndian.Uint16(buf[2:]))
	case 127:
		size = binary.BigEndian.Uint64(buf[2:])
	}
	if int64(size) < 0 {
		return head{}, c.breakOff(closeProtocol, errNegative)
	}
	if limit, room := c.mayTake(buf[0]); size > uint64(room) {
		return head{}, c.breakOff(closeTooLarge, tooLong(limit))
	}
	return head{first: buf[0], key: [4]byte(buf[n:]), size: int(size)}, nil
}

// checkHead checks the first two bytes of a frame.
func (c *conn) checkHead(first, second byte) error {
	opcode, bits := first&bitsOpcode, first&bitsUnknown
	if c.inflates && (opcode == opText || opcode == opBinary) && c.begun == nil {
		bits &^= frameDeflated // it stands on the first frame of a message, RFC 7692 section 6.1
	}
	switch {
	case bits != 0:
		return errReservedBits
	case second&bitMasked == 0:
		return errNotMasked
	case opcode > opPong || opcode > opBinary && opcode < firstControl:
		return errReserved
	case opcode >= firstControl && (first&bitFinal == 0 || second&^bitMasked > maxControl):
		return errControl
	case opcode == 0 && c.begun == nil:
		return errNoMessage
	case opcode != 0 && opcode < firstControl && c.begun != nil:
		return errInMessage
	}
	return nil
}

// mayTake returns how long a message may be, and how much of that is left for a frame
// that begins with first. What is random gets longer by being compressed, if only a
// little; how long it is when inflated is seen then.
func (c *conn) mayTake(first byte) (limit, room int) {
	limit = c.session.engine.opts.MaxPayload
	room = limit
	taken := 0
	if c.begun != nil && first&bitsOpcode == 0 {
		first, taken = c.begun.first, c.begun.size
	}
	if first&frameDeflated != 0 {
		room += limit>>8 + 64
	}
	return limit, room - taken
}

// nextOfMessage notes a frame of a message, and returns what gws gets to see of it.
func (c *conn) nextOfMessage(h head) head {
	final := h.first & bitFinal
	if c.begun == nil && final != 0 && h.size <= minPiece { // most are of this kind
		c.piece = uint32(h.size)
		return h
	}
	if c.begun == nil {
		c.begun = &unfinished{first: h.first}
	}
	c.begun.size += h.size
	if h.size > minPiece {
		c.begun.rest, c.begun.final, c.begun.key = h.size, final, h.key
		return c.nextPiece(h.first &^ bitFinal)
	}
	if final != 0 {
		c.begun = nil
	}
	c.piece = uint32(h.size)
	return h
}

// awaitFirst returns when the first minPiece bytes of a long frame are there, and has
// Read read them again.
func (c *conn) awaitFirst() error {
	if err := c.makesRoom(int(c.coming)<<10 + minPiece); err != nil {
		return err
	}
	first := make([]byte, minPiece)
	if err := c.readFull(first); err != nil {
		return err
	}
	if c.early != nil {
		first = append(first, c.early.read...)
	}
	c.early = &early{read: first}
	return nil
}

// nextPiece returns the head of the next piece of a long frame, of a size that suits
// what has arrived of the message: gws makes room for it before it arrives. first is
// that of the frame for its first piece, without bitFinal, else 0.
func (c *conn) nextPiece(first byte) head {
	u := c.begun
	n := min(maxPiece, roomFactor*max(minPiece, u.size-u.rest))
	if u.rest <= n {
		n = u.rest
		first |= u.final
	}
	u.rest -= n
	h := head{first: first, key: u.key, size: n}
	if first&bitFinal != 0 {
		c.begun = nil
	}
	c.piece = uint32(n)
	return h
}

// comesIn counts what gws makes room for: a message as far as it is there, and the piece
// of it that h announces. Most are too short to count.
func (c *conn) comesIn(h head) (head, error) {
	n := int(c.coming)<<10 + h.size
	if c.begun != nil {
		n = c.begun.size - c.begun.rest
	}
	if n < 1<<10 {
		return h, nil
	}
	return h, c.makesRoom(n)
}

// makesRoom counts that a message which is under way takes n bytes by now.
func (c *conn) makesRoom(n int) error {
	from := int(c.coming) << 10
	c.coming = uint16(min(n>>10, math.MaxUint16))
	if err := c.session.underWay(from, int(c.coming)<<10); err != nil {
		return c.breakOff(closeTryLater, err)
	}
	return nil
}

// cameIn ends what makesRoom began.
func (c *conn) cameIn() {
	if c.coming > 0 {
		_ = c.session.underWay(int(c.coming)<<10, 0)
		c.coming = 0
	}
}

// readFull reads all of p, or fails.
func (c *conn) readFull(p []byte) error {
	for len(p) > 0 {
		n, err := c.receiveBytes(p)
		if p = p[n:]; err != nil && len(p) > 0 {
			return err
		}
	}
	return nil
}

// breakOff closes the WebSocket with a code, for what the client has sent. It returns
// err, for the reader.
func (c *conn) breakOff(code uint16, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state < connEnding {
		c.put([]byte{frameClose, 2, byte(code >> 8), byte(code)}, nil)
		c.state = connEnding
	}
	return err
}
