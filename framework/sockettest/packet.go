package sockettest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The packet types of the Socket.IO protocol, v5, as they stand on the wire.
const (
	kindConnect      = '0'
	kindDisconnect   = '1'
	kindEvent        = '2'
	kindAck          = '3'
	kindConnectError = '4'
	kindBinaryEvent  = '5'
	kindBinaryAck    = '6'
)

// reserved names are no events: clients raise them themselves.
var reserved = []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}

// noID stands for the absence of an ack id.
const noID = -1

// packet is one packet of the server, taken apart.
type packet struct {
	kind        byte
	path        string
	id          int               // ack id, or noID
	name        string            // EVENT: its name
	args        []json.RawMessage // EVENT: what follows the name; ACK: everything
	text        string            // CONNECT: the sid; CONNECT_ERROR: the message
	data        json.RawMessage   // CONNECT_ERROR: what it adds
	pid         string            // CONNECT
	attachments [][]byte          // as they come in
	awaited     int               // how many there are to be
}

// parsePacket takes a text packet of the server apart. It is stricter than a
// client in use would be: what the protocol does not allow is an error here.
func parsePacket(text string) (*packet, error) {
	if text == "" {
		return nil, errors.New("empty packet")
	}
	p := &packet{kind: text[0], path: "/", id: noID}
	rest := text[1:]
	switch p.kind {
	case kindConnect, kindDisconnect, kindEvent, kindAck, kindConnectError:
	case kindBinaryEvent, kindBinaryAck:
		digits, after, found := strings.Cut(rest, "-")
		n, err := number(digits)
		if !found || err != nil || n == 0 {
			return nil, errors.New("want the number of attachments and a dash behind the type")
		}
		p.awaited, rest = n, after
	default:
		return nil, fmt.Errorf("unknown packet type %q", p.kind)
	}
	if strings.HasPrefix(rest, "/") {
		p.path, rest, _ = strings.Cut(rest, ",")
	}
	if end := strings.TrimLeft(rest, "0123456789"); end != rest && p.isMessage() {
		id, err := number(rest[:len(rest)-len(end)])
		if err != nil {
			return nil, fmt.Errorf("ack id: %w", err)
		}
		p.id, rest = id, end
	}
	if err := p.parsePayload(rest); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *packet) isEvent() bool   { return p.kind == kindEvent || p.kind == kindBinaryEvent }
func (p *packet) isAck() bool     { return p.kind == kindAck || p.kind == kindBinaryAck }
func (p *packet) isMessage() bool { return p.isEvent() || p.isAck() }

func (p *packet) parsePayload(payload string) error {
	switch {
	case p.kind == kindDisconnect:
		if payload != "" {
			return fmt.Errorf("DISCONNECT carries %q, want nothing", clip(payload))
		}
		return nil
	case p.kind == kindConnect:
		object, err := p.parseObject(payload, "sid")
		if err == nil && p.text == "" {
			err = errors.New("CONNECT carries an empty sid")
		}
		if err == nil && object["pid"] != nil {
			err = json.Unmarshal(object["pid"], &p.pid)
		}
		return err
	case p.kind == kindConnectError:
		object, err := p.parseObject(payload, "message")
		p.data = object["data"]
		return err
	}

	if err := json.Unmarshal([]byte(payload), &p.args); err != nil {
		return fmt.Errorf("payload of EVENT or ACK: %w", err)
	}
	if p.args == nil {
		return errors.New("EVENT or ACK carries null, want an array")
	}
	if p.isAck() {
		if p.id == noID {
			return errors.New("ACK without an id")
		}
		return nil
	}
	if len(p.args) == 0 {
		return errors.New("EVENT carries an empty array, want the event's name in it")
	}
	if p.args[0][0] != '"' {
		return fmt.Errorf("EVENT begins with %q, want the event's name", clip(string(p.args[0])))
	}
	if err := json.Unmarshal(p.args[0], &p.name); err != nil {
		return fmt.Errorf("name of EVENT: %w", err)
	}
	p.args = p.args[1:]
	if slices.Contains(reserved, p.name) {
		return fmt.Errorf("EVENT has the reserved name %q", p.name)
	}
	return nil
}

// parseObject reads an object whose member key is a string, which becomes
// p.text. A map, unlike a struct, tells "sid" from "SID".
func (p *packet) parseObject(payload, key string) (map[string]json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(payload), &object); err != nil {
		return nil, fmt.Errorf("payload of CONNECT or CONNECT_ERROR: %w", err)
	}
	var text *string
	if err := json.Unmarshal(object[key], &text); err != nil || text == nil {
		return nil, fmt.Errorf("payload %q: want an object with a string %q", clip(payload), key)
	}
	p.text = *text
	return object, nil
}

// number reads a plain decimal number of at most nine digits.
func number(digits string) (int, error) {
	if digits == "" || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("%q is no decimal number of one to nine digits", clip(digits))
	}
	return strconv.Atoi(digits)
}

// encodePacket writes a text packet:
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
func encodePacket(kind byte, attachments int, path string, id int, payload []byte) string {
	b := []byte{kind}
	if attachments > 0 {
		b = strconv.AppendInt(b, int64(attachments), 10)
		b = append(b, '-')
	}
	if path != "/" {
		b = append(b, path...)
		b = append(b, ',')
	}
	if id != noID {
		b = strconv.AppendInt(b, int64(id), 10)
	}
	return string(append(b, payload...))
}

// clip keeps a message readable.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(s[:most], ""), len(s))
}
