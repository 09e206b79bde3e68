package transport

import "net/http"

// setHeaders lets Options.Headers add to the response. It comes before anything has
// been done for the request: a panic then leaves nothing behind.
func (e *Engine) setHeaders(w http.ResponseWriter, r *http.Request) {
	if e.opts.Headers != nil {
		e.opts.Headers(w.Header(), r)
	}
}

// setInitialHeaders is setHeaders for a handshake.
func (e *Engine) setInitialHeaders(w http.ResponseWriter, r *http.Request) {
	if e.opts.InitialHeaders != nil {
		e.opts.InitialHeaders(w.Header(), r)
	}
	e.setHeaders(w, r)
}
