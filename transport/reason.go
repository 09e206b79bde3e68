package transport

import "errors"

// Reason says why a session ended. The texts are those of the reference server.
// It is an error, so that it can be the cause of a context.
type Reason string

// The reasons, Engine.IO reference server, "close" event.
const (
	ReasonTransportError     Reason = "transport error"      // the transport failed, or the client broke its rules
	ReasonTransportClose     Reason = "transport close"      // the client closed the transport
	ReasonForcedClose        Reason = "forced close"         // the application closed the session
	ReasonPingTimeout        Reason = "ping timeout"         // a ping was not answered within Options.PingTimeout
	ReasonParseError         Reason = "parse error"          // the client sent something that is no packet
	ReasonServerShuttingDown Reason = "server shutting down" // Engine.Shutdown
)

// Error returns the reason's text.
func (r Reason) Error() string { return string(r) }

// ErrClosed is returned for messages to a session that is closed or closing.
var ErrClosed = errors.New("transport: session is closed")
