package webtransport

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/parlor-go/parlor/transport"
)

// What one connection may cost, beside its sessions.
const (
	// maxWindow is how many bytes of a connection wait at most, in all its streams: a
	// client can open some that nobody reads.
	maxWindow = 2 << 20

	// maxStream is the same for one stream.
	maxStream = 1 << 20

	// maxStreams are the streams that a client has open: a session's two, requests
	// beside it, and what HTTP/3 itself needs, which are of the other kind.
	maxStreams = 16

	// maxHeader bounds the header of a request, in bytes.
	maxHeader = 64 << 10

	// idleTimeout is how long a connection without a session or a request stays.
	idleTimeout = 60 * time.Second

	// believed is how many new connections a second need not prove that they are
	// where they say: beyond that it costs them another round trip (RFC 9000 section
	// 8.1.2), and who forges addresses gets no further.
	believed = 200
)

func quicConfig() *quic.Config {
	return &quic.Config{
		EnableDatagrams:                  true,
		EnableStreamResetPartialDelivery: true,
		MaxConnectionReceiveWindow:       maxWindow,
		MaxStreamReceiveWindow:           maxStream,
		MaxIncomingStreams:               maxStreams,
		MaxIncomingUniStreams:            maxStreams,
	}
}

// admit counts a connection until it ends, or refuses it.
func (s *Server) admit(ctx context.Context, client *quic.ClientInfo) (context.Context, error) {
	if s.connections.Add(1) > int64(s.opts.MaxConnections) {
		s.connections.Add(-1)
		err := &transport.LimitError{Option: "MaxConnections",
			Detail: fmt.Sprintf("%d QUIC connections are there, as many as there may be", s.opts.MaxConnections)}
		s.engine.Exceed(err, client.RemoteAddr.String())
		return nil, err
	}
	context.AfterFunc(ctx, func() { s.connections.Add(-1) })
	return ctx, nil
}

// listen serves the connections that come over conn until the server is closed.
func (s *Server) listen(conn net.PacketConn) error {
	quicTransport := &quic.Transport{
		Conn:                conn,
		ConnContext:         s.admit,
		VerifySourceAddress: func(net.Addr) bool { return !s.unproven.Allow() },
	}
	defer func() { _ = quicTransport.Close() }()
	listener, err := quicTransport.ListenEarly(s.wt.H3.TLSConfig, s.wt.H3.QUICConfig)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()

	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		c, err := listener.Accept(s.ctx)
		if err != nil {
			return err
		}
		serving.Go(func() { _ = s.wt.ServeQUICConn(c) }) // it fails for what c lacks, and c with it
	}
}
