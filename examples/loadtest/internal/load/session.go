package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/parlor-go/parlor/examples/internal/wsframe"
)

// session is a connection before it is handed to a driver, or one that never
// is: reads and writes block, until the deadline of its connection.
type session struct {
	conn   net.Conn
	open   openPacket
	frames wsframe.Reader
	queue  []packet // come and not asked for yet
	buf    []byte
	owned  [4 << 10]byte
}

type packet struct {
	binary bool
	data   []byte // a text packet still has its Engine.IO type
}

// openPacket is what Engine.IO greets with; times are milliseconds.
type openPacket struct {
	SID          string `json:"sid"`
	PingInterval int    `json:"pingInterval"`
	PingTimeout  int    `json:"pingTimeout"`
}

// connect opens a WebSocket and joins "/".
func (t *target) connect(deadline time.Time) (*session, error) {
	conn, err := t.dial(deadline)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn}
	s.buf = s.owned[:]
	if err := s.join(t); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *session) join(t *target) error {
	if err := s.handshake(t.upgrade); err != nil {
		return fmt.Errorf("WebSocket handshake: %w", err)
	}
	p, err := s.next()
	if err != nil {
		return fmt.Errorf("wait for Engine.IO's open packet: %w", err)
	}
	if s.open, err = parseOpen(p.data); err != nil {
		return err
	}
	if p, err = s.call("40"); err != nil {
		return fmt.Errorf("CONNECT: %w", err)
	}
	return checkConnected(p.data)
}

func parseOpen(p []byte) (open openPacket, err error) {
	if len(p) == 0 || p[0] != '0' || json.Unmarshal(p[1:], &open) != nil || open.SID == "" {
		return open, fmt.Errorf("wanted Engine.IO's open packet 0{\"sid\":...}, got %s", clip(p))
	}
	return open, nil
}

func checkConnected(p []byte) error {
	if !bytes.HasPrefix(p, []byte(`40{"sid":`)) {
		return wrong([]byte("40"), []byte(`40{"sid":...}`), p)
	}
	return nil
}

// handshake writes the request and reads the answer's head. What follows the
// head may be frames already.
func (s *session) handshake(request []byte) error {
	if _, err := s.conn.Write(request); err != nil {
		return err
	}
	have := 0
	for {
		n, err := s.conn.Read(s.buf[have:])
		if err != nil {
			return err
		}
		have += n
		end := bytes.Index(s.buf[:have], []byte("\r\n\r\n"))
		if end < 0 {
			if have == len(s.buf) {
				return errors.New("the answer's head is larger than 4 KiB")
			}
			continue
		}
		head, rest := s.buf[:end], s.buf[end+4:have]
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) || !bytes.Contains(head, []byte(wsAccept)) {
			return fmt.Errorf("wanted status 101 with the accept key %s, got %s", wsAccept, clip(s.buf[:have]))
		}
		return s.frames.Feed(rest, s.queued)
	}
}

// next waits for a packet; it serves pings itself.
func (s *session) next() (packet, error) {
	for {
		for len(s.queue) > 0 {
			p := s.queue[0]
			s.queue = s.queue[1:]
			if !p.binary && string(p.data) == "2" {
				if _, err := s.conn.Write(pong); err != nil {
					return packet{}, err
				}
				continue
			}
			return p, nil
		}
		n, err := s.conn.Read(s.buf)
		if errors.Is(err, io.EOF) {
			err = errServerClosed
		}
		if err != nil {
			return packet{}, err
		}
		if err := s.frames.Feed(s.buf[:n], s.queued); err != nil {
			return packet{}, err
		}
	}
}

func (s *session) queued(opcode byte, p []byte) error {
	switch opcode {
	case wsframe.Text, wsframe.Binary:
		s.queue = append(s.queue, packet{opcode == wsframe.Binary, bytes.Clone(p)})
	case wsframe.Close:
		return fmt.Errorf("the server closes the WebSocket (%s)", closeText(p))
	}
	return nil
}

// call sends a text packet and waits for the one that comes next.
func (s *session) call(text string) (packet, error) {
	if _, err := s.conn.Write(wsframe.OfText(text)); err != nil {
		return packet{}, err
	}
	return s.next()
}

// handOver gives the connection to d, on which c goes on where the session was.
func (s *session) handOver(d driver, c *client) error {
	if err := s.conn.SetDeadline(time.Time{}); err != nil {
		s.conn.Close()
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames, c.now = s.frames, time.Now()
	for _, p := range s.queue {
		opcode := byte(wsframe.Text)
		if p.binary {
			opcode = wsframe.Binary
		}
		if err := c.message(opcode, p.data); err != nil {
			s.conn.Close()
			return err
		}
	}
	return d.add(s.conn, c, func(w wire) { c.wire = w })
}
