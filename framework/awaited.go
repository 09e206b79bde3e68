package framework

import (
	"fmt"
	"time"

	"github.com/parlor-go/parlor/transport"
)

// await begins the wait for the rest of a packet. Until it has come reading does not
// pause, or it might before what would end the pause.
func (c *conn) await() {
	c.session.AwaitAck(1)
	c.awaited.Add(1)
	if c.srv.opts.AttachmentTimeout > 0 && !c.watching.Load() {
		c.watch()
	}
}

// arrived ends it.
func (c *conn) arrived() {
	c.awaited.Add(1)
	c.session.AwaitAck(-1)
}

// watch closes a client whose packet stays incomplete. There is no timer a packet: one
// looks now and then whether what is awaited is what was the last time, and there is none
// any more once nothing has been meanwhile.
func (c *conn) watch() {
	if c.watching.CompareAndSwap(false, true) {
		c.lookLater(c.awaited.Load())
	}
}

func (c *conn) lookLater(seen uint32) {
	time.AfterFunc(c.srv.opts.AttachmentTimeout, func() { c.look(seen) })
}

func (c *conn) look(seen uint32) {
	switch now := c.awaited.Load(); {
	case now != seen:
		c.lookLater(now)
	case now%2 == 1:
		c.session.CloseWith(transport.Reason(ForcedClose), &transport.LimitError{Option: "AttachmentTimeout",
			Detail: fmt.Sprintf("a packet was not complete within %v", c.srv.opts.AttachmentTimeout)})
	default:
		c.watching.Store(false)
		if c.awaited.Load() != now { // what began just then found it set
			c.watch()
		}
	}
}
