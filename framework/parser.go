package framework

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/framework/parser"
	"github.com/parlor-go/parlor/transport"
)

// parsedConn is a conn whose packets another parser makes: the session's handler in
// its place, so that those without one carry nothing of it.
type parsedConn struct {
	*conn
	decoder parser.Decoder
	held    int // of a packet that is not complete
}

func (c *conn) parsed(p parser.Parser) *parsedConn {
	return &parsedConn{conn: c, decoder: p.NewDecoder(c.srv.opts.MaxAttachments)}
}

// Message takes one Engine.IO message.
func (c *parsedConn) Message(data []byte, binary bool) {
	if c.broken {
		return
	}
	if c.srv.traffic != nil {
		c.countIn(len(data))
	}
	if err := c.message(data, binary); err != nil {
		c.breakOff(err)
	}
}

func (c *parsedConn) message(data []byte, binary bool) error {
	p, complete, err := c.decoder.Decode(data, binary)
	if err != nil {
		return err
	}
	if !complete {
		c.wait(len(data) + taskOverhead)
		return nil
	}
	if c.held > 0 {
		c.session.Release(c.held) // its event will hold it
		c.arrived()
		c.held = 0
	}
	return c.packet(p)
}

// wait counts a part of a packet against the client's backlog.
func (c *parsedConn) wait(size int) {
	if c.held == 0 {
		c.await()
	}
	c.held += size
	c.session.Hold(size)
}

// Closed also forgets a packet the rest of which will not come.
func (c *parsedConn) Closed(reason transport.Reason, err error) {
	c.session.Release(c.held)
	c.held = 0
	c.conn.Closed(reason, err)
}

// packet checks what the built-in parser would have, and hands it on.
func (c *parsedConn) packet(p parser.Packet) error {
	if p.Type > parser.ConnectError {
		return fmt.Errorf("unknown packet type %d", p.Type)
	}
	if n, most := len(p.Attachments), c.srv.opts.MaxAttachments; n > most {
		return packet.TooMany(uint64(n), most)
	}
	in := packet.Packet{
		Type:      packet.Connect + packet.Type(p.Type),
		Namespace: []byte(p.Namespace),
		ID:        p.ID,
		HasID:     p.HasID,
		Data:      p.Data,
	}
	if err := in.Check(); err != nil {
		return err
	}
	return c.handle(in, p.Attachments)
}

// parse replaces p's packet by what another parser makes of its JSON.
func (p *encoded) parse(with parser.Parser, head packet.Head, data []byte) error {
	text, binary, err := parseOut(with, head, data, p.attachments)
	if err != nil {
		return err
	}
	p.text, p.attachments = text, append(p.attachments[:0], binary...)
	return nil
}

// parseOut encodes a packet. A parser that panics must not do so where a socket is locked.
func parseOut(with parser.Parser, head packet.Head, data []byte, attachments [][]byte) (text []byte, binary [][]byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("parser: %w", &PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	text, binary, err = with.Encode(parser.Packet{
		Type:        parser.Type(head.Type - packet.Connect),
		Namespace:   head.Namespace,
		ID:          head.ID,
		HasID:       head.HasID,
		Data:        data,
		Attachments: attachments,
	})
	if err == nil && text == nil && len(binary) == 0 {
		err = errors.New("parser made no message of a packet")
	}
	return text, binary, err
}

// send sends a packet that is neither an event nor an ack; a client that is gone needs
// none. It may be called under Socket.mu. Where a parser fails, the client would not
// know where it stands, so its connection ends.
func (c *conn) send(head packet.Head, data []byte) {
	m, err := c.srv.opts.message(head, data)
	if err != nil {
		c.session.Abort(transport.ReasonTransportError, err)
		return
	}
	_ = c.sendMessage(m)
}

// message makes a packet that is neither an event nor an ack.
func (o *Options) message(head packet.Head, data []byte) (*transport.Message, error) {
	if o.Parser == nil {
		var scratch [packet.MaxHeader + 128]byte
		return transport.NewMessage(append(packet.AppendHeader(scratch[:0], head), data...)), nil
	}
	text, binary, err := parseOut(o.Parser, head, data, nil)
	if err != nil {
		return nil, fmt.Errorf("framework: %w", err)
	}
	return transport.NewMessage(text, binary...), nil
}
