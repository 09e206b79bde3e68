package transport

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wsClient is a WebSocket client that shows the frames.
type wsClient struct {
	t    *testing.T
	conn net.Conn
	br   *bufio.Reader
	res  *http.Response // to the handshake
}

// frame is what came over a WebSocket: an opcode and a payload.
type frame struct {
	opcode byte
	data   string
}

func (f frame) String() string { return fmt.Sprintf("%d:%.100q", f.opcode, f.data) }

// dialWS sends a WebSocket handshake. The response may be a refusal.
func (h *harness) dialWS(target string, headers ...string) *wsClient {
	h.t.Helper()
	conn, err := h.dial()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	req := "GET " + target + " HTTP/1.1\r\n"
	set := map[string]string{
		"Host": "parlor.test", "Upgrade": "websocket", "Connection": "Upgrade",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	}
	for i := 0; i+1 < len(headers); i += 2 {
		set[headers[i]] = headers[i+1]
	}
	for name, value := range set {
		if value != "" {
			req += name + ": " + value + "\r\n"
		}
	}
	if _, err := io.WriteString(conn, req+"\r\n"); err != nil {
		h.t.Fatal(err)
	}
	c := &wsClient{t: h.t, conn: conn, br: bufio.NewReader(conn)}
	c.res, err = http.ReadResponse(c.br, nil)
	if err != nil {
		h.t.Fatalf("handshake: %v", err)
	}
	return c
}

// openWS opens a session on a WebSocket.
func (h *harness) openWS() (*wsClient, *peer) {
	h.t.Helper()
	c := h.dialWS(wsQuery)
	if c.res.StatusCode != 101 {
		h.t.Fatalf("handshake: got %s", c.res.Status)
	}
	if f := c.read(); f.opcode != opText || !strings.HasPrefix(f.data, "0{") {
		h.t.Fatalf("got %v, want the open packet", f)
	}
	return c, h.peer()
}

// refusal returns status and body of a refused handshake.
func (c *wsClient) refusal() response {
	body, err := io.ReadAll(io.LimitReader(c.res.Body, max(c.res.ContentLength, 0)))
	return response{status: c.res.StatusCode, header: c.res.Header, body: string(body), err: err}
}

// next reads a frame.
func (c *wsClient) next() (frame, error) {
	var head [2]byte
	_ = c.conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	if _, err := io.ReadFull(c.br, head[:]); err != nil {
		return frame{}, err
	}
	n := uint64(head[1])
	switch n {
	case 126:
		var b [2]byte
		if _, err := io.ReadFull(c.br, b[:]); err != nil {
			return frame{}, err
		}
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		if _, err := io.ReadFull(c.br, b[:]); err != nil {
			return frame{}, err
		}
		n = binary.BigEndian.Uint64(b[:])
	}
	data := make([]byte, n)
	_, err := io.ReadFull(c.br, data)
	return frame{head[0] & 0xf, string(data)}, err
}

// read reads a frame, which must come.
func (c *wsClient) read() frame {
	c.t.Helper()
	f, err := c.next()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return f
}

// want reads a text frame.
func (c *wsClient) want(text string) {
	c.t.Helper()
	if got, want := c.read(), (frame{opText, text}); got != want {
		c.t.Fatalf("got frame %v, want %v", got, want)
	}
}

// wantEnd reads until the server has closed the connection, and returns the close
// frame if there was one.
func (c *wsClient) wantEnd() (closeFrame *frame) {
	c.t.Helper()
	for {
		f, err := c.next()
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				c.t.Fatal("the server did not close the connection")
			}
			return closeFrame
		}
		if f.opcode == opClose {
			closeFrame = &f
			_ = c.tryWrite(opClose, []byte(f.data[:min(2, len(f.data))]))
		}
	}
}

// write sends a frame.
func (c *wsClient) write(opcode byte, data string) {
	c.t.Helper()
	if err := c.tryWrite(opcode, []byte(data)); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *wsClient) tryWrite(opcode byte, data []byte) error {
	b := appendHeader(nil, 0x80|opcode, len(data))
	b[1] |= 0x80
	b = append(b, 0, 0, 0, 0) // a mask that masks nothing
	_ = c.conn.SetWriteDeadline(time.Now().Add(60 * time.Second))
	_, err := c.conn.Write(append(b, data...))
	return err
}

// send sends a text frame.
func (c *wsClient) send(text string) {
	c.t.Helper()
	c.write(opText, text)
}
