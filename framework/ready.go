package framework

import (
	"errors"
	"fmt"

	"github.com/parlor-go/parlor/transport"
)

// Ready returns nil if new clients are taken, or why they are refused at the moment:
// ErrShutdown from Shutdown on, or a *transport.LimitError of MaxSessions, MaxBuffered,
// MaxDelay or HandshakeRate of Options.Transport. It is what a readiness endpoint answers
// by: load balancers then send clients elsewhere. That the process lives it does not
// tell; a server that is not ready goes on serving the clients that it has.
func (srv *Server) Ready() error {
	err := srv.engine.Ready()
	if errors.Is(err, transport.ErrDraining) {
		return ErrShutdown
	}
	if err != nil {
		return fmt.Errorf("framework: not ready: %w", err)
	}
	return nil
}
