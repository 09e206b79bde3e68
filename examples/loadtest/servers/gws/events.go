package main

import (
	"bytes"

	"github.com/lxzan/gws"
)

// events serves a client's WebSocket messages.
type events struct {
	gws.BuiltinEventHandler
	server *server
}

// member is what a connection's session storage holds, under this name.
const member = "member"

// membership is the state of a client that has joined a room or sent an
// attachment; others have none. Only its read loop uses it.
type membership struct {
	rooms  []string
	prefix []byte // of the binary ack whose attachment comes next; nil if none does
}

func (h *events) OnOpen(c *gws.Conn) {
	_ = c.WriteString(h.server.open(h.server.newID()))
}

func (h *events) OnClose(c *gws.Conn, _ error) {
	h.server.rooms.leave(everybody, c)
	for _, room := range state(c).rooms {
		h.server.rooms.leave(room, c)
	}
}

func state(c *gws.Conn) *membership {
	if v, ok := c.Session().Load(member); ok {
		return v.(*membership)
	}
	m := &membership{}
	c.Session().Store(member, m)
	return m
}

func (h *events) OnMessage(c *gws.Conn, message *gws.Message) {
	defer message.Close()
	p := message.Bytes()
	switch {
	case message.Opcode == gws.OpcodeBinary:
		if m := state(c); m.prefix != nil {
			_ = c.WriteMessage(gws.OpcodeText, m.prefix)
			_ = c.WriteMessage(gws.OpcodeBinary, p)
			m.prefix = nil
		}
	case bytes.HasPrefix(p, []byte("42")):
		h.event(c, p[2:])
	case bytes.HasPrefix(p, []byte("451-")):
		id, _ := cutDigits(p[4:])
		m := state(c)
		m.prefix = append(append([]byte("461-"), id...), `[{"_placeholder":true,"num":0}]`...)
	case string(p) == "40":
		h.server.rooms.join(everybody, c)
		_ = c.WriteString(`40{"sid":"` + h.server.newID() + `"}`)
	case string(p) == "41":
		c.NetConn().Close()
	}
}

// event serves [id]["name",...] by slicing it.
func (h *events) event(c *gws.Conn, p []byte) {
	id, args := cutDigits(p)
	name, args, _ := bytes.Cut(args[2:], []byte(`"`))
	args = bytes.TrimPrefix(args, []byte(","))
	switch string(name) {
	case "echo", "raw":
		_ = c.WriteMessage(gws.OpcodeText, ack(id, args))
	case "broadcast":
		h.server.rooms.broadcast(everybody, news(args))
	case "join":
		room := string(bytes.Trim(args, `"]`))
		m := state(c)
		m.rooms = append(m.rooms, room)
		h.server.rooms.join(room, c)
		_ = c.WriteMessage(gws.OpcodeText, ack(id, args))
	case "room":
		room, payload, _ := bytes.Cut(args[1:], []byte(`",`))
		h.server.rooms.broadcast(string(room), news(payload))
	}
}

// ack answers with args, which end with the event's closing bracket.
func ack(id, args []byte) []byte {
	p := make([]byte, 0, len(id)+len(args)+3)
	return append(append(append(append(p, "43"...), id...), '['), args...)
}

func news(args []byte) []byte {
	const prefix = `42["message",`
	return append(append(make([]byte, 0, len(prefix)+len(args)), prefix...), args...)
}

func cutDigits(p []byte) (digits, rest []byte) {
	rest = bytes.TrimLeft(p, "0123456789")
	return p[:len(p)-len(rest)], rest
}
