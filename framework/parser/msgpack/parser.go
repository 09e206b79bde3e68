// Package msgpack is the parser of npm's socket.io-msgpack-parser (3.0), which
// python-socketio calls serializer="msgpack": each packet is one binary message,
// a MessagePack map of type, nsp and, where there are any, data and id.
//
// Handlers do not notice. What they are given and emit is as with the built-in
// parser, since the framework's form of arguments is JSON:
//
//   - binary data is bin, and travels in its place instead of behind the packet;
//     what browsers and Node.js make of a typed array (extension 0) is taken too;
//   - a Date arrives as the string that JSON makes of it, "2006-01-02T15:04:05.000Z",
//     which a time.Time takes; what is emitted as a time.Time arrives as a string;
//   - integers of 64 bits keep all their digits, if the client has such integers:
//     a number in JavaScript has 53 bits, and notepack, which that client encodes
//     with, writes whole numbers beyond 64 bits wrongly;
//   - undefined is null, and left out of an object; NaN and the infinities are null.
//
// A client that sends other extensions, strings that are not UTF-8, keys that are
// neither strings nor integers, or a {"_placeholder":true}, which is how the text
// parser writes binary data, breaks the protocol. What is emitted may be nested no
// deeper than with the built-in parser, 1,000.
package msgpack

import (
	"fmt"
	"math"

	"github.com/tinylib/msgp/msgp"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/framework/parser"
)

// Parser is the parser, for framework.Options.Parser.
type Parser struct{}

// NewDecoder implements parser.Parser.
func (Parser) NewDecoder(maxAttachments int) parser.Decoder {
	return &decoder{maxAttachments: maxAttachments}
}

// Encode implements parser.Parser. Data and id are left out where there are none:
// clients take nil for a value.
func (Parser) Encode(p parser.Packet) (text []byte, binary [][]byte, err error) {
	const room = 64 // for what is around the data
	size := room + len(p.Namespace) + len(p.Data)
	for _, b := range p.Attachments {
		size += len(b)
	}
	members := uint32(2)
	if p.Data != nil {
		members++
	}
	if p.HasID {
		members++
	}

	b := msgp.AppendMapHeader(make([]byte, 0, size), members)
	b = msgp.AppendUint64(msgp.AppendString(b, "type"), uint64(p.Type))
	b = msgp.AppendString(msgp.AppendString(b, "nsp"), p.Namespace)
	if p.HasID {
		b = msgp.AppendUint64(msgp.AppendString(b, "id"), p.ID)
	}
	if p.Data != nil {
		if err := packet.Valid(p.Data, packet.MostDepth); err != nil {
			return nil, nil, fmt.Errorf("msgpack: %w", err)
		}
		w := writer{in: p.Data, out: msgp.AppendString(b, "data"), attachments: p.Attachments}
		if err := w.value(); err != nil {
			return nil, nil, fmt.Errorf("msgpack: %w", err)
		}
		b = w.out
	}
	if uint64(len(b)) > math.MaxUint32 {
		return nil, nil, fmt.Errorf("msgpack: packet of %d bytes", len(b))
	}
	return nil, [][]byte{b}, nil
}
