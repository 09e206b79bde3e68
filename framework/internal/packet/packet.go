// Package packet reads and writes Socket.IO packets (protocol v5, "Packet
// encoding"): the header of a text message and the JSON array behind it. The
// values inside the array stay raw; package codec decodes them.
package packet

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/parlor-go/parlor/transport"
)

// Type is a packet's first character.
type Type byte

// The packet types of protocol v5.
const (
	Connect      Type = '0'
	Disconnect   Type = '1'
	Event        Type = '2'
	Ack          Type = '3'
	ConnectError Type = '4'
	BinaryEvent  Type = '5'
	BinaryAck    Type = '6'
)

// Packet is a decoded header. Its slices point into the decoded message.
type Packet struct {
	Type        Type
	Attachments int    // binary messages that follow
	Namespace   []byte // "/" when the packet names none
	ID          uint64
	HasID       bool
	Data        []byte // the JSON behind the header, not yet validated; nil without one
}

var root = []byte("/")

// Decode reads a packet's header and checks that its shape fits its type. The
// payload is only looked at by its first byte; Split and Valid check the rest.
func Decode(b []byte, maxAttachments int) (Packet, error) {
	if len(b) == 0 {
		return Packet{}, errors.New("packet is empty")
	}
	p := Packet{Type: Type(b[0]), Namespace: root}
	if p.Type < Connect || p.Type > BinaryAck {
		return Packet{}, fmt.Errorf("unknown packet type %q", b[0])
	}
	b = b[1:]

	if p.Type == BinaryEvent || p.Type == BinaryAck {
		n, rest, ok := digits(b)
		if !ok || len(rest) == 0 || rest[0] != '-' {
			return Packet{}, errors.New("binary packet without a number of attachments")
		}
		if n > uint64(maxAttachments) {
			return Packet{}, TooMany(n, maxAttachments)
		}
		p.Attachments, b = int(n), rest[1:]
	}

	if len(b) > 0 && b[0] == '/' {
		end := 0
		for end < len(b) && b[end] != ',' {
			end++
		}
		p.Namespace = b[:end]
		b = b[min(end+1, len(b)):]
	}

	if len(b) > 0 && '0' <= b[0] && b[0] <= '9' {
		id, rest, ok := digits(b)
		if !ok {
			return Packet{}, errors.New("ack id is too long")
		}
		p.ID, p.HasID, b = id, true, rest
	}
	if len(b) > 0 {
		p.Data = b
	}
	return p, p.Check()
}

// TooMany is the error of a packet with n attachments.
func TooMany(n uint64, maxAttachments int) error {
	return &transport.LimitError{Option: "MaxAttachments",
		Detail: fmt.Sprintf("%d attachments in a packet, %d are the most", n, maxAttachments)}
}

// Check holds the payload against what the packet's type may carry.
func (p *Packet) Check() error {
	switch p.Type {
	case Event, BinaryEvent, Ack, BinaryAck:
		if len(p.Data) == 0 || p.Data[0] != '[' {
			return errors.New("payload is not an array")
		}
		if (p.Type == Ack || p.Type == BinaryAck) && !p.HasID {
			return errors.New("ack without an id")
		}
	case Disconnect:
		if p.Data != nil {
			return errors.New("disconnect packet with a payload")
		}
	}
	return nil
}

// digits reads a decimal number of up to 18 digits, so that it fits an int64.
func digits(b []byte) (n uint64, rest []byte, ok bool) {
	i := 0
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		if i == 18 {
			return 0, nil, false
		}
		n = n*10 + uint64(b[i]-'0')
	}
	return n, b[i:], i > 0
}

// Head is what AppendHeader writes.
type Head struct {
	Type        Type // Event and Ack turn into their binary forms when there are attachments
	Attachments int
	Namespace   string
	ID          uint64
	HasID       bool
}

// MaxHeader is the room that a header takes beyond its namespace: type,
// attachments and their dash, the comma, the id.
const MaxHeader = 1 + 20 + 1 + 1 + 20

// AppendHeader appends the header of a packet; the payload follows it.
func AppendHeader(dst []byte, h Head) []byte {
	t := h.Type
	if h.Attachments > 0 {
		t += BinaryEvent - Event
	}
	dst = append(dst, byte(t))
	if h.Attachments > 0 {
		dst = strconv.AppendInt(dst, int64(h.Attachments), 10)
		dst = append(dst, '-')
	}
	if h.Namespace != "/" {
		dst = append(dst, h.Namespace...)
		dst = append(dst, ',')
	}
	if h.HasID {
		dst = strconv.AppendUint(dst, h.ID, 10)
	}
	return dst
}

// Reserved tells whether name is one that no event may carry (protocol v5,
// "Event").
func Reserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
