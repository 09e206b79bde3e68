package framework

import (
	"context"
	"errors"
	"fmt"

	"github.com/parlor-go/parlor/transport"
)

// Client is one client's connection, which its sockets in several namespaces share. It
// is comparable, so that it can be the key of a map, and safe for concurrent use, also
// when the connection has gone.
type Client struct{ conn *conn }

// Client is the connection that the socket uses.
func (s *Socket) Client() Client { return Client{s.conn} }

// ID tells clients apart: the beginning of the Engine.IO session id, as it stands in
// the transport's log. The whole is the client's secret and not to be had.
func (c Client) ID() string {
	const shown = 8
	id := c.conn.session.ID()
	return id[:min(shown, len(id))]
}

// Handshake is what the client's first HTTP request said.
func (c Client) Handshake() *Handshake { return &c.conn.handshake }

// Transport names how the client is connected at the moment, as Socket.Transport does.
func (c Client) Transport() string { return c.conn.session.Transport() }

// Sockets lists the client's sockets, one in each namespace that it has joined, in the
// order of joining.
func (c Client) Sockets() []*Socket {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	var sockets []*Socket
	for _, s := range c.conn.live {
		if s.Connected() {
			sockets = append(sockets, s)
		}
	}
	return sockets
}

// Protocol is the revision of the Engine.IO protocol that the client speaks: 4, or 3
// with Options.Transport.AllowEIO3. The reference server's socket.conn.protocol.
func (s *Socket) Protocol() int { return s.conn.session.Protocol() }

// RemoteAddr is the address that the client's first request came from, "192.0.2.1:4711",
// as net/http has it: behind a proxy the proxy's, unless Transport.TrustedProxies names
// that; then it is what the proxy tells, with port 0 if it tells none.
func (s *Socket) RemoteAddr() string { return s.conn.handshake.RemoteAddr }

// Buffered returns how many bytes wait for the client or are being written to it, its
// other namespaces' among them. A client that more than Transport.MaxSendBuffer waits
// for is closed by the next emit.
func (s *Socket) Buffered() int { return s.conn.session.Buffered() }

// Drained returns once all that was emitted to the client before the call has been
// handed to the network, in its other namespaces too: for a stream that is to be sent
// no faster than the client takes it. In a handler it keeps the socket's next event
// waiting.
//
// It returns ErrNotConnected while OnConnect runs, when emits are held; ErrClosed when
// the socket is gone or its connection goes; and ctx's error, wrapped, when ctx ends
// first.
func (s *Socket) Drained(ctx context.Context) error {
	s.mu.Lock()
	silent, held := s.silent(), s.state == connecting
	s.mu.Unlock()
	switch {
	case silent:
		return ErrClosed
	case held:
		return ErrNotConnected
	}
	switch err := s.conn.session.Drained(ctx); {
	case err == nil:
		return nil
	case errors.Is(err, transport.ErrClosed):
		return ErrClosed
	default:
		return fmt.Errorf("framework: wait until the client has what was emitted: %w", ctx.Err())
	}
}

// ClientsCount is the number of connections that are open at the moment, whatever
// namespaces they have joined. The reference server's io.engine.clientsCount.
func (srv *Server) ClientsCount() int { return srv.engine.Len() }
