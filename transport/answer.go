package transport

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// plainText is the content type of most answers to polls.
const plainText = "text/plain; charset=UTF-8"

// answer writes a short answer.
func answer(w http.ResponseWriter, contentType string, body []byte) {
	setAnswerHeader(w.Header(), contentType, len(body))
	_, _ = w.Write(body)
}

// setAnswerHeader sets what each answer has, with one allocation for all values.
func setAnswerHeader(h http.Header, contentType string, length int) {
	values := [...]string{contentType, strconv.Itoa(length), "no-store", "nosniff"}
	h["Content-Type"] = values[0:1:1]
	h["Content-Length"] = values[1:2:2]
	h["Cache-Control"] = values[2:3:3]
	h["X-Content-Type-Options"] = values[3:4:4]
}

// answerPoll writes b as the answer to a poll. Clients may take their time, but have
// to take something within the write timeout.
func (s *Session) answerPoll(w http.ResponseWriter, r *http.Request, control *http.ResponseController, b *batch) {
	buf := buffers.Get().(*buffer)
	var contentType string
	buf.b, contentType = s.encodeAnswer(buf.b, b, r)
	body := buf.b

	h := w.Header()
	if threshold := s.engine.opts.CompressionThreshold; threshold >= 0 {
		addVary(h, "Accept-Encoding")
		if len(body) >= threshold && b.compress && h.Get("Content-Encoding") == "" {
			if coding := acceptedCoding(r.Header["Accept-Encoding"]); coding != "" {
				h.Set("Content-Encoding", coding)
				body = compress(body, coding)
			}
		}
	}
	setAnswerHeader(h, contentType, len(body))

	for len(body) > 0 {
		_ = control.SetWriteDeadline(time.Now().Add(s.engine.opts.WriteTimeout))
		n, err := w.Write(body[:min(len(body), wholePiece)])
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = tookNothing(s.engine.opts.WriteTimeout)
			}
			_ = s.violation(ReasonTransportError, err)
			return
		}
		body = body[n:]
	}
	buf.free() // not after an error: HTTP/2 may still be reading from it then
}

// addVary adds name to the Vary header unless it is there.
func addVary(h http.Header, name string) {
	for _, v := range h["Vary"] {
		for field := range strings.SplitSeq(v, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, name) {
				return
			}
		}
	}
	h.Add("Vary", name)
}
