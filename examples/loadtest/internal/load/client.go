package load

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parlor-go/parlor/examples/internal/wsframe"
)

// wire is how a connection is written to, whoever reads it. It is safe for
// concurrent use.
type wire interface {
	write(p []byte) error
}

// peer is this side's end of one connection. Calls are one after another, with
// the bytes that came.
type peer interface {
	receive(data []byte, now time.Time) error
}

// handler is what a scenario does with the Socket.IO packets of one client.
type handler interface {
	packet(c *client, p []byte) error // text, without Engine.IO's leading 4
	attach(c *client, p []byte) error // a binary message
}

// client is a Socket.IO client on a WebSocket, joined to "/".
type client struct {
	id      int
	mu      sync.Mutex // over what follows: a scenario starts on another goroutine than it is read on
	wire    wire
	handler handler
	frames  wsframe.Reader
	out     []byte    // written once, after all that one read brought
	now     time.Time // of that read
	pings   *atomic.Int64
}

var pong = wsframe.OfText("3")

func (c *client) receive(data []byte, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
	if err := c.frames.Feed(data, c.message); err != nil {
		return fmt.Errorf("client %d: %w", c.id, err)
	}
	return c.flush()
}

func (c *client) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	err := c.wire.write(c.out)
	c.out = c.out[:0]
	return err
}

// message takes one WebSocket message: Engine.IO's packets are served here.
func (c *client) message(opcode byte, p []byte) error {
	switch {
	case opcode == wsframe.Binary:
		return c.handler.attach(c, p)
	case opcode == wsframe.Text && len(p) > 0:
		switch p[0] {
		case '4':
			return c.handler.packet(c, p[1:])
		case '2':
			c.pings.Add(1)
			c.out = append(c.out, pong...)
			return nil
		case '6': // noop
			return nil
		}
	case opcode == wsframe.Ping:
		c.out = wsframe.Append(c.out, wsframe.Pong, p)
		return nil
	case opcode == wsframe.Pong:
		return nil
	case opcode == wsframe.Close:
		return fmt.Errorf("the server closes the WebSocket (%s)", closeText(p))
	}
	return fmt.Errorf("got a message that is no packet: %s", clip(p))
}

func closeText(p []byte) string {
	if len(p) < 2 {
		return "no code"
	}
	return strings.TrimSpace(fmt.Sprintf("code %d %s", int(p[0])<<8|int(p[1]), p[2:]))
}

// wrong is the answer that ends a run.
func wrong(sent, want, got []byte) error {
	return fmt.Errorf("sent %s, wanted %s, got %s", clip(sent), clip(want), clip(got))
}

// clip quotes enough of p for a person.
func clip(p []byte) string {
	const enough = 240
	if len(p) > enough {
		return fmt.Sprintf("%.*q... (%d bytes)", enough, p, len(p))
	}
	return fmt.Sprintf("%q", p)
}
