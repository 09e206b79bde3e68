package transport

import (
	"net/http"
	"time"
)

// boundAnswer bounds how long a short answer may take that is about to be written. The
// client has the write timeout to take it: one that sends requests and never reads would
// keep a goroutine of the HTTP server's for as long as it likes otherwise, where that has
// no WriteTimeout; it cannot have one that is shorter than a poll may take. If there is a
// body, of which net/http reads a part by itself before it answers, that has its time
// before. Answers to polls and data requests have bounds of their own.
func (e *Engine) boundAnswer(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	until := time.Now()
	if r.ContentLength != 0 {
		until = until.Add(min(e.opts.BodyTimeout, e.opts.WriteTimeout))
		_ = control.SetReadDeadline(until)
	}
	_ = control.SetWriteDeadline(until.Add(e.opts.WriteTimeout))
}
