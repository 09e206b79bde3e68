// Package parser is what stands between Socket.IO packets and the messages that
// a transport carries, for framework.Options.Parser. Clients have to be given
// the same parser, as the option "parser" of the one in JavaScript or
// "serializer" of the one in Python.
//
// Without one the framework uses the parser that every client has: text, with
// binary attachments behind it. Package msgpack is another.
package parser

// Type is a packet's type.
type Type uint8

// The packet types of Socket.IO protocol v5. There are none for packets with
// attachments: Packet.Attachments says that there are some.
const (
	Connect Type = iota
	Disconnect
	Event
	Ack
	ConnectError
)

// Packet is a Socket.IO packet, taken apart.
type Packet struct {
	Type      Type
	Namespace string // "/" or longer
	ID        uint64 // of the ack that is asked for or given
	HasID     bool

	// Data is JSON, nil without any: for an Event an array of the name and the
	// arguments, for an Ack an array of the arguments, for the others an object. Where
	// Attachments[i] belongs there stands {"_placeholder":true,"num":i}, in exactly
	// these bytes.
	Data        []byte
	Attachments [][]byte
}

// Parser makes packets of messages and messages of packets. It must be safe for
// concurrent use.
type Parser interface {
	// NewDecoder makes the decoder of a new connection. No more than maxAttachments
	// are taken in one packet (framework.Options.MaxAttachments).
	NewDecoder(maxAttachments int) Decoder

	// Encode makes the messages that carry p: a text, nil for none, and the binary ones
	// behind it, which are sent unbroken. It must not change what p holds, nor keep it;
	// what it returns may point into it. A packet that goes to many is encoded once.
	Encode(p Packet) (text []byte, binary [][]byte, err error)
}

// Decoder takes what one client sends. It is used by one goroutine at a time.
type Decoder interface {
	// Decode takes a message. It returns a packet, or false while that is not complete.
	// It must not keep data. The packet's Data may be overwritten by the next call, its
	// Attachments are the caller's for ever.
	//
	// An error says that the client broke the protocol, and closes its connection; it may
	// wrap a transport.LimitError. So do
	// a packet of the wrong shape, JSON that is not valid or nested deeper than framework.Options.MaxDepth, and
	// a reserved event name: the framework looks for these itself. A Decoder must let no
	// object that a client sends pass for the place of an attachment.
	Decode(data []byte, binary bool) (p Packet, complete bool, err error)
}
