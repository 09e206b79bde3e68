package sockettest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// separator stands between two packets of a payload.
const separator = 0x1e

// polling is the client's side of HTTP long polling: one GET that waits, and
// POSTs beside it, each on a connection of its own that is kept alive.
type polling struct {
	request    func(method, contentType string, body []byte) *http.Request
	get, post  *lane
	maxPayload int         // bytes in one POST, as the server announced
	pending    func(bool)  // told when a GET is with the server, and when it no longer is
	done       atomic.Bool // closed, or the client has said "1": nothing more is fetched
}

func (p *polling) read() ([]frame, error) {
	if p.done.Load() {
		return nil, ended("polling close")
	}
	answer, err := p.get.do(p.request(http.MethodGet, "", nil), func() { p.pending(true) })
	p.pending(false)
	if err != nil {
		return nil, ended("eof")
	}
	if answer.status != http.StatusOK {
		return nil, ended(fmt.Sprintf("status %d", answer.status))
	}
	return decodePayload(answer.body)
}

// write sends frames in as few POSTs as maxPayload allows. A frame that is
// longer goes out alone, for the server to refuse.
func (p *polling) write(frames []frame) error {
	for len(frames) > 0 {
		n, size := 0, 0
		for _, f := range frames {
			packet := payloadSize(f)
			if n > 0 && p.maxPayload > 0 && size+1+packet > p.maxPayload {
				break
			}
			size += 1 + packet
			n++
		}
		if err := p.send(frames[:n]); err != nil {
			return err
		}
		frames = frames[n:]
	}
	return nil
}

func (p *polling) send(frames []frame) error {
	for _, f := range frames {
		if f.op == opText && string(f.data) == "1" {
			p.done.Store(true)
		}
	}
	body := encodePayload(frames)
	answer, err := p.post.do(p.request(http.MethodPost, "text/plain;charset=UTF-8", body), nil)
	if err != nil {
		return ended("eof")
	}
	if answer.status != http.StatusOK {
		return ended(fmt.Sprintf("status %d", answer.status))
	}
	if string(answer.body) != "ok" {
		return fmt.Errorf("a POST was answered %q, want \"ok\"", clip(string(answer.body)))
	}
	return nil
}

func (p *polling) close() {
	p.done.Store(true)
	p.get.close()
	p.post.close()
}

func payloadSize(f frame) int {
	if f.op == opBinary {
		return 1 + base64.StdEncoding.EncodedLen(len(f.data))
	}
	return len(f.data)
}

func encodePayload(frames []frame) []byte {
	var b []byte
	for i, f := range frames {
		if i > 0 {
			b = append(b, separator)
		}
		if f.op == opBinary {
			b = append(b, 'b')
			b = base64.StdEncoding.AppendEncode(b, f.data)
		} else {
			b = append(b, f.data...)
		}
	}
	return b
}

func decodePayload(body []byte) ([]frame, error) {
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("the payload is not UTF-8: %q", clip(string(body)))
	}
	var frames []frame
	for packet := range bytes.SplitSeq(body, []byte{separator}) {
		if len(packet) == 0 {
			return frames, fmt.Errorf("empty packet in the payload %q", clip(string(body)))
		}
		if packet[0] != 'b' {
			frames = append(frames, frame{op: opText, data: packet})
			continue
		}
		data, err := base64.StdEncoding.Strict().DecodeString(string(packet[1:]))
		if err != nil {
			return frames, fmt.Errorf("binary packet in a payload: %w", err)
		}
		frames = append(frames, frame{op: opBinary, data: data})
	}
	return frames, nil
}

// lane carries one request after the other over a kept connection. Unlike
// http.Transport it never repeats a request behind the test's back.
type lane struct {
	dial func() (net.Conn, error)
	conn atomic.Pointer[keptConn] // nil: dial first
}

type keptConn struct {
	net.Conn
	br *bufio.Reader
}

// response is an HTTP answer, read to its end.
type response struct {
	status int
	header http.Header
	body   []byte
}

// do sends req and returns the answer. In between, when the server has read the
// request, it calls written, unless that is nil.
func (l *lane) do(req *http.Request, written func()) (*response, error) {
	conn := l.conn.Load()
	if conn == nil {
		raw, err := l.dial()
		if err != nil {
			return nil, err
		}
		conn = &keptConn{Conn: raw, br: bufio.NewReader(raw)}
		l.conn.Store(conn)
	}
	// A pipe holds nothing: a server that answers before it has read the whole
	// body would wait for this side to read, and this side for the server.
	wrote := make(chan error, 1)
	go func() {
		err := req.Write(conn)
		if err == nil && written != nil {
			written()
		}
		wrote <- err
	}()

	answer, keep, err := readAnswer(conn.br, req)
	if err != nil || !keep {
		l.conn.Store(nil)
		conn.Close()
	}
	if writeErr := <-wrote; err == nil && keep {
		err = writeErr
	}
	return answer, err
}

func (l *lane) doWithin(timeout time.Duration, req *http.Request) (*response, error) {
	var expired atomic.Bool
	timer := time.AfterFunc(timeout, func() {
		expired.Store(true)
		l.close()
	})
	defer timer.Stop()
	answer, err := l.do(req, nil)
	if expired.Load() {
		return nil, fmt.Errorf("no answer within %v", timeout)
	}
	return answer, err
}

func (l *lane) close() {
	if conn := l.conn.Load(); conn != nil {
		conn.Close()
	}
}

func readAnswer(br *bufio.Reader, req *http.Request) (answer *response, keep bool, err error) {
	resp, err := http.ReadResponse(br, req)
	if err != nil {
		return nil, false, err
	}
	answer, err = readResponse(resp)
	return answer, !resp.Close, err
}

func readResponse(resp *http.Response) (*response, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the body of an answer: %w", err)
	}
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		if body, err = io.ReadAll(z); err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
	}
	return &response{status: resp.StatusCode, header: resp.Header, body: body}, nil
}
