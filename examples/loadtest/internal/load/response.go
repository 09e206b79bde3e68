package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/parlor-go/parlor/examples/internal/wsframe"
)

// response finds HTTP answers in what comes on a connection that is kept alive:
// those with a Content-Length, which is what servers send for long polls. The
// zero value is ready.
type response struct{ buf []byte }

// feed returns the body of an answer once all of it has come, nil before. The
// body is valid until the next call.
func (r *response) feed(data []byte) (body []byte, err error) {
	if len(r.buf) > 0 {
		r.buf = append(r.buf, data...)
		data = r.buf
	}
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, r.keep(data)
	}
	size, err := contentLength(data[:end])
	if err != nil {
		return nil, err
	}
	body = data[end+4:]
	switch {
	case len(body) < size:
		return nil, r.keep(data)
	case len(body) > size:
		return nil, fmt.Errorf("an answer of %d bytes is followed by others that no request asked for: %s", size, clip(body[size:]))
	case !okStatus(data):
		return nil, fmt.Errorf("wanted status 200, got %s", clip(data))
	}
	r.buf = r.buf[:0]
	return body, nil
}

func okStatus(head []byte) bool {
	_, status, _ := bytes.Cut(head, []byte(" "))
	return bytes.HasPrefix(status, []byte("200"))
}

// keep holds on to an answer that is not whole.
func (r *response) keep(data []byte) error {
	if len(data) > wsframe.MaxMessage {
		return fmt.Errorf("an answer has more than %d bytes", wsframe.MaxMessage)
	}
	if len(r.buf) == 0 {
		r.buf = append(r.buf, data...)
	}
	return nil
}

func contentLength(head []byte) (int, error) {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(name, []byte("Content-Length")) {
			continue
		}
		n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
		if err != nil || n < 0 {
			return 0, fmt.Errorf("the server's Content-Length is %s", clip(value))
		}
		return n, nil
	}
	return 0, errors.New("the server's answer has no Content-Length: " + clip(head))
}
