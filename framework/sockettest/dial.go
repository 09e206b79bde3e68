package sockettest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Options say how a client connects. The zero value is a WebSocket to "/socket.io/".
type Options struct {
	// Path is where the server is mounted in the handler; "" means "/socket.io/".
	Path string
	// Transport is "websocket", which "" means as well, "polling", or "upgrade":
	// polling first, and Dial returns when the connection has moved to a WebSocket.
	Transport string
	// Header goes with every request. "Host" sets the host, which is "example.com" otherwise.
	Header http.Header
	// Query goes with every request and replaces what the client sets itself,
	// so that {"EIO": {"3"}} asks for protocol 3.
	Query url.Values
	// NoPong leaves the server's pings unanswered, as a client does that has
	// lost its network.
	NoPong bool
	// Timeout bounds each wait; 0 means 5s. In a synctest bubble it passes in fake time.
	Timeout time.Duration
}

// HandshakeError is a server's refusal to open a connection.
type HandshakeError struct {
	Status int         // of the HTTP answer; 101 for a WebSocket that ended before the server's first packet
	Header http.Header // of the HTTP answer
	Body   string      // of the HTTP answer
	// Code and Message are Engine.IO's, from a body such as
	// {"code":1,"message":"Session ID unknown"}. Code is -1 where the body is none.
	Code    int
	Message string
}

// Error has the status with Engine.IO's code and message, or with the body.
func (e *HandshakeError) Error() string {
	if e.Code >= 0 {
		return fmt.Sprintf("the handshake was refused: status %d, code %d %q", e.Status, e.Code, e.Message)
	}
	return fmt.Sprintf("the handshake was refused: status %d, body %q", e.Status, clip(e.Body))
}

func refused(answer *response) *HandshakeError {
	e := &HandshakeError{Status: answer.status, Header: answer.header, Body: string(answer.body), Code: -1}
	var known struct {
		Code    *int
		Message string
	}
	if json.Unmarshal(answer.body, &known) == nil && known.Code != nil {
		e.Code, e.Message = *known.Code, known.Message
	}
	return e
}

// Connect opens a connection with the default Options and joins the namespace
// path: the short way to a Socket. It fails the test when either is refused.
// The connection is Socket.Conn.
func Connect(tb testing.TB, h http.Handler, path string, auth ...any) *Socket {
	tb.Helper()
	return Dial(tb, h, Options{}).Join(path, auth...)
}

// Dial opens a connection to the Socket.IO server in h. It fails the test when
// the server refuses.
func Dial(tb testing.TB, h http.Handler, opts Options) *Conn {
	tb.Helper()
	c, refusal := TryDial(tb, h, opts)
	if refusal != nil {
		tb.Fatalf("sockettest: %v", refusal)
	}
	return c
}

// TryDial is Dial for a test in which the server may refuse: it returns either
// a connection or the refusal. An answer that is neither fails the test.
func TryDial(tb testing.TB, h http.Handler, opts Options) (*Conn, *HandshakeError) {
	tb.Helper()
	if opts.Timeout == 0 {
		opts.Timeout = 5 * time.Second
	}
	d := &dialer{opts: opts, host: serve(tb, h)}
	var open *opened
	var refusal *HandshakeError
	var err error
	switch opts.Transport {
	case "", "websocket":
		open, refusal, err = d.webSocket()
	case "polling":
		open, refusal, err = d.polling()
	case "upgrade":
		if open, refusal, err = d.polling(); open != nil {
			err = d.upgrade(open)
		}
	default:
		tb.Fatalf("sockettest: Options.Transport is %q, want \"\", \"websocket\", \"polling\" or \"upgrade\"", opts.Transport)
	}
	if err != nil {
		tb.Fatalf("sockettest: handshake: %v", err)
	}
	if refusal != nil {
		d.host.stop()
		return nil, refusal
	}
	return newConn(tb, d.host, opts, open), nil
}

// dialer makes the handshake.
type dialer struct {
	opts Options
	host *host
	sid  string // "" until the server has given one
	sent atomic.Int64
}

// opened is a connection behind its handshake.
type opened struct {
	wire     wire
	header   http.Header
	packet   openPacket
	first    []frame // what came with the open packet, and during the upgrade
	exchange []string
}

// openPacket is the server's half of the handshake: Engine.IO protocol v4, "Handshake".
type openPacket struct {
	SID          string
	Upgrades     []string
	PingInterval int // milliseconds
	PingTimeout  int // milliseconds
	MaxPayload   int // bytes
}

func (o *opened) parse(f frame) error {
	if f.op != opText || len(f.data) == 0 || f.data[0] != '0' {
		return fmt.Errorf("the first packet is %s, want the open packet 0{...}", f)
	}
	if err := json.Unmarshal(f.data[1:], &o.packet); err != nil {
		return fmt.Errorf("open packet: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(f.data[1:], &members); err != nil {
		return fmt.Errorf("open packet: %w", err)
	}
	for _, key := range []string{"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"} {
		if members[key] == nil {
			return fmt.Errorf("open packet: no %s in %s", key, f.data)
		}
	}
	if p := o.packet; p.SID == "" || p.Upgrades == nil || p.PingInterval <= 0 || p.PingTimeout <= 0 {
		return fmt.Errorf("open packet: want a sid, a list of upgrades, and times above 0 in %s", f.data)
	}
	o.exchange = append(o.exchange, "< "+f.String())
	return nil
}

func (d *dialer) request(transport, method, contentType string, body []byte) *http.Request {
	query := url.Values{"EIO": {"4"}, "transport": {transport}}
	if transport == "polling" {
		query.Set("t", strconv.FormatInt(d.sent.Add(1), 36)) // keeps browsers from caching
	}
	if d.sid != "" {
		query.Set("sid", d.sid)
	}
	maps.Copy(query, d.opts.Query)
	path := d.opts.Path
	if path == "" {
		path = "/socket.io/"
	}
	req := &http.Request{
		Method: method,
		URL:    &url.URL{Scheme: "http", Host: "example.com", Path: path, RawQuery: query.Encode()},
		Header: http.Header{"Accept-Encoding": {"gzip"}, "User-Agent": {"sockettest"}},
		Host:   "example.com",
	}
	for name, values := range d.opts.Header {
		if strings.EqualFold(name, "Host") && len(values) > 0 {
			req.Host = values[0]
			continue
		}
		req.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	if body != nil {
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.ContentLength = int64(len(body))
		req.Header.Set("Content-Type", contentType)
	}
	return req
}

func (d *dialer) webSocket() (*opened, *HandshakeError, error) {
	ws, answer, err := d.dialWebSocket()
	if err != nil {
		return nil, nil, err
	}
	if ws == nil {
		return nil, refused(answer), nil
	}
	f, err := d.next(ws)
	if how, ok := err.(ended); ok {
		answer.body = []byte(how)
		return nil, refused(answer), nil
	}
	if err != nil {
		return nil, nil, err
	}
	o := &opened{wire: ws, header: answer.header}
	return o, nil, o.parse(f)
}

func (d *dialer) dialWebSocket() (*webSocket, *response, error) {
	conn, err := d.host.dial()
	if err != nil {
		return nil, nil, err
	}
	return upgrade(conn, d.request("websocket", http.MethodGet, "", nil), d.opts.Timeout)
}

// next reads one packet of a WebSocket that no goroutine reads yet.
func (d *dialer) next(ws *webSocket) (frame, error) {
	ws.conn.SetReadDeadline(time.Now().Add(d.opts.Timeout))
	defer ws.conn.SetReadDeadline(time.Time{})
	f, err := readMessage(ws.br)
	switch {
	case err == nil && f.op == opClose:
		return f, ended(fmt.Sprintf("close frame %d", closeCode(f.data)))
	case err == io.EOF:
		return f, ended("eof")
	case err != nil:
		return f, fmt.Errorf("read from the websocket: %w", err)
	}
	return f, nil
}

func (d *dialer) polling() (*opened, *HandshakeError, error) {
	p := &polling{
		get:  &lane{dial: d.host.dial},
		post: &lane{dial: d.host.dial},
		request: func(method, contentType string, body []byte) *http.Request {
			return d.request("polling", method, contentType, body)
		},
	}
	answer, err := p.get.doWithin(d.opts.Timeout, p.request(http.MethodGet, "", nil))
	if err != nil {
		return nil, nil, err
	}
	if answer.status != http.StatusOK {
		return nil, refused(answer), nil
	}
	frames, err := decodePayload(answer.body)
	if err != nil {
		return nil, nil, err
	}
	o := &opened{wire: p, header: answer.header, first: frames[1:]}
	if err := o.parse(frames[0]); err != nil {
		return nil, nil, err
	}
	d.sid, p.maxPayload = o.packet.SID, o.packet.MaxPayload
	return o, nil, nil
}

// upgrade moves o from polling to a WebSocket: Engine.IO protocol v4, "Upgrade".
func (d *dialer) upgrade(o *opened) error {
	if !slices.Contains(o.packet.Upgrades, "websocket") {
		return fmt.Errorf("upgrade: the server offers %q, want \"websocket\" among them", o.packet.Upgrades)
	}
	p := o.wire.(*polling)
	type poll struct {
		answer *response
		err    error
	}
	polled := make(chan poll, 1)
	go func() {
		answer, err := p.get.doWithin(d.opts.Timeout, p.request(http.MethodGet, "", nil))
		polled <- poll{answer, err}
	}()
	ws, err := d.probe()
	if err != nil {
		p.close()
		<-polled
		return fmt.Errorf("upgrade: %w", err)
	}
	// The server has to let the poll go that was under way.
	last := <-polled
	p.close()
	if last.err != nil {
		return fmt.Errorf("upgrade: the poll during the probe: %w", last.err)
	}
	if last.answer.status != http.StatusOK {
		return fmt.Errorf("upgrade: the poll during the probe was answered with status %d", last.answer.status)
	}
	frames, err := decodePayload(last.answer.body)
	if err != nil {
		return fmt.Errorf("upgrade: the poll during the probe: %w", err)
	}
	ws.write([]frame{textFrame("5")})
	o.exchange = append(o.exchange, "> 2probe", "< 3probe", "> 5")
	o.first = append(o.first, frames...)
	o.wire = ws
	return nil
}

func (d *dialer) probe() (*webSocket, error) {
	ws, answer, err := d.dialWebSocket()
	if err != nil {
		return nil, err
	}
	if ws == nil {
		return nil, refused(answer)
	}
	ws.write([]frame{textFrame("2probe")})
	f, err := d.next(ws)
	if err != nil {
		return nil, fmt.Errorf("after 2probe: %w", err)
	}
	if f.op != opText || string(f.data) != "3probe" {
		return nil, fmt.Errorf("2probe was answered with %s, want 3probe", f)
	}
	return ws, nil
}
