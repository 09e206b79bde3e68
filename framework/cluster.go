package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/internal/codec"
	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/transport"
)

// joinCluster makes the namespace's adapter, if the server is to have one.
func (n *namespace) joinCluster() error {
	if n.srv.opts.NewAdapter == nil {
		return nil
	}
	a, err := n.srv.opts.NewAdapter(local{n})
	if err != nil {
		return fmt.Errorf("framework: adapter of namespace %q: %w", n.path, err)
	}
	n.adapter = a
	if log, ok := a.(adapter.Recovery); ok && n.recovery != nil {
		n.recovery.use(containedStore{log, n})
	}
	if w, ok := a.(adapter.RoomWatcher); ok {
		n.rooms.watch = containedWatcher{w, n}
	}
	return nil
}

// leaveCluster closes the adapter, once.
func (n *namespace) leaveCluster() (err error) {
	if n.adapter == nil {
		return nil
	}
	n.left.Do(func() {
		err = contained(n.adapter.Close)
		if err != nil {
			err = fmt.Errorf("close adapter of namespace %q: %w", n.path, err)
		}
	})
	return err
}

// leaveClusterAsChild is leaveCluster on a worker, who has nobody to tell.
func (n *namespace) leaveClusterAsChild() {
	if err := n.leaveCluster(); err != nil {
		n.srv.log.Error().Err(err).Str("nsp", logName(n.path)).Msg("leaving the cluster failed")
	}
}

// leaveCluster is for the namespaces that are not children, which leave with their last
// socket. An adapter that does not return is waited for until ctx ends, and a little
// longer, for others are to hear of the end of this server most of all if it is a sudden
// one.
func (srv *Server) leaveCluster(ctx context.Context) error {
	if srv.opts.NewAdapter == nil {
		return nil
	}
	left := make(chan error, 1)
	go func() {
		var err error
		for _, n := range srv.namespaces {
			err = errors.Join(err, n.leaveCluster())
		}
		left <- err
	}()
	select {
	case err := <-left:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-left:
		return err
	case <-time.After(leaveGrace):
		return ctx.Err()
	}
}

const leaveGrace = time.Second

// spans tells whether others than this process are to hear of what b does.
func (b *Broadcast) spans() bool {
	return b.ns.adapter != nil && !b.here && b.target.only == nil && !b.target.nobody()
}

func (t *target) nobody() bool { return t.only == nil && t.narrowed && len(t.rooms) == 0 }

// selection is whom b reaches elsewhere.
func (b *Broadcast) selection() adapter.Selection {
	s := adapter.Selection{Rooms: b.target.rooms, Except: b.target.except}
	if b.target.sender != nil {
		s.Except = join(s.Except, []string{b.target.sender.id})
	}
	return s
}

func (b *Broadcast) flags() adapter.Flags {
	return adapter.Flags{Volatile: b.volatile, Plain: b.plain}
}

// emitPacket is Emit by way of a packet: to this process, with what may be recovered, and
// then to others. Whatever becomes of the second, the first is done.
func (b *Broadcast) emitPacket(event string, args []any) error {
	if err := checkNoCallback(event, args); err != nil {
		return err
	}
	p, err := b.ns.encodePacket(event, args)
	if err != nil {
		return err
	}
	if err := b.deliverPacket(event, p); err != nil {
		return emitError(event, err)
	}
	if !b.spans() || b.ns.recovery.publishes(b) {
		return nil
	}
	if err := b.ns.adapter.Broadcast(p, b.selection(), b.flags()); err != nil {
		return emitError(event, err)
	}
	return nil
}

// deliverPacket sends p to the selection's sockets in this process.
func (b *Broadcast) deliverPacket(event string, p adapter.Packet) error {
	if r := b.ns.recovery; r != nil {
		return r.broadcast(b, event, p)
	}
	m, err := b.ns.message(p, 0)
	if err == nil {
		b.deliver(event, m)
	}
	return err
}

// encodePacket makes an event's packet as adapters have it.
func (n *namespace) encodePacket(event string, args []any) (adapter.Packet, error) {
	if err := checkEvent(event); err != nil {
		return adapter.Packet{}, err
	}
	p, err := n.encodeArray(event, args)
	if err != nil {
		return adapter.Packet{}, emitError(event, err)
	}
	return p, nil
}

// encodeArray encodes values as they stand in a packet: behind the name of an event, or
// "" for an answer.
func (n *namespace) encodeArray(event string, values []any) (adapter.Packet, error) {
	p := encodedPool.Get().(*encoded)
	p.buf = append(p.buf[:0], '[')
	if event != "" {
		p.buf = codec.AppendString(p.buf, event)
	}
	if err := p.append(n.srv.opts.Codec, values, event == ""); err != nil {
		p.release()
		return adapter.Packet{}, err
	}
	defer p.release()
	p.buf = append(p.buf, ']')
	array := adapter.Packet{Data: append(make([]byte, 0, len(p.buf)), p.buf...)} // it may be kept: no larger than need be
	for _, b := range p.attachments {                                            // the caller's
		array.Attachments = append(array.Attachments, append([]byte{}, b...))
	}
	return array, nil
}

// message makes of a packet what its receivers get; an id of 0 asks for no ack.
func (n *namespace) message(p adapter.Packet, id uint64) (*transport.Message, error) {
	head := packet.Head{Type: packet.Event, Namespace: n.path, ID: id, HasID: id != 0}
	if with := n.srv.opts.Parser; with != nil {
		text, binary, err := parseOut(with, head, p.Data, p.Attachments)
		if err != nil {
			return nil, err
		}
		return transport.NewMessage(text, binary...), nil
	}
	head.Attachments = len(p.Attachments)
	text := packet.AppendHeader(make([]byte, 0, packet.MaxHeader+len(n.path)+len(p.Data)), head)
	return transport.NewMessage(append(text, p.Data...), p.Attachments...), nil
}

// local is a namespace as its adapter sees it.
type local struct{ ns *namespace }

func (l local) Path() string { return l.ns.path }

func (l local) Broadcast(p adapter.Packet, s adapter.Selection, f adapter.Flags) error {
	event, _, err := openPacket(p)
	if err != nil {
		return err
	}
	b := l.broadcast(s, f)
	if err := b.deliverPacket(event, p); err != nil {
		return emitError(event, err)
	}
	return nil
}

func (l local) Ask(ctx context.Context, p adapter.Packet, s adapter.Selection, f adapter.Flags, answers adapter.Answers) error {
	event, _, err := openPacket(p)
	if err != nil {
		return err
	}
	b := l.broadcast(s, f)
	id := l.ns.srv.questionID()
	m, err := l.ns.message(p, id)
	if err != nil {
		return emitError(event, err)
	}
	q := b.ask(event, id, m)
	answers.Reached(q.ids(), 0)
	return q.wait(ctx, func(h heard) {
		if h.err != nil {
			answers.Gone(h.socket.id)
			return
		}
		answers.Answered(adapter.Answer{SID: h.socket.id, Packet: h.args.packet()})
	})
}

func (l local) Fetch(s adapter.Selection) []adapter.SocketInfo {
	sockets := l.pick(s)
	infos := make([]adapter.SocketInfo, 0, len(sockets))
	for _, s := range sockets {
		if s.Connected() {
			infos = append(infos, s.info())
		}
	}
	return infos
}

func (l local) Count(s adapter.Selection) int {
	b := l.broadcast(s, adapter.Flags{})
	return b.count()
}

func (l local) Join(s adapter.Selection, rooms []string) {
	for _, s := range l.pick(s) {
		_ = s.Join(rooms...) // it is counted here, whose bound it is
	}
}

func (l local) Leave(s adapter.Selection, rooms []string) {
	for _, s := range l.pick(s) {
		s.Leave(rooms...)
	}
}

func (l local) Disconnect(s adapter.Selection, closing bool) {
	for _, s := range l.pick(s) {
		s.sendAway(closing)
	}
}

func (l local) Rooms() []string { return l.ns.rooms.names() }

func (l local) Has(room string) bool {
	return l.ns.rooms.known(room) != nil || l.ns.rooms.directory(room).find(room) != nil
}

// broadcast is what a selection of another server's means here.
func (l local) broadcast(s adapter.Selection, f adapter.Flags) Broadcast {
	return Broadcast{
		ns:       l.ns,
		target:   target{narrowed: len(s.Rooms) > 0, rooms: s.Rooms, except: s.Except},
		volatile: f.Volatile, plain: f.Plain, here: true,
	}
}

func (l local) pick(s adapter.Selection) []*Socket {
	b := l.broadcast(s, adapter.Flags{})
	return b.pick()
}

// openPacket checks an event of another server's, which clients are to read.
func openPacket(p adapter.Packet) (event string, args Args, err error) {
	if len(p.Data) == 0 || p.Data[0] != '[' { // what some clients look for
		return "", Args{}, errors.New("framework: packet of another server: payload is not an array")
	}
	if args, err = parseArgs(p.Data, nil, p.Attachments, packet.MostDepth); err != nil {
		return "", Args{}, fmt.Errorf("framework: packet of another server: %w", err)
	}
	if len(args.elems) == 0 {
		return "", Args{}, errors.New("framework: packet of another server: an event without a name")
	}
	name, err := packet.EventName(args.elems[0])
	if err != nil {
		return "", Args{}, fmt.Errorf("framework: packet of another server: %w", err)
	}
	args.elems = args.elems[1:]
	return string(name), args, nil
}

// packet is an answer's, to be told to another server.
func (a Args) packet() adapter.Packet {
	return adapter.Packet{Data: append(a.appendTo([]byte{'['}, true), ']'), Attachments: slices.Clone(a.attachments)}
}
