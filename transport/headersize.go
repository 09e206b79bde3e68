package transport

import (
	"fmt"
	"net/http"
)

var refusedHeader = refusal{status: http.StatusRequestHeaderFieldsTooLarge, Code: 3, Message: "Request header is too large"}

// fieldOverhead is what a header costs beside its name and value, in bytes: as HTTP/2
// counts it, RFC 9113 section 6.5.2.
const fieldOverhead = 32

// headerSize returns the size of a request's URL and headers.
func headerSize(r *http.Request) int {
	size := len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value) + fieldOverhead
		}
	}
	return size
}

// checkHeader returns what is wrong with a request that is larger than what is kept of
// it for as long as its session is there. http.Server alone would let in a megabyte.
func (e *Engine) checkHeader(r *http.Request) error {
	limit := e.opts.MaxHeader
	if limit < 0 {
		return nil
	}
	if size := headerSize(r); size > limit {
		return &LimitError{"MaxHeader", fmt.Sprintf("URL and headers of a handshake are %d bytes, %d are the most", size, limit)}
	}
	return nil
}
