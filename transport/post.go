package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/parlor-go/parlor/transport/internal/payload"
)

// bodies are pooled buffers for the bodies of POSTs, and messages that are compressed.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func freeBody(body *bytes.Buffer) {
	if body.Cap() <= keepSize {
		body.Reset()
		bodies.Put(body)
	}
}

// servePOST takes packets from the client.
func (s *Session) servePOST(w http.ResponseWriter, r *http.Request) {
	post := &pendingPOST{control: http.NewResponseController(w)}
	if !s.beginPOST(w, r, post) {
		return
	}
	status := s.handlePOST(w, r, post)
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	answer(w, "text/html", []byte("ok"))
}

// handlePOST is readPOST with post as the pending one, however that ends.
func (s *Session) handlePOST(w http.ResponseWriter, r *http.Request, post *pendingPOST) int {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.poll != nil && s.poll.post == post {
			s.poll.post = nil
		}
	}()
	status := s.readPOST(w, r, post)
	if post.reading { // which has not begun
		s.engine.boundAnswer(w, r)
	} else {
		_ = post.control.SetWriteDeadline(time.Now().Add(s.engine.opts.WriteTimeout))
	}
	return status
}

// beginPOST makes post the pending one, or answers why not.
func (s *Session) beginPOST(w http.ResponseWriter, r *http.Request, post *pendingPOST) bool {
	p := s.lockPolling(w, r)
	if p == nil {
		return false
	}
	if p.post != nil {
		s.mu.Unlock()
		_ = s.violation(ReasonTransportError, errPostTwice)
		s.engine.boundAnswer(w, r)
		w.WriteHeader(http.StatusBadRequest)
		return false
	}
	p.post = post
	post.reading = true
	s.mu.Unlock()
	return true
}

// readPOST reads the request and handles its packets. It returns the status to
// answer with.
func (s *Session) readPOST(w http.ResponseWriter, r *http.Request, post *pendingPOST) int {
	if s.ended.Load() {
		return http.StatusOK // closing: the client has yet to poll for that
	}
	if !s.v3 && isBinary(r.Header.Get("Content-Type")) {
		_ = s.violation(ReasonTransportError, errPostBinary)
		return http.StatusBadRequest
	}
	opts := &s.engine.opts
	if r.ContentLength > int64(opts.MaxPayload) {
		s.tooLarge(r.ContentLength)
		return http.StatusRequestEntityTooLarge
	}

	body := bodies.Get().(*bytes.Buffer)
	defer func() {
		_ = s.underWay(post.read, 0)
		freeBody(body)
	}()
	err := s.readBody(w, r, post, body)
	switch {
	case err == nil:
	case errors.As(err, new(*LimitError)):
		_ = s.violation(ReasonTransportError, err)
		return http.StatusServiceUnavailable
	case s.ended.Load():
		return http.StatusBadRequest
	case errors.As(err, new(*http.MaxBytesError)):
		s.tooLarge(int64(post.read))
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		_ = s.violation(ReasonTransportError, &LimitError{"BodyTimeout", fmt.Sprintf("the body of a POST took longer than %v", opts.BodyTimeout)})
		return http.StatusRequestTimeout
	default:
		_ = s.violation(ReasonTransportError, errPostAborted)
		return http.StatusBadRequest
	}

	rest, next := s.decoder(r, body.Bytes())
	for more := true; more && !s.ended.Load(); {
		var p payload.Packet
		p, rest, more, err = next(rest)
		if err != nil {
			_ = s.violation(ReasonParseError, err)
			return http.StatusBadRequest
		}
		if s.packet(p.Type, p.Data, p.Binary) != nil {
			return http.StatusBadRequest
		}
		// Not only before the answer: one body may hold more than the backlog does.
		if !s.mayRead() {
			liftDeadlines(post.control) // a deadline that passes would cancel the request
			s.pause(r.Context().Done())
		}
		if r.Context().Err() != nil {
			_ = s.violation(ReasonTransportError, errPostAborted)
			return http.StatusBadRequest
		}
	}
	return http.StatusOK
}

// readBody reads the body.
func (s *Session) readBody(w http.ResponseWriter, r *http.Request, post *pendingPOST, body *bytes.Buffer) error {
	opts := &s.engine.opts
	s.mu.Lock()
	if !s.ended.Load() { // or end has set one that is over
		_ = post.control.SetReadDeadline(time.Now().Add(opts.BodyTimeout))
	}
	s.mu.Unlock()

	var src io.Reader = http.MaxBytesReader(w, r.Body, int64(opts.MaxPayload))
	if r.ContentLength < 0 || r.ContentLength >= freeShare {
		src = &bodyReader{src, s, post}
	}
	_, err := body.ReadFrom(src)

	s.mu.Lock()
	defer s.mu.Unlock()
	post.reading = false
	return err
}

// bodyReader counts what it reads.
type bodyReader struct {
	io.Reader
	session *Session
	post    *pendingPOST
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	before := b.post.read
	b.post.read += n
	if limit := b.session.underWay(before, b.post.read); limit != nil {
		return n, limit
	}
	return n, err
}

// tooLarge counts a body that is longer than it may be; length is what is known of it.
func (s *Session) tooLarge(length int64) {
	limit := s.engine.opts.MaxPayload
	s.engine.Exceed(&LimitError{"MaxPayload", fmt.Sprintf("the body of a POST has %d bytes or more, %d are the most",
		max(length, int64(limit)+1), limit)}, s.logID())
}

// isBinary tells the content type of Engine.IO v3's binary payloads, which v4 has not.
func isBinary(contentType string) bool {
	if !strings.HasPrefix(contentType, "app") {
		return false // what clients send is text/plain
	}
	t, _, _ := mime.ParseMediaType(contentType)
	return t == "application/octet-stream"
}
