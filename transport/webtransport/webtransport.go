// Package webtransport lets clients connect over WebTransport, beside polling and
// WebSocket: streams over QUIC, which survive a change of network and know no
// head-of-line blocking between clients' other traffic. Browsers have it, with
// socket.io-client 4.7 or later and transports: ["polling", "websocket",
// "webtransport"].
//
// It is a package of its own, so that who does not import it does not compile QUIC.
package webtransport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
	"golang.org/x/time/rate"

	"github.com/parlor-go/parlor/transport"
)

// Engine serves the clients that come over WebTransport: a *framework.Server, or a
// *transport.Engine. Its Options.Transports must name transport.WebTransport.
type Engine interface {
	AdmitStream(w http.ResponseWriter, r *http.Request) bool
	ServeStream(stream transport.Stream, r *http.Request)
	Exceed(err *transport.LimitError, client string)
}

// Options are the settings of a Server.
type Options struct {
	// Addr is the UDP address to listen on, as host:port. "" means ":443". Browsers
	// connect to the port of the page's URL, which TCP may have as well.
	Addr string

	// TLSConfig has the certificate, without which there is no QUIC. Browsers take
	// one that they trust, or one of ECDSA that is valid for at most 14 days and whose
	// hash the page names (serverCertificateHashes).
	TLSConfig *tls.Config

	// Path is where clients ask for it. "" means "/socket.io/".
	Path string

	// Handler serves all other requests over HTTP/3, polling among them. nil answers
	// 404.
	Handler http.Handler

	// StreamTimeout is how long a client that has been let in may take to open its
	// stream; its session is closed then, and counted in the Engine's Exceeded. 0 means 10s.
	StreamTimeout time.Duration

	// MaxConnections bounds the QUIC connections, those among them that ask for
	// something else or nothing at all: the Engine's bounds begin where a client asks for
	// a session. More are refused, with QUIC's CONNECTION_REFUSED, and counted in the
	// Engine's Exceeded. 0 means 10,000.
	MaxConnections int
}

// Server accepts WebTransport sessions over HTTP/3 and hands their streams to an
// Engine.
type Server struct {
	opts   Options
	engine Engine
	wt     *webtransport.Server
	closed atomic.Bool
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	later  func(time.Duration, func()) *time.Timer // time.AfterFunc, but for tests

	connections atomic.Int64
	unproven    *rate.Limiter // connections whose address may be believed
}

// New makes a server. It panics without a certificate.
func New(engine Engine, opts Options) *Server {
	if c := opts.TLSConfig; c == nil || len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
		panic("webtransport: Options.TLSConfig has no certificate: QUIC is always encrypted, so it needs Certificates or GetCertificate")
	}
	if opts.Path = cmp.Or(opts.Path, "/socket.io/"); opts.Path[0] != '/' {
		panic(fmt.Sprintf("webtransport: Options.Path %q does not begin with a slash: want %q", opts.Path, "/"+opts.Path))
	}
	opts.Addr = cmp.Or(opts.Addr, ":443")
	opts.StreamTimeout = cmp.Or(opts.StreamTimeout, 10*time.Second)
	if opts.MaxConnections = cmp.Or(opts.MaxConnections, 10_000); opts.MaxConnections < 0 {
		panic("webtransport: Options.MaxConnections is negative: want how many QUIC connections there may be, or 0 for 10000")
	}
	s := &Server{opts: opts, engine: engine, unproven: rate.NewLimiter(believed, believed), later: time.AfterFunc}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.wt = &webtransport.Server{
		H3: &http3.Server{
			Addr:           opts.Addr,
			TLSConfig:      http3.ConfigureTLSConfig(opts.TLSConfig.Clone()),
			Handler:        http.HandlerFunc(s.serve),
			QUICConfig:     quicConfig(),
			IdleTimeout:    idleTimeout,
			MaxHeaderBytes: maxHeader,
		},
		CheckOrigin: func(*http.Request) bool { return true }, // AdmitStream has
	}
	return s
}

// ListenAndServe listens on Options.Addr and serves until Close, after which it
// returns http.ErrServerClosed.
func (s *Server) ListenAndServe() error {
	addr, err := net.ResolveUDPAddr("udp", s.opts.Addr)
	if err != nil {
		return fmt.Errorf("webtransport: %w", err)
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return fmt.Errorf("webtransport: %w", err)
	}
	defer func() { _ = conn.Close() }()
	return s.Serve(conn)
}

// Serve serves on conn, which it does not close, until Close, after which it returns
// http.ErrServerClosed.
func (s *Server) Serve(conn net.PacketConn) error {
	err := s.listen(conn)
	if s.closed.Load() {
		return http.ErrServerClosed
	}
	return fmt.Errorf("webtransport: %w", err)
}

// Close stops serving and cuts the connections that are left. Shut the Engine down
// before, which ends its clients' sessions in good order.
func (s *Server) Close() error {
	s.closed.Store(true)
	err := s.wt.Close() // before the socket stops, so that clients are told
	s.stop()
	return err
}

// serve answers a request over HTTP/3.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	ours := strings.TrimSuffix(r.URL.Path, "/") == strings.TrimSuffix(s.opts.Path, "/")
	switch {
	case ours && r.Method == http.MethodConnect:
		s.upgrade(w, r)
	case s.opts.Handler != nil:
		s.opts.Handler.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

// upgrade accepts a session and waits for its stream.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	if !s.engine.AdmitStream(w, r) {
		return
	}
	session, err := s.wt.Upgrade(w, r)
	if err != nil {
		http.Error(w, "no WebTransport session", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(session.Context(), s.opts.StreamTimeout)
	defer cancel()
	stream, err := session.AcceptStream(ctx)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			s.engine.Exceed(&transport.LimitError{Option: "StreamTimeout",
				Detail: fmt.Sprintf("the client has opened no stream for %v", s.opts.StreamTimeout)}, r.RemoteAddr)
		}
		_ = session.CloseWithError(0, "")
		return
	}
	// On a goroutine of its own, so that what HTTP/3 needed for the request can go.
	go s.engine.ServeStream(&sessionStream{stream, session, s}, r)
}

// sessionStream is the one stream that counts of a session.
type sessionStream struct {
	*webtransport.Stream
	session *webtransport.Session
	server  *Server
}

func (s *sessionStream) RemoteAddr() net.Addr { return s.session.RemoteAddr() }

// closeDelay is how long what was written last may take to arrive before the session
// is closed, which throws away what has not: QUIC does not tell when it has.
const closeDelay = 300 * time.Millisecond

func (s *sessionStream) Finish() {
	_ = s.Stream.Close()
	s.server.later(closeDelay, func() { _ = s.session.CloseWithError(0, "") })
}

// Close does not wait as CloseWithError does, for a client that takes nothing: the
// engine calls it on the goroutine that has the deadlines of all.
func (s *sessionStream) Close() error {
	go func() { _ = s.session.CloseWithError(0, "") }()
	return nil
}
