package framework

import (
	"bytes"
	"net/url"

	"github.com/parlor-go/parlor/framework/internal/codec"
	"github.com/parlor-go/parlor/framework/internal/packet"
)

// Socket.IO protocol v4 is what clients of Engine.IO 3 speak, see
// transport.Options.AllowEIO3. It differs from v5 in how namespaces are joined: the
// server puts each client into "/" unasked, the payload of a CONNECT packet is a query
// behind the namespace, its answer has none, and a refusal is data of any kind.

// protocol4 tells whether the client speaks protocol v4.
func (c *conn) protocol4() bool { return c.session.Protocol() == 3 }

// joinRoot puts a new client into "/", where protocol v4 has everybody.
func (c *conn) joinRoot() {
	_ = c.join(packet.Packet{Type: packet.Connect, Namespace: []byte("/")}) // nothing is wrong with that packet
}

// connectOfV4 returns p as protocol v5 has it: what was asked for with a query is
// asked for with an object of strings, in which the last of a name counts.
func connectOfV4(p packet.Packet) packet.Packet {
	path, query, found := bytes.Cut(p.Namespace, []byte("?"))
	p.Namespace, p.Data = path, nil
	if !found {
		return p
	}
	values, _ := url.ParseQuery(string(query)) // what cannot be read is left out
	auth := make(map[string]string, len(values))
	for name, list := range values {
		auth[name] = list[len(list)-1]
	}
	p.Data, _, _ = codec.Append(nil, nil, auth) // strings do not fail
	return p
}

// socketID makes the id of a client's socket in a namespace. Clients of protocol v4
// are not told it: they make one of the session's id, as the reference server does.
func (c *conn) socketID(ns *namespace) string {
	switch {
	case !c.protocol4():
		return newID()
	case ns.path == "/":
		return c.session.ID()
	default:
		return ns.path + "#" + c.session.ID()
	}
}

// connectPacket makes the packet that tells the client that it is accepted.
func (s *Socket) connectPacket() (packet.Head, []byte) {
	if s.conn.protocol4() {
		return packet.Head{Type: packet.Connect, Namespace: s.ns.path}, nil
	}
	return connectPacket(s)
}

// refusal returns the payload of the packet that tells the client that it is not.
func (c *conn) refusal(e *Error) any {
	switch {
	case !c.protocol4():
		return e
	case e.Data != nil:
		return e.Data
	default:
		return e.Message
	}
}
