package framework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/parlor-go/parlor/framework/adapter"
)

// RemoteSocket is a client as Fetch has found it: connected to this server or to
// another of the cluster. What it tells of a client elsewhere was so when it was
// fetched; its methods act on the client wherever it is. It is safe for concurrent use.
type RemoteSocket struct {
	ns        *namespace
	rooms     []string
	socket    *Socket             // if it is of this process
	elsewhere *adapter.SocketInfo // if it is not
}

// Fetch lists the selection's connected clients, on all servers of a cluster, in no
// order: c.To(room).Fetch(ctx) are the members of a room. With an error it lists those
// known of.
//
// In this process alone Namespace.Sockets and Members need no context.
func (b Broadcast) Fetch(ctx context.Context) ([]*RemoteSocket, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	all, err := b.resolve("fetch sockets of")
	var list []*RemoteSocket
	for _, one := range all {
		for _, s := range one.pick() {
			if s.Connected() {
				list = append(list, &RemoteSocket{ns: one.ns, rooms: s.Rooms(), socket: s})
			}
		}
		if !one.spans() {
			continue
		}
		others, failed := one.ns.adapter.Fetch(ctx, one.selection())
		for i := range others {
			list = append(list, &RemoteSocket{ns: one.ns, rooms: others[i].Rooms, elsewhere: &others[i]})
		}
		err = bothErrors(err, failed)
	}
	if err != nil && len(all) > 0 {
		err = fmt.Errorf("framework: fetch sockets: %w", err)
	}
	return list, err
}

// ID is the socket's id.
func (r *RemoteSocket) ID() string {
	if r.socket != nil {
		return r.socket.id
	}
	return r.elsewhere.ID
}

// Socket is the socket itself, if it is of this process.
func (r *RemoteSocket) Socket() (*Socket, bool) { return r.socket, r.socket != nil }

// Rooms lists the rooms that the socket was in when it was fetched, its id among them.
func (r *RemoteSocket) Rooms() []string { return slices.Clone(r.rooms) }

// Handshake is what the client's first HTTP request said. Of another server's client
// RemoteAddr has no port, and Time is to the millisecond.
func (r *RemoteSocket) Handshake() *Handshake {
	if r.socket != nil {
		return r.socket.Handshake()
	}
	theirs := &r.elsewhere.Handshake
	header := maps.Clone(theirs.Header)
	if header == nil {
		header = make(http.Header)
	}
	host := header.Get("Host")
	delete(header, "Host")
	u, err := url.Parse(theirs.URL)
	if err != nil {
		u = new(url.URL)
	}
	h := newHandshake(&http.Request{Host: host, RemoteAddr: theirs.Address, URL: u, Header: header})
	h.Secure, h.Time = theirs.Secure, theirs.Time
	return &h
}

// Auth is the payload of the client's CONNECT packet: no argument, or one. Servers in
// JavaScript tell an empty object where there was none.
func (r *RemoteSocket) Auth() Args {
	if r.socket != nil {
		return r.socket.Auth()
	}
	raw := r.elsewhere.Handshake.Auth
	if len(raw) == 0 || string(raw) == "null" {
		return Args{}
	}
	return Args{elems: [][]byte{raw}}
}

// Emit sends event to this client. In a cluster nobody learns whether it is still
// there; of this process, a client that has gone is ErrClosed. It takes no ack callback.
func (r *RemoteSocket) Emit(event string, args ...any) error {
	if err := checkNoCallback(event, args); err != nil {
		return err
	}
	if r.socket != nil {
		return r.socket.Emit(event, args...)
	}
	return r.selection().Emit(event, args...)
}

// EmitWithAck sends event to this client and waits for its answer, as
// Socket.EmitWithAck does.
func (r *RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	if r.socket != nil {
		return r.socket.EmitWithAck(ctx, event, args...)
	}
	answers, err := r.selection().EmitWithAck(ctx, event, args...)
	if len(answers) > 0 {
		return answers[0].Args, nil
	}
	if missing := (*MissingAcksError)(nil); errors.As(err, &missing) {
		return Args{}, emitError(event, missing.Err)
	}
	if err == nil {
		err = emitError(event, ErrClosed) // nobody has that id
	}
	return Args{}, err
}

// Join adds the client to rooms, see Broadcast.Join.
func (r *RemoteSocket) Join(ctx context.Context, rooms ...string) error {
	return r.selection().Join(ctx, rooms...)
}

// Leave takes the client out of rooms.
func (r *RemoteSocket) Leave(ctx context.Context, rooms ...string) error {
	return r.selection().Leave(ctx, rooms...)
}

// Disconnect makes the client leave the namespace.
func (r *RemoteSocket) Disconnect(ctx context.Context) error { return r.selection().Disconnect(ctx) }

// Close disconnects the client from all namespaces and closes its connection.
func (r *RemoteSocket) Close(ctx context.Context) error { return r.selection().Close(ctx) }

func (r *RemoteSocket) selection() Broadcast {
	b := Broadcast{ns: r.ns}
	if r.socket != nil {
		b.target.only = r.socket
		return b
	}
	return b.To(r.elsewhere.ID)
}

// From is Get for a fetched socket. Of this process it is the value itself, as it is
// now; of another server, what Set was given under the key's name when that was, decoded
// from JSON, and err says why it does not fit. Servers in JavaScript have the properties
// of socket.data there.
//
// For other servers to read them values must encode as JSON, and keys differ by name.
func (k Key[T]) From(r *RemoteSocket) (v T, ok bool, err error) {
	if r.socket != nil {
		v, ok = k.Get(r.socket)
		return v, ok, nil
	}
	if k.id == nil || len(r.elsewhere.Data) == 0 {
		return v, false, nil
	}
	var data map[string]json.RawMessage
	if err := json.Unmarshal(r.elsewhere.Data, &data); err != nil {
		return v, false, fmt.Errorf("framework: values of socket %s: %w", r.elsewhere.ID, err)
	}
	raw, ok := data[k.id.name]
	if !ok {
		return v, false, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, false, fmt.Errorf("framework: value %q of socket %s: %w", k.id.name, r.elsewhere.ID, err)
	}
	return v, true, nil
}

// info is what other servers are told of s.
func (s *Socket) info() adapter.SocketInfo {
	h := s.Handshake()
	address, _, err := net.SplitHostPort(h.RemoteAddr)
	if err != nil {
		address = h.RemoteAddr
	}
	header := h.Header()
	header.Set("Host", h.Host)
	return adapter.SocketInfo{
		ID: s.id,
		Handshake: adapter.Handshake{
			Header:  header,
			Time:    h.Time,
			Address: address,
			Secure:  h.Secure,
			URL:     h.URL().String(),
			Auth:    s.Auth().Raw(0),
		},
		Rooms: s.Rooms(),
		Data:  s.data(),
	}
}

// marshal is json.Marshal for values that are not ours and may panic encoding
// themselves.
func marshal(v any) (raw []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panics: %s", textOf(p))
		}
	}()
	return json.Marshal(v)
}
