package framework

import (
	"context"
	"time"
)

// EmitWithAck asks everybody in the namespace, the sender of the event that is being
// handled included, and gathers the answers: see Broadcast.EmitWithAck.
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return n.all().EmitWithAck(ctx, event, args...)
}

// Fetch lists everybody in the namespace, on all servers of a cluster: see
// Broadcast.Fetch. Sockets lists those of this process.
func (n *Namespace) Fetch(ctx context.Context) ([]*RemoteSocket, error) { return n.all().Fetch(ctx) }

// Count is how many clients are connected to the namespace, on all servers of a
// cluster. How many are in a room is To(room).Count.
func (n *Namespace) Count(ctx context.Context) (int, error) { return n.all().Count(ctx) }

// Join makes everybody in the namespace join rooms: see Broadcast.Join.
func (n *Namespace) Join(ctx context.Context, rooms ...string) error {
	return n.all().Join(ctx, rooms...)
}

// Leave takes everybody in the namespace out of rooms: see Broadcast.Leave.
func (n *Namespace) Leave(ctx context.Context, rooms ...string) error {
	return n.all().Leave(ctx, rooms...)
}

// Disconnect makes everybody leave the namespace: see Broadcast.Disconnect. To close
// their connections, too, call Except().Close.
func (n *Namespace) Disconnect(ctx context.Context) error { return n.all().Disconnect(ctx) }

// Local is everybody who is connected to this process: see Broadcast.Local.
func (n *Namespace) Local() Broadcast { return n.all().Local() }

// Compress is everybody, with packets that are compressed or not: see
// Broadcast.Compress.
func (n *Namespace) Compress(compress bool) Broadcast { return n.all().Compress(compress) }

// Timeout is everybody, who are waited for no longer than d: see Broadcast.Timeout.
func (n *Namespace) Timeout(d time.Duration) Broadcast { return n.all().Timeout(d) }

// Members lists the connected clients of this process that are in room, in no order:
// the list that Flask-SocketIO leaves to the application. To(room).Fetch lists those of
// a whole cluster.
func (n *Namespace) Members(room string) []*Socket {
	at := n.at()
	if at == nil {
		return nil
	}
	var list []*Socket
	at.rooms.eachIn(room, nil, func(s *Socket) {
		if s.Connected() {
			list = append(list, s)
		}
	})
	return list
}

// EmitWithAck asks everybody in "/", see Namespace.EmitWithAck.
func (srv *Server) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return srv.Of("/").EmitWithAck(ctx, event, args...)
}

// Fetch lists everybody in "/", see Namespace.Fetch.
func (srv *Server) Fetch(ctx context.Context) ([]*RemoteSocket, error) { return srv.Of("/").Fetch(ctx) }

// Count is how many clients are connected to "/", see Namespace.Count.
func (srv *Server) Count(ctx context.Context) (int, error) { return srv.Of("/").Count(ctx) }

// Join makes everybody in "/" join rooms, see Namespace.Join.
func (srv *Server) Join(ctx context.Context, rooms ...string) error {
	return srv.Of("/").Join(ctx, rooms...)
}

// Leave takes everybody in "/" out of rooms, see Namespace.Leave.
func (srv *Server) Leave(ctx context.Context, rooms ...string) error {
	return srv.Of("/").Leave(ctx, rooms...)
}

// Disconnect makes everybody leave "/", see Namespace.Disconnect.
func (srv *Server) Disconnect(ctx context.Context) error { return srv.Of("/").Disconnect(ctx) }

// Volatile is everybody in "/" who has nothing queued at the moment.
func (srv *Server) Volatile() Broadcast { return srv.Of("/").Volatile() }

// Local is everybody in "/" who is connected to this process.
func (srv *Server) Local() Broadcast { return srv.Of("/").Local() }

// Compress is everybody in "/", see Broadcast.Compress.
func (srv *Server) Compress(compress bool) Broadcast { return srv.Of("/").Compress(compress) }

// Timeout is everybody in "/", see Broadcast.Timeout.
func (srv *Server) Timeout(d time.Duration) Broadcast { return srv.Of("/").Timeout(d) }

// Compress selects this one client, see Broadcast.Compress.
func (s *Socket) Compress(compress bool) Broadcast {
	return Broadcast{ns: s.ns, target: target{only: s}}.Compress(compress)
}
