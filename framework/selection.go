package framework

import (
	"context"
	"fmt"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

// Local narrows the selection to this process, where it otherwise spans the servers of
// a cluster. Without Options.NewAdapter it changes nothing.
func (b Broadcast) Local() Broadcast {
	b.here = true
	return b
}

// Compress false has the packet sent as it is where packets are compressed: for what
// is compressed already, or secret beside what a stranger chose. It matters only with
// permessage-deflate and for compressed polls. The default is true, as in JavaScript.
func (b Broadcast) Compress(compress bool) Broadcast {
	b.plain = !compress
	return b
}

// Timeout bounds how long EmitWithAck, Fetch and the other methods that take a ctx
// wait, beside their ctx. 0 is no bound.
func (b Broadcast) Timeout(d time.Duration) Broadcast {
	b.timeout = d
	return b
}

// Count is how many connected clients the selection has, on all servers of a cluster:
// c.To(room).Count(ctx) is how many are in a room. With an error it is how many are
// known of.
func (b Broadcast) Count(ctx context.Context) (int, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	all, err := b.resolve("count sockets of")
	n := 0
	for _, one := range all {
		n += one.count()
		if !one.spans() {
			continue
		}
		others, failed := one.ns.adapter.Count(ctx, one.selection())
		n += others
		err = bothErrors(err, failed)
	}
	if err != nil && len(all) > 0 {
		err = fmt.Errorf("framework: count sockets: %w", err)
	}
	return n, err
}

// Join makes the selection's sockets join rooms, on all servers of a cluster. In this
// process it counts from its return. It returns an error if others could not be told, or
// if a socket of this process cannot join (Socket.Join), which keeps no other from it.
//
// Like an emit, Join, Leave, Disconnect and Close reach also who is in OnConnect.
func (b Broadcast) Join(ctx context.Context, rooms ...string) error {
	return b.do(ctx, "join rooms with sockets of", func(s *Socket) error { return s.Join(rooms...) },
		func(ctx context.Context, a adapter.Adapter, whom adapter.Selection) error {
			return a.Join(ctx, whom, join(nil, rooms))
		})
}

// Leave takes the selection's sockets out of rooms, see Join. c.To(room).Leave(ctx,
// room) closes a room, as Namespace.CloseRoom does.
func (b Broadcast) Leave(ctx context.Context, rooms ...string) error {
	return b.do(ctx, "leave rooms with sockets of", func(s *Socket) error { s.Leave(rooms...); return nil },
		func(ctx context.Context, a adapter.Adapter, whom adapter.Selection) error {
			return a.Leave(ctx, whom, join(nil, rooms))
		})
}

// Disconnect makes the selection's clients leave the namespace, as Socket.Disconnect
// does; what was emitted before arrives. See Join for its reach and its error.
func (b Broadcast) Disconnect(ctx context.Context) error { return b.sendAway(ctx, false) }

// Close disconnects the selection's clients from all namespaces and closes their
// connections, as Socket.Close does. See Join for its reach and its error.
func (b Broadcast) Close(ctx context.Context) error { return b.sendAway(ctx, true) }

func (b Broadcast) sendAway(ctx context.Context, closing bool) error {
	return b.do(ctx, "disconnect sockets of", func(s *Socket) error { s.sendAway(closing); return nil },
		func(ctx context.Context, a adapter.Adapter, whom adapter.Selection) error {
			return a.Disconnect(ctx, whom, closing)
		})
}

func (s *Socket) sendAway(closing bool) {
	if closing {
		s.Close()
		return
	}
	s.Disconnect()
}

// do does something to every selected socket of this process, and then has other
// servers do it. Of what fails for several here it returns the first.
func (b *Broadcast) do(ctx context.Context, what string, here func(*Socket) error,
	elsewhere func(context.Context, adapter.Adapter, adapter.Selection) error) error {
	ctx, cancel := b.within(ctx)
	defer cancel()
	all, err := b.resolve(what)
	for _, one := range all {
		for _, s := range one.pick() {
			if failed := here(s); err == nil {
				err = failed
			}
		}
		if !one.spans() {
			continue
		}
		if failed := elsewhere(ctx, one.ns.adapter, one.selection()); failed != nil {
			err = bothErrors(err, fmt.Errorf("framework: %s other servers: %w", what, failed))
		}
	}
	return err
}

// pick lists the selection's sockets in this process, for what cannot be done under
// the locks of a walk.
func (b *Broadcast) pick() []*Socket {
	var list []*Socket
	b.ns.rooms.each(&b.target, func(s *Socket) { list = append(list, s) })
	return list
}

// count is how many of the sockets in this process are connected.
func (b *Broadcast) count() int {
	n := 0
	b.ns.rooms.each(&b.target, func(s *Socket) {
		if s.Connected() {
			n++
		}
	})
	return n
}

func (b *Broadcast) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if b.timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, b.timeout)
}
