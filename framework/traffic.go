package framework

import (
	"sync/atomic"

	"github.com/parlor-go/parlor/transport"
)

// Traffic counts what clients send and are sent, since it was made: Engine.IO packets
// that carry messages (each text and each binary attachment is one; pings are none), and
// the bytes in them without framing. What is counted as sent is in the client's buffer.
// It may be read at any time. Give it to Server.Observe; one may serve several servers.
type Traffic struct {
	PacketsIn, BytesIn   atomic.Uint64
	PacketsOut, BytesOut atomic.Uint64
}

func (c *conn) countIn(bytes int) {
	for _, t := range c.srv.traffic {
		t.PacketsIn.Add(1)
		t.BytesIn.Add(uint64(bytes))
	}
}

func (c *conn) countOut(text []byte, attachments [][]byte) {
	packets, bytes := len(attachments), len(text)
	if text != nil {
		packets++
	}
	for _, a := range attachments {
		bytes += len(a)
	}
	for _, t := range c.srv.traffic {
		t.PacketsOut.Add(uint64(packets))
		t.BytesOut.Add(uint64(bytes))
	}
}

// sendMessage queues m for the client; the only error is ErrClosed.
func (c *conn) sendMessage(m *transport.Message) error {
	if c.session.Send(m) != nil {
		return ErrClosed
	}
	if c.srv.traffic != nil {
		c.countOut(m.Parts())
	}
	return nil
}

// sendVolatile sends m if the client can take it right now, and tells whether it did.
func (c *conn) sendVolatile(m *transport.Message) bool {
	sent := c.session.SendVolatile(m)
	if sent && c.srv.traffic != nil {
		c.countOut(m.Parts())
	}
	return sent
}

// appendAck queues what leaves with the next flush; the only error is ErrClosed.
func (c *conn) appendAck(p *encoded) error {
	if c.session.Append(p.text, p.attachments...) != nil {
		return ErrClosed
	}
	if c.srv.traffic != nil {
		c.countOut(p.text, p.attachments)
	}
	return nil
}
