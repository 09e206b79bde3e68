package framework

import (
	"fmt"
	"reflect"
	"time"

	"github.com/parlor-go/parlor/transport"
)

// Broadcast is a selection of a namespace's sockets, and how to send to them.
// It is a value: To, Except, Volatile and the like return changed copies, so one
// may be kept and used again, from any goroutine.
//
// With an Options.NewAdapter a selection spans the namespace's sockets on all
// servers of the cluster, unless Local narrows it.
type Broadcast struct {
	ns       *namespace
	target   target
	volatile bool
	plain    bool // not compressed
	here     bool // in this process only
	timeout  time.Duration
}

// target says whom a broadcast reaches: one, all, or, once narrowed, the members of
// rooms; never the sender or a member of an excepted room.
type target struct {
	only     *Socket
	narrowed bool
	rooms    []string
	except   []string
	sender   *Socket
}

// widen turns Socket.Volatile, one client, into the beginning of a selection that
// leaves it out, as JavaScript's socket.volatile.to does.
func (t *target) widen() {
	if t.only != nil {
		t.only, t.sender = nil, t.only
	}
}

// To adds the members of rooms to the selection, which without it is everybody.
// A socket's id is a room of its own. Each socket is reached once. To() without
// a room, on its own, selects nobody.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.target.widen()
	b.target.narrowed = true
	b.target.rooms = join(b.target.rooms, rooms)
	return b
}

// In is To by its other name.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except leaves out the members of rooms, and sockets by their id.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.target.widen()
	b.target.except = join(b.target.except, rooms)
	return b
}

// Volatile drops the packet for each client that has anything queued, or that
// polls and is between two polls, instead of queueing it behind.
func (b Broadcast) Volatile() Broadcast {
	b.volatile = true
	return b
}

// Emit sends event to the selection: encoded once, appended to each receiver's
// buffer when it returns. It never blocks. A receiver that is gone or too slow
// is its own matter and no error. If telling other servers fails, this process's
// sockets have it all the same, and the error says why the others do not.
func (b Broadcast) Emit(event string, args ...any) error {
	if b.ns == nil || b.ns.srv == nil {
		return b.emitNow(event, args)
	}
	if b.ns.recovery != nil || b.spans() {
		return b.emitPacket(event, args)
	}
	m, err := b.encode(b.ns, event, args)
	if err != nil {
		return err
	}
	b.deliver(event, m)
	return nil
}

// deliver sends m to the selection's sockets in this process.
func (b *Broadcast) deliver(event string, m *transport.Message) {
	if b.plain {
		m = m.Uncompressed()
	}
	receivers := 0
	b.ns.rooms.each(&b.target, func(s *Socket) {
		if s.deliver(m, b.volatile) == nil {
			receivers++
		}
	})
	b.ns.log().Debug().Str("nsp", b.ns.path).Str("event", event).Int("receivers", receivers).Msg("event broadcast")
}

// unregistered is the error of what was to be done with a namespace that no server
// serves.
func (b Broadcast) unregistered(what string) error {
	return fmt.Errorf("framework: %s namespace %q: %w", what, (&Namespace{b.ns}).Path(), bare(ErrNotRegistered))
}

func (b *Broadcast) encode(ns *namespace, event string, args []any) (*transport.Message, error) {
	if err := checkNoCallback(event, args); err != nil {
		return nil, err
	}
	return ns.encodeEvent(event, 0, args)
}

func checkNoCallback(event string, args []any) error {
	if n := len(args); n > 0 && isFunc(args[n-1]) {
		return fmt.Errorf("framework: emit %q: a broadcast takes no ack callback, a Socket does: EmitWithAck gathers the answers", event)
	}
	return nil
}

// Send emits the event "message".
func (b Broadcast) Send(args ...any) error { return b.Emit("message", args...) }

// SendJSON emits the event "json".
func (b Broadcast) SendJSON(args ...any) error { return b.Emit("json", args...) }

// join makes a new list, so that copies of a Broadcast do not share one.
func join(list, more []string) []string {
	return append(list[:len(list):len(list)], more...)
}

func isFunc(v any) bool { return v != nil && reflect.TypeOf(v).Kind() == reflect.Func }
