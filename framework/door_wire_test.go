package framework_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// pipeListener accepts connections in memory.
type pipeListener struct {
	calls chan net.Conn
	down  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{calls: make(chan net.Conn), down: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.calls:
		return c, nil
	case <-l.down:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.down) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return hostileAddr }

// hostileAddr is of a documentation network, RFC 5737.
var hostileAddr = &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 4711}

type hostileEnd struct{ net.Conn }

func (hostileEnd) RemoteAddr() net.Addr { return hostileAddr }
func (hostileEnd) LocalAddr() net.Addr  { return hostileAddr }

// hostileConn is a connection of a hostile client. What it sends waits without bound,
// what comes is kept, unless it stalls.
type hostileConn struct {
	net.Conn
	queue   chan []byte
	done    chan struct{}
	once    sync.Once
	methods []string // of the requests, in order
	unclear bool     // what was sent is no sequence of requests, or may not be
	known   int      // bytes that were searched for sessions

	stalled atomic.Bool
	resumed chan struct{}

	mu       sync.Mutex
	received bytes.Buffer
	ended    bool // by the server
}

func newHostileConn(l *pipeListener) *hostileConn {
	mine, theirs := net.Pipe()
	c := &hostileConn{
		Conn:    mine,
		queue:   make(chan []byte, 64),
		done:    make(chan struct{}),
		resumed: make(chan struct{}, 1),
	}
	l.calls <- hostileEnd{theirs}
	go c.write()
	go c.read()
	return c
}

func (c *hostileConn) write() {
	for {
		select {
		case b := <-c.queue:
			_, _ = c.Write(b) // it ends when either side closes
		case <-c.done:
			return
		}
	}
}

func (c *hostileConn) read() {
	buf := make([]byte, 4096)
	for {
		if c.stalled.Load() {
			select {
			case <-c.resumed:
			case <-c.done:
				return
			}
		}
		n, err := c.Read(buf)
		c.mu.Lock()
		c.received.Write(buf[:n])
		c.ended = err != nil
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// send queues b; the script is short enough for the queue.
func (c *hostileConn) send(b []byte) { c.queue <- b }

// request sends one that is answered by itself.
func (c *hostileConn) request(method, text string) {
	c.methods = append(c.methods, method)
	c.send([]byte(text))
}

func (c *hostileConn) stall() { c.stalled.Store(true) }

func (c *hostileConn) resume() {
	if c.stalled.CompareAndSwap(true, false) {
		select {
		case c.resumed <- struct{}{}:
		default:
		}
	}
}

func (c *hostileConn) close() {
	c.once.Do(func() {
		close(c.done)
		_ = c.Conn.Close()
	})
}

// over tells whether either side has closed.
func (c *hostileConn) over() bool {
	select {
	case <-c.done:
		return true
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		c.close()
	}
	return c.ended
}

var sidPattern = regexp.MustCompile(`\{\\?"sid\\?":\\?"([A-Za-z0-9_-]{20})\\?","upgrades`)

func (c *hostileConn) newSIDs() (sids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range sidPattern.FindAllSubmatch(c.received.Bytes()[c.known:], -1) {
		sids = append(sids, string(m[1]))
	}
	c.known = c.received.Len()
	return sids
}

// statuses are those that there may be, from this server or from net/http.
var statuses = []int{
	http.StatusSwitchingProtocols, http.StatusOK, http.StatusNoContent, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound,
	http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusExpectationFailed, http.StatusUpgradeRequired, http.StatusTooManyRequests,
	http.StatusRequestHeaderFieldsTooLarge, http.StatusNotImplemented, http.StatusServiceUnavailable, http.StatusHTTPVersionNotSupported,
}

// refusals are the texts of Engine.IO's errors.
var refusals = []string{
	"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden", "Unsupported protocol version", "Server is full",
	"Server is overloaded", "Server is shutting down", "Too many connections", "Too many requests",
}

// checkAnswers judges all that a connection was answered: nothing of the server's
// insides is in it, each request has one answer, which is well formed, and behind a 101
// there are frames.
func checkAnswers(t *testing.T, c *hostileConn, deflate bool) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.received.Bytes()
	for _, inside := range []string{"goroutine ", "runtime error", ".go:", "panic: ", "a panic", "an error", "203.0.113"} {
		if bytes.Contains(all, []byte(inside)) && !deflate {
			t.Errorf("the client was told %q in %q", inside, all)
		}
	}
	if c.unclear {
		return
	}
	r := bufio.NewReader(bytes.NewReader(all))
	for _, method := range c.methods {
		answer, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v in %q", err, all)
			}
			return
		}
		if !slices.Contains(statuses, answer.StatusCode) {
			t.Errorf("got status %d, in %q", answer.StatusCode, all)
		}
		if answer.StatusCode == http.StatusSwitchingProtocols {
			checkFrames(t, r, deflate)
			return
		}
		body, err := io.ReadAll(answer.Body)
		if err == nil && len(body) > 0 && answer.Header.Get("Content-Type") == "application/json" {
			checkRefusal(t, body)
		}
		if answer.Close {
			return
		}
	}
}

func checkRefusal(t *testing.T, body []byte) {
	t.Helper()
	var refusal struct {
		Code    *int
		Message string
	}
	if err := json.Unmarshal(body, &refusal); err != nil || refusal.Code == nil || !slices.Contains(refusals, refusal.Message) {
		t.Errorf("got the refusal %q, %v", body, err)
	}
}

// checkFrames reads the frames of a server until they end, perhaps in the middle of one.
func checkFrames(t *testing.T, r *bufio.Reader, deflate bool) {
	t.Helper()
	closed := false
	for {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		opcode, size := head[0]&0x0f, int(head[1]&0x7f)
		switch reserved := head[0] & 0x70; {
		case head[1]&0x80 != 0, opcode > 10, opcode > 2 && opcode < 8, reserved&0x30 != 0, reserved != 0 && !deflate,
			opcode >= 8 && (size > 125 || head[0]&0x80 == 0):
			t.Errorf("got a frame that begins with %x", head)
			return
		case closed:
			t.Errorf("got a frame that begins with %x behind a close frame", head)
		}
		more := 0
		switch size {
		case 126:
			more = 2
		case 127:
			more = 8
		}
		if more > 0 {
			size = 0
			for range more {
				b, err := r.ReadByte()
				if err != nil {
					return
				}
				size = size<<8 | int(b)
			}
		}
		var payload strings.Builder
		if _, err := io.CopyN(&payload, r, int64(size)); err != nil {
			return
		}
		closed = opcode == 8
		if closed && size > 2 {
			t.Errorf("got a close frame with the reason %q, which may name what is inside", payload.String()[2:])
		}
	}
}
