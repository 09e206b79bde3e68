package framework

import (
	"errors"
	"fmt"
	"math"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/framework/parser"
	"github.com/parlor-go/parlor/transport"
)

// shown is the event that a message is.
type shown struct {
	message *transport.Message
	event   string
	args    Args
}

// show reads back an event that was sent.
func (f *feed) show(m *transport.Message) shown {
	if f.shown.message == m {
		return f.shown
	}
	f.shown = shown{message: m}
	if err := f.shown.read(&f.srv.opts); err != nil { // such as: nested deeper than is read here
		f.shown.args = Args{err: fmt.Errorf("framework: what was sent: %w", err)}
	}
	return f.shown
}

func (s *shown) read(o *Options) (err error) {
	defer func() {
		if v := recover(); v != nil { // a parser need not bear what it has made
			err = fmt.Errorf("parser panicked: %s", textOf(v))
		}
	}()
	data, attachments, err := o.dataOf(s.message)
	if err != nil {
		return err
	}
	s.event = string(packet.PeekName(data))
	elems, err := packet.Split(data, nil, packet.MostDepth)
	if err != nil {
		return err
	}
	if len(elems) == 0 {
		return errors.New("no event")
	}
	name, err := packet.EventName(elems[0])
	s.event, s.args = string(name), Args{elems: elems[1:], attachments: attachments}
	return err
}

// dataOf returns the JSON of the packet that m is, and its attachments.
func (o *Options) dataOf(m *transport.Message) (data []byte, attachments [][]byte, err error) {
	text, binary := m.Parts()
	if o.Parser == nil {
		p, err := packet.Decode(text, len(binary))
		return p.Data, binary, err
	}
	decoder := o.Parser.NewDecoder(math.MaxInt)
	var p parser.Packet
	complete := false
	if text != nil {
		p, complete, err = decoder.Decode(text, false)
	}
	for _, b := range binary {
		if err != nil {
			return nil, nil, err
		}
		p, complete, err = decoder.Decode(b, true)
	}
	if err == nil && !complete {
		err = errors.New("incomplete packet")
	}
	return p.Data, p.Attachments, err
}
