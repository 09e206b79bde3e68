package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parlor-go/parlor/examples/internal/wsframe"
)

// message is one of Engine.IO's: text, or an attachment.
type message struct {
	binary bool
	data   []byte
}

// link is one Engine.IO connection: a WebSocket, long polling, or the one and then the
// other. One goroutine reads, any may send.
type link struct {
	addr string
	sid  string
	http *http.Client

	sending sync.Mutex // one POST at a time; over ws too
	ws      net.Conn   // nil while polling
	in      io.Reader  // of ws
	frames  wsframe.Reader

	probed atomic.Pointer[net.Conn] // a WebSocket that polling gives way to, behind its next answer
	moved  chan struct{}            // closed when it has
	ctx    context.Context          // of polls
	cancel context.CancelFunc
	silent atomic.Bool // a polling client that does not poll again
}

const (
	dialPatience = 15 * time.Second
	sendPatience = 30 * time.Second
)

var (
	errSilent = errors.New("the client fell silent")
	errClosed = errors.New("the server closed the connection")
)

// handshakeError is a refusal.
type handshakeError struct {
	status     int
	retryAfter string
	body       string
}

func (e *handshakeError) Error() string {
	return fmt.Sprintf("handshake: status %d, Retry-After %q: %s", e.status, e.retryAfter, e.body)
}

// dialWebSocket opens a WebSocket; with a session's id it is to be its upgrade. What has
// come behind the 101 is in the reader.
func dialWebSocket(addr, sid string) (net.Conn, *bufio.Reader, error) {
	conn, err := net.DialTimeout("tcp", addr, dialPatience)
	if err != nil {
		return nil, nil, err
	}
	in, err := upgradeRequest(conn, addr, sid)
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return conn, in, nil
}

func upgradeRequest(conn net.Conn, addr, sid string) (*bufio.Reader, error) {
	_ = conn.SetDeadline(time.Now().Add(dialPatience)) // fails with what follows
	if sid != "" {
		sid = "&sid=" + sid
	}
	if _, err := fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", sid, addr); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(conn, 1<<10)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return nil, &handshakeError{res.StatusCode, res.Header.Get("Retry-After"), string(body)}
	}
	return in, nil
}

// openWebSocket opens a session on a WebSocket. The open packet comes to who reads.
func openWebSocket(addr string) (*link, error) {
	conn, in, err := dialWebSocket(addr, "")
	if err != nil {
		return nil, err
	}
	return &link{addr: addr, ws: conn, in: in}, conn.SetDeadline(time.Time{})
}

func (l *link) opened(p []byte) error {
	var open struct{ SID string }
	if l.sid != "" || len(p) == 0 || p[0] != '0' || json.Unmarshal(p[1:], &open) != nil || open.SID == "" {
		return fmt.Errorf("wanted an open packet, got %.100q", p)
	}
	l.sid = open.SID
	return nil
}

// openPolling opens a session over long polling.
func openPolling(addr string, client *http.Client) (*link, error) {
	l := &link{addr: addr, http: client, moved: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	body, err := l.request(http.MethodGet, nil)
	if err == nil {
		err = l.opened(body)
	}
	if err != nil {
		l.cancel()
		return nil, err
	}
	return l, nil
}

func (l *link) request(method string, body []byte) ([]byte, error) {
	url := "http://" + l.addr + "/socket.io/?EIO=4&transport=polling"
	if l.sid != "" {
		url += "&sid=" + l.sid
	}
	req, err := http.NewRequestWithContext(l.ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := l.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = &handshakeError{res.StatusCode, res.Header.Get("Retry-After"), string(answer)}
	}
	return answer, err
}

// probe opens the WebSocket that the session is to move to, and returns when it may.
func (l *link) probe() error {
	conn, in, err := dialWebSocket(l.addr, l.sid)
	if err != nil {
		return err
	}
	if _, err = conn.Write(wsframe.OfText("2probe")); err == nil {
		want := "\x81\x063probe"
		got := make([]byte, len(want))
		if _, err = io.ReadFull(in, got); err == nil && string(got) != want {
			err = fmt.Errorf("wanted a probe's answer, got %q", got)
		}
	}
	if err == nil && in.Buffered() > 0 {
		err = errors.New("more than a probe's answer came on a probe")
	}
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("upgrade: %w", err)
	}
	_ = conn.SetDeadline(time.Time{})
	l.probed.Store(&conn)
	return nil
}

// move goes on on the WebSocket.
func (l *link) move(conn net.Conn) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.ws, l.in = conn, conn
	close(l.moved)
	_, err := conn.Write(wsframe.OfText("5"))
	return err
}

// send sends messages behind each other, with nothing between.
func (l *link) send(messages ...message) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	var out []byte
	if l.ws == nil {
		for i, m := range messages {
			if i > 0 {
				out = append(out, 0x1e)
			}
			if m.binary {
				out = base64.StdEncoding.AppendEncode(append(out, 'b'), m.data)
			} else {
				out = append(append(out, '4'), m.data...)
			}
		}
		return l.post(out)
	}
	for _, m := range messages {
		if m.binary {
			out = wsframe.Append(out, wsframe.Binary, m.data)
		} else {
			out = wsframe.Append(out, wsframe.Text, append([]byte{'4'}, m.data...))
		}
	}
	return l.write(out)
}

func (l *link) post(body []byte) error {
	answer, err := l.request(http.MethodPost, body)
	if err == nil && string(answer) != "ok" {
		err = fmt.Errorf("wanted ok for a POST, got %.100q", answer)
	}
	return err
}

func (l *link) write(frames []byte) error {
	_ = l.ws.SetWriteDeadline(time.Now().Add(sendPatience)) // fails with the write
	_, err := l.ws.Write(frames)
	return err
}

func (l *link) pong() error {
	l.sending.Lock()
	defer l.sending.Unlock()
	if l.ws == nil {
		return l.post([]byte("3"))
	}
	return l.write(wsframe.OfText("3"))
}

// read calls each with what comes, until the link ends or is told to be silent.
func (l *link) read(each func(binary bool, data []byte) error) error {
	for l.ws == nil {
		if l.silent.Load() {
			return errSilent
		}
		body, err := l.request(http.MethodGet, nil)
		if err != nil {
			return err
		}
		for _, p := range strings.Split(string(body), "\x1e") {
			if err := l.packet([]byte(p), each); err != nil {
				return err
			}
		}
		if conn := l.probed.Load(); conn != nil {
			if err := l.move(*conn); err != nil {
				return err
			}
		}
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := l.in.Read(buf)
		if err == nil {
			err = l.frames.Feed(buf[:n], func(opcode byte, p []byte) error { return l.frame(opcode, p, each) })
		}
		switch e, ok := errors.AsType[net.Error](err); {
		case ok && e.Timeout():
			return errSilent
		case errors.Is(err, io.EOF):
			return errClosed
		case err != nil:
			return err
		}
	}
}

func (l *link) packet(p []byte, each func(bool, []byte) error) error {
	if len(p) == 0 {
		return errors.New("got an empty packet")
	}
	switch p[0] {
	case '0':
		return l.opened(p)
	case '4':
		return each(false, p[1:])
	case 'b':
		data, err := base64.StdEncoding.DecodeString(string(p[1:]))
		if err != nil {
			return err
		}
		return each(true, data)
	case '2':
		return l.pong()
	case '6':
		return nil
	case '1':
		return errClosed
	}
	return fmt.Errorf("got a packet that is none: %.100q", p)
}

func (l *link) frame(opcode byte, p []byte, each func(bool, []byte) error) error {
	switch opcode {
	case wsframe.Text:
		return l.packet(p, each)
	case wsframe.Binary:
		return each(true, p)
	case wsframe.Close:
		return fmt.Errorf("%w, with close frame %x", errClosed, p)
	}
	return fmt.Errorf("got a frame with opcode %d", opcode)
}

// hush has read return soon. A WebSocket stays open and may be listened to again.
func (l *link) hush() {
	l.silent.Store(true)
	l.sending.Lock()
	defer l.sending.Unlock()
	if l.ws != nil {
		_ = l.ws.SetReadDeadline(time.Unix(1, 0))
	}
}

// listen undoes hush, once read has returned.
func (l *link) listen() {
	l.silent.Store(false)
	_ = l.ws.SetReadDeadline(time.Time{})
}

// shrink has the kernel take little that is not read.
func (l *link) shrink() { _ = l.ws.(*net.TCPConn).SetReadBuffer(4 << 10) } // it is a wish

// cut ends the connection: with a FIN, or as a poll that is broken off.
func (l *link) cut() {
	l.sending.Lock()
	ws := l.ws
	l.sending.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
	if ws != nil {
		_ = ws.Close()
	}
	if conn := l.probed.Load(); conn != nil {
		_ = (*conn).Close()
	}
}
