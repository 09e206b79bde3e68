package framework

import (
	"bytes"
	"log"

	"github.com/rs/zerolog"
)

// httpErrors takes what net/http has to say. Clients can have it say a line for each
// request, so that is for debugging; what concerns the operator is an error: panics of
// the application's handlers, and connections that cannot be accepted for want of files.
type httpErrors struct{ log *zerolog.Logger }

func newHTTPErrors(l *zerolog.Logger) *log.Logger { return log.New(httpErrors{l}, "", 0) }

// Write takes one line, or a panic with its stack.
func (h httpErrors) Write(p []byte) (int, error) {
	line := h.log.Debug()
	if bytes.HasPrefix(p, []byte("http: panic serving")) || bytes.HasPrefix(p, []byte("http: Accept error")) {
		line = h.log.Error()
	}
	text, stack, _ := bytes.Cut(p, []byte{'\n'})
	if len(stack) > 0 {
		line.Bytes(stackField, stack)
	}
	line.Str("from", "net/http").Msg(string(text))
	return len(p), nil
}
