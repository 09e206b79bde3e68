package transport

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
)

// Refusal is an error of Options.AllowRequest with a text for the client, which finds
// it as the "message" of the answer. Texts of other errors stay in the log.
type Refusal struct{ Message string }

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// ConnectionError is a request that was refused, as Options.OnConnectionError is told
// of it.
//
// Engine.IO reference server, "connection_error".
type ConnectionError struct {
	// Request is not to be kept, nor its body read: it ends with the call.
	Request *http.Request

	// Code and Message are what the client is told, Status the answer's:
	//
	//	0  Transport unknown
	//	1  Session ID unknown
	//	2  Bad handshake method
	//	3  Bad request; with status 503 "Server is shutting down", "Server is full" or
	//	   "Server is overloaded", with 429 "Too many connections" or "Too many requests";
	//	   Err is then ErrDraining, or has a *LimitError that names the option
	//	4  Forbidden, or the text of AllowRequest's Refusal; also for origins
	//	5  Unsupported protocol version
	Code    int
	Message string
	Status  int

	// Err says more than the code does, with what AllowRequest or NewID returned
	// wrapped in it. It is nil where there is no more to say.
	Err error
}

// allow asks Options.AllowRequest about a handshake, or answers that it says no.
func (e *Engine) allow(w http.ResponseWriter, r *http.Request) bool {
	if e.opts.AllowRequest == nil {
		return true
	}
	err := e.opts.AllowRequest(r)
	if err == nil {
		return true
	}
	ref := refusedByChoice
	if chosen, ok := errors.AsType[*Refusal](err); ok && chosen.Message != "" {
		ref.Message = chosen.Message
	}
	e.refuseFor(w, r, ref, fmt.Errorf("Options.AllowRequest: %w", err))
	return false
}

// tellRefusal calls Options.OnConnectionError. A panic in it goes no further: some
// refusals come in the middle of something.
func (e *Engine) tellRefusal(r *http.Request, ref refusal, err error) {
	if e.opts.OnConnectionError == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			e.log.Error().Str("panic", textOf(v)).Bytes("stack", debug.Stack()).
				Str("in", "Options.OnConnectionError").Msg("hook panicked")
		}
	}()
	e.opts.OnConnectionError(ConnectionError{Request: r, Code: ref.Code, Message: ref.Message, Status: ref.status, Err: err})
}
