package framework

import (
	"context"
	"errors"

	"github.com/parlor-go/parlor/framework/adapter"
)

// What an adapter has of a Recovery, and of a RoomWatcher, is called amid changes of who
// is where. These must be completed, or a client that has gone would be kept for ever: so
// the calls below return, whatever the adapter does.

// containedStore is an adapter's Recovery.
type containedStore struct {
	adapter.Recovery
	ns *namespace
}

func (c containedStore) Append(p adapter.Packet, s adapter.Selection) (offset string, err error) {
	err = contained(func() (err error) {
		offset, err = c.Recovery.Append(p, s)
		return err
	})
	return offset, err
}

// Position returns "" if it cannot be told.
func (c containedStore) Position() (offset string) {
	c.ns.report("Position", func() { offset = c.Recovery.Position() })
	return offset
}

func (c containedStore) Save(ctx context.Context, s *adapter.Session) error {
	return contained(func() error { return c.Recovery.Save(ctx, s) })
}

func (c containedStore) Take(ctx context.Context, pid, offset string) (back *adapter.Restored, err error) {
	err = contained(func() (err error) {
		back, err = c.Recovery.Take(ctx, pid, offset)
		return err
	})
	if err == nil && (back == nil || back.Session == nil) {
		err = adapter.ErrUnknownSession
	}
	return back, err
}

func (c containedStore) Rest(r *adapter.Restored) (missed []adapter.Missed, err error) {
	err = contained(func() (err error) {
		missed, err = c.Recovery.Rest(r)
		return err
	})
	return missed, err
}

func (c containedStore) Attended(anybody bool) {
	c.ns.report("Attended", func() { c.Recovery.Attended(anybody) })
}

// containedWatcher is an adapter's RoomWatcher.
type containedWatcher struct {
	adapter.RoomWatcher
	ns *namespace
}

func (c containedWatcher) RoomOpened(room string) {
	c.ns.report("RoomOpened", func() { c.RoomWatcher.RoomOpened(room) })
}

func (c containedWatcher) RoomClosed(room string) {
	c.ns.report("RoomClosed", func() { c.RoomWatcher.RoomClosed(room) })
}

// report logs what becomes of a call of the adapter's that has nobody to tell.
func (n *namespace) report(method string, call func()) {
	err := contained(func() error { call(); return nil })
	if err == nil {
		return
	}
	defer func() { _ = recover() }() // of the log
	line := n.srv.log.Error().Str("nsp", logName(n.path)).Str("method", method)
	if p, ok := errors.AsType[*PanicError](err); ok {
		line.Bytes(stackField, p.Stack)
	}
	line.Err(err).Msg("adapter failed")
}
