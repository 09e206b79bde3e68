package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/lxzan/gws"
)

// The control frames of WebSocket are answered here. gws would answer a ping without
// its payload, each close code but the application's own with 1000, and have a look at
// the text of errors when it closes by itself.

// maxControl is how long the payload of a control frame may be, in bytes.
const maxControl = 125

var errHalfCode = errors.New("transport: a close frame has half a status code")

// control reads the payload of a control frame, and answers. An error ends the
// connection: at the client's wish it is a *gws.CloseError.
func (c *conn) control(h head) error {
	frame := make([]byte, 2+h.size)
	frame[0], frame[1] = bitFinal|opPong, byte(h.size)
	payload := frame[2:]
	if err := c.readFull(payload); err != nil {
		return err
	}
	unmask(payload, h.key)
	switch h.first & bitsOpcode {
	case opPing: // RFC 6455 section 5.5.3
		_, err := c.Write(frame)
		return err
	case opClose:
		return c.closedByPeer(payload)
	}
	return nil
}

// closedByPeer answers a close frame with its own status code, RFC 6455 section 5.5.1,
// unless it answers one itself.
func (c *conn) closedByPeer(payload []byte) error {
	closed := &gws.CloseError{}
	switch {
	case len(payload) == 1:
		return c.breakOff(closeProtocol, errHalfCode)
	case len(payload) > 1:
		closed.Code, closed.Reason = binary.BigEndian.Uint16(payload), payload[2:]
		if !mayClose(closed.Code) {
			return c.breakOff(closeProtocol, fmt.Errorf("transport: a close frame has status code %d", closed.Code))
		}
		if !utf8.Valid(closed.Reason) {
			return c.breakOff(closeInvalid, errors.New("transport: the reason in a close frame is not UTF-8"))
		}
		return c.breakOff(closed.Code, closed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state < connEnding {
		c.put(closeFrame, nil)
		c.state = connEnding
	}
	return closed
}

// mayClose tells whether a close frame may have that status code: those of RFC 6455
// section 7.4, and 1012 to 1014, which are registered with IANA.
func mayClose(code uint16) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014:
		return true
	default:
		return code >= 3000 && code <= 4999
	}
}

// unmask takes the mask off a payload, or a part that begins where the key does.
func unmask(data []byte, key [4]byte) {
	for i := range data {
		data[i] ^= key[i&3]
	}
}
