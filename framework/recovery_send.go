package framework

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

// broadcast logs a packet and delivers it.
func (r *recovery) broadcast(b *Broadcast, event string, p adapter.Packet) error {
	if b.target.nobody() {
		return nil
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.logs(b):
		offset, err := r.store.Append(p, b.target.selection())
		if err != nil || offset == "" { // then the store has it delivered
			return err
		}
		return r.deliver(b, event, p, offset, now)
	case endsInString(p.Data):
		// The client would take that for an offset. It has all that is before this packet.
		p = withOffset(p, r.store.Position())
	}
	m, err := r.ns.message(p, 0)
	if err == nil {
		b.deliver(event, m)
	}
	return err
}

// logs tells whether what b sends may be recovered. What is for this process only, none
// may find elsewhere.
func (r *recovery) logs(b *Broadcast) bool { return !b.volatile && (r.memory != nil || !b.here) }

// publishes tells whether logging what b sends has told other servers.
func (r *recovery) publishes(b *Broadcast) bool { return r != nil && r.memory == nil && r.logs(b) }

// deliver appends a logged packet to the buffers of those it is for. r.mu is held.
func (r *recovery) deliver(b *Broadcast, event string, p adapter.Packet, offset string, now time.Time) error {
	m, err := r.ns.message(withOffset(p, offset), 0)
	if err != nil {
		return err
	}
	if b.plain {
		m = m.Uncompressed()
	}
	receivers := 0
	r.ns.rooms.each(&b.target, func(s *Socket) {
		if s.rec.behind {
			return
		}
		if s.deliver(m, false) == nil {
			receivers++
		}
		r.meant(s, offset, now) // even if it could not be delivered: it is missed then
	})
	r.ns.log().Debug().Str("nsp", r.ns.path).Str("event", event).Int("receivers", receivers).Msg("event broadcast")
	return nil
}

// Deliver implements adapter.Deliverer.
func (l local) Deliver(p adapter.Packet, s adapter.Selection, offset string) error {
	event, _, err := openPacket(p)
	if err != nil {
		return err
	}
	r, b := l.ns.recovery, l.broadcast(s, adapter.Flags{})
	if r == nil {
		return b.deliverPacket(event, p)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.deliver(&b, event, p, offset, time.Now())
}

// emitLogged is Socket.Emit where clients may recover.
func (s *Socket) emitLogged(event string, args []any) error {
	p, err := s.ns.encodePacket(event, args)
	if err != nil {
		return err
	}
	if err := s.ns.recovery.send(s, p); err != nil {
		return emitError(event, err)
	}
	s.log().Debug().Str("event", event).Int("bytes", len(p.Data)).Msg("event sent")
	return nil
}

// send logs a packet for the session of one socket, and delivers it to whoever has
// that session now. While its client is away that is nobody.
func (r *recovery) send(s *Socket, p adapter.Packet) error {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.ns.rooms.known(s.id)
	switch {
	case to != nil:
	case s.rec.behind || s.comesBack(now, r.opts.MaxDisconnection): // it will be missed
	case s.isSilent():
		return ErrClosed
	default: // OnConnect has not begun
		to = s
	}
	room := cmp.Or(s.rec.attempt, s.id)
	offset, err := r.store.Append(p, adapter.Selection{Rooms: []string{room}})
	if err != nil || offset == "" || to == nil {
		return err
	}
	m, err := r.ns.message(withOffset(p, offset), 0)
	if err != nil {
		return err
	}
	r.meant(to, offset, now)
	if to.deliver(m, false) != nil && !to.comesBack(now, r.opts.MaxDisconnection) {
		return ErrClosed
	}
	return nil
}

// comesBack tells, under recovery.mu, whether the socket's connection was lost, and not
// too long ago.
func (s *Socket) comesBack(now time.Time, keep time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rec.known && !s.rec.astray && s.ended && s.why.recoverable() && (s.rec.lost == "" || now.Sub(s.rec.lostAt) < keep)
}

func (s *Socket) isSilent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent()
}

// recoverable tells whether the session of who goes for the reason is kept: those of
// the reference server.
func (r Reason) recoverable() bool {
	switch r {
	case TransportError, TransportClose, ForcedClose, PingTimeout, ServerShuttingDown, ForcedServerClose:
		return true
	}
	return false
}

// selection is the target as the log has it.
func (t *target) selection() adapter.Selection {
	if t.only != nil {
		return adapter.Selection{Rooms: []string{t.only.id}}
	}
	s := adapter.Selection{Rooms: slices.Clone(t.rooms), Except: slices.Clone(t.except)}
	if t.sender != nil {
		s.Except = append(s.Except, t.sender.id)
	}
	return s
}

// withOffset is a packet as clients get it.
func withOffset(p adapter.Packet, offset string) adapter.Packet {
	array := withoutEnd(p.Data)
	data := make([]byte, 0, len(array)+len(offset)+len(`,""]`))
	data = append(append(data, array...), `,"`...)
	p.Data = append(append(data, offset...), `"]`...)
	return p
}

// endsInString tells whether the last element of an array is a string: the last
// argument, or without any the event's name.
func endsInString(array []byte) bool { return bytes.HasSuffix(withoutEnd(array), []byte(`"`)) }

// withoutEnd is an array without its bracket and the space around that.
func withoutEnd(array []byte) []byte {
	const space = " \t\r\n" // of JSON
	array = bytes.TrimSuffix(bytes.TrimRight(array, space), []byte("]"))
	return bytes.TrimRight(array, space)
}
