package framework

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/parlor-go/parlor/framework/internal/codec"
	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/transport"
)

// encoded is a packet on its way out, in buffers that are used again. Who sends it
// copies it.
type encoded struct {
	buf         []byte
	text        []byte   // the packet's, in buf; nil if another parser made only attachments
	attachments [][]byte // the caller's bytes
}

var encodedPool = sync.Pool{New: func() any { return new(encoded) }}

const (
	maxScratch = 64 << 10 // bytes, the capacity up to which a buffer is kept for others
	maxKept    = 64       // the same for a list of attachments
)

// encode makes a packet whose header, which counts the attachments, is written in
// front of the array once that is there. It is to be released, unless err is not nil
// or encoding panicked.
func encode(o *Options, head packet.Head, event string, args []any) (*encoded, error) {
	p := encodedPool.Get().(*encoded)
	room := packet.MaxHeader + len(head.Namespace)
	p.buf = append(slices.Grow(p.buf[:0], room)[:room], '[')
	if head.Type != packet.Ack {
		p.buf = codec.AppendString(p.buf, event)
	}
	if err := p.append(o.Codec, args, head.Type == packet.Ack); err != nil {
		p.release()
		return nil, err
	}
	p.buf = append(p.buf, ']')
	if o.Parser != nil {
		if err := p.parse(o.Parser, head, p.buf[room:]); err != nil {
			p.release()
			return nil, err
		}
		return p, nil
	}

	head.Attachments = len(p.attachments)
	var scratch [packet.MaxHeader + 64]byte
	header := packet.AppendHeader(scratch[:0], head)
	p.text = p.buf[room-len(header):]
	copy(p.text, header)
	return p, nil
}

// append appends values to the array; first says that nothing is in it yet.
func (p *encoded) append(c Codec, values []any, first bool) (err error) {
	if len(values) == 1 {
		if a, ok := values[0].(Args); ok { // its placeholders already count from 0
			p.buf = a.appendTo(p.buf, first)
			p.attachments = append(p.attachments, a.attachments...)
			return a.err
		}
	}
	for i, v := range values {
		if i > 0 || !first {
			p.buf = append(p.buf, ',')
		}
		if p.buf, p.attachments, err = appendValue(c, p.buf, p.attachments, v); err != nil {
			return fmt.Errorf("encode argument %d: %w", i, err)
		}
	}
	return nil
}

// message makes of p what can be sent to many, and releases it.
func (p *encoded) message() *transport.Message {
	defer p.release()
	return transport.NewMessage(p.text, p.attachments...)
}

func (p *encoded) release() {
	p.text = nil
	clear(p.attachments[:cap(p.attachments)]) // what a failed encoder left behind them too
	p.attachments = p.attachments[:0]
	if cap(p.buf) <= maxScratch && cap(p.attachments) <= maxKept {
		encodedPool.Put(p)
	}
}

// encodeEvent makes an EVENT packet; an id of 0 asks for no ack.
func (n *namespace) encodeEvent(event string, id uint64, args []any) (*transport.Message, error) {
	if err := checkEvent(event); err != nil {
		return nil, err
	}
	p, err := encode(&n.srv.opts, packet.Head{Type: packet.Event, Namespace: n.path, ID: id, HasID: id != 0}, event, args)
	if err != nil {
		return nil, emitError(event, err)
	}
	return p.message(), nil
}

// checkEvent tells whether an event may be called so.
func checkEvent(event string) error {
	if event == "" {
		return errors.New("framework: emit: an event needs a name")
	}
	if packet.Reserved(event) {
		return emitError(event, ErrReservedEvent)
	}
	return nil
}

// encode makes the packet that answers a's event.
func (a *Ack) encode(args []any) (*encoded, error) {
	ns := a.socket.ns
	p, err := encode(&ns.srv.opts, packet.Head{Type: packet.Ack, Namespace: ns.path, ID: a.id, HasID: true}, "", args)
	if err != nil {
		return nil, fmt.Errorf("framework: ack %q: %w", a.event, err)
	}
	return p, nil
}
