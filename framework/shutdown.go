package framework

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Shutdown ends the server: handshakes are refused with 503, handlers that run
// and events that were read finish, what was emitted is flushed, and the
// connections close without a DISCONNECT packet, so that clients reconnect
// elsewhere; then every OnDisconnect runs, with ServerShuttingDown, and the
// server leaves its cluster, if it is in one. Call it before http.Server.Shutdown, which waits for polls that are pending.
//
// Give ctx a deadline: a handler may never return. From 3s before it on, or when three
// quarters of the time have passed, who has no handler that runs is flushed to and closed,
// the others as their handlers return. When ctx ends the remaining connections are cut and its error is
// returned; an adapter that is slow to leave the cluster has a second more. Called inside a handler, which it would wait for, it returns
// ErrShutdown at once and does nothing.
func (srv *Server) Shutdown(ctx context.Context) error {
	if EventFrom(ctx) != nil || onWorker() {
		return fmt.Errorf("%w: Shutdown waits for handlers and was called inside one: call it in a goroutine, with a context of its own", ErrShutdown)
	}
	srv.draining.Store(true)
	srv.engine.Drain()
	err := srv.finishHandlers(ctx)
	err = errors.Join(err, srv.engine.Shutdown(ctx), srv.waitEmpty(ctx))
	for _, r := range srv.recoveringNow() {
		r.close()
	}
	if err == nil {
		err = srv.waitEmpty(ctx) // of children that were there for sessions
	}
	err = errors.Join(err, srv.leaveCluster(ctx), srv.feed.wait(ctx))
	if err != nil {
		return fmt.Errorf("framework: shutdown: %w", err)
	}
	return nil
}

func (srv *Server) waitEmpty(ctx context.Context) error {
	srv.mu.Lock()
	if srv.conns == 0 {
		srv.mu.Unlock()
		return nil
	}
	if srv.empty == nil {
		srv.empty = make(chan struct{})
	}
	empty := srv.empty
	srv.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	defaultAddr = "127.0.0.1:5000"

	// The limits of the http.Server that Run makes.
	headerTimeout = 10 * time.Second
	headerBytes   = 64 << 10
	bodyTimeout   = 60 * time.Second
	idleTimeout   = 120 * time.Second
	drainTimeout  = 15 * time.Second
)

// Run serves the server at /socket.io, and app everywhere else, on addr until
// ctx ends; then it drains both for up to 15s, see Shutdown. app may be nil; addr "" means
// 127.0.0.1:5000, as in Flask. It returns nil after a clean end, and an error if the
// 15s were not enough: whatever supervises the process has to wait longer than that.
//
// Signals are the program's:
//
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
//	context.AfterFunc(ctx, stop) // a second signal ends the program at once
//	err := srv.Run(ctx, addr, app)
//
// A request's header has to be there within 10s and may have 64 KiB, its body within
// 60s; a connection without one is closed after 120s. There is no limit to the time of
// an answer, for app may stream. Socket.IO has limits of its own in place of the last
// three.
//
// It is a convenience for programs that need nothing else: others mount the
// Server on their own router and call Shutdown before http.Server.Shutdown.
func (srv *Server) Run(ctx context.Context, addr string, app http.Handler) error {
	if addr == "" {
		addr = defaultAddr
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("framework: run: %w", err)
	}
	return srv.serve(ctx, listener, app)
}

func (srv *Server) serve(ctx context.Context, listener net.Listener, app http.Handler) error {
	if app == nil {
		app = http.NotFoundHandler()
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io", srv)
	mux.Handle("/socket.io/", srv)
	mux.Handle("/", app)
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: headerTimeout,
		MaxHeaderBytes:    headerBytes,
		ReadTimeout:       bodyTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          newHTTPErrors(&srv.log),
	}
	srv.log.Info().Stringer("addr", listener.Addr()).Msg("serving")

	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("framework: run: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := srv.Shutdown(drain)
	if late := server.Shutdown(drain); late != nil {
		err = errors.Join(err, fmt.Errorf("framework: run: requests of the application: %w", late), server.Close())
	}
	<-ended // http.ErrServerClosed
	return err
}
