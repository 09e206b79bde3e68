package sockettest

import (
	"errors"
	"fmt"
	"slices"
)

// readAll handles all that the server sends, to the end, which err is already
// when the packets of the handshake brought it.
func (c *Conn) readAll(err error) {
	for err == nil {
		frames, failed := c.wire.read()
		// A payload may hold good packets before a broken one.
		if err = c.receiveAll(frames); err == nil {
			err = failed
		}
	}
	if _, ok := c.wire.(*polling); ok {
		c.settle()
	}
	c.finish(err)
}

// settle waits for a POST under way. When the server refuses it and ends the
// poll as well, the POST's status says more than the poll's close packet.
func (c *Conn) settle() {
	for {
		c.mu.Lock()
		done, changed := c.over || !c.writing, c.changed
		c.mu.Unlock()
		if done {
			return
		}
		<-changed
	}
}

// finish notes the end of the connection, and how it came to it.
func (c *Conn) finish(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	var how ended
	switch known := errors.As(err, &how); {
	case !known:
		c.how, c.fault = "protocol error", err
	case c.leaving != "":
		c.how = c.leaving
	default:
		c.how = string(how)
	}
	// The answer to a close frame still goes out.
	c.queue = slices.DeleteFunc(c.queue, func(f frame) bool { return f.op != opClose })
	c.notify()
}

// enqueue has f written behind what is queued. c.mu is held.
func (c *Conn) enqueue(f frame) {
	if c.over || c.leaving != "" {
		return
	}
	c.queue = append(c.queue, f)
	c.notify()
}

// idle reports that all that was sent is written. c.mu is held.
func (c *Conn) idle() bool { return len(c.queue) == 0 && !c.writing }

// writeAll writes what is queued, and closes the connection when it is over.
func (c *Conn) writeAll() {
	defer c.wire.close()
	for {
		frames := c.takeQueue()
		if frames == nil {
			return
		}
		if err := c.wire.write(frames); err != nil {
			c.finish(err) // first: settle waits for the end of the writing
		}
		c.mu.Lock()
		c.writing = false
		c.notify()
		c.mu.Unlock()
	}
}

// takeQueue waits for frames to write. It returns nil when there will be none.
func (c *Conn) takeQueue() []frame {
	for {
		c.mu.Lock()
		if frames := c.queue; len(frames) > 0 {
			c.queue, c.writing = nil, true
			for _, f := range frames {
				c.note(">", f)
			}
			c.mu.Unlock()
			return frames
		}
		over, changed := c.over, c.changed
		c.mu.Unlock()
		if over {
			return nil
		}
		<-changed
	}
}

// note adds f to the log. c.mu is held.
func (c *Conn) note(arrow string, f frame) {
	const most = 1000
	if len(c.log) >= 2*most {
		c.log = slices.Delete(c.log, 0, len(c.log)-most)
	}
	c.log = append(c.log, arrow+" "+f.String())
}

// String is the frame as the log has it.
func (f frame) String() string {
	switch f.op {
	case opText:
		return string(f.data)
	case opBinary:
		const most = 64
		if len(f.data) > most {
			return fmt.Sprintf("binary %x... (%d bytes)", f.data[:most], len(f.data))
		}
		return fmt.Sprintf("binary %x", f.data)
	case opClose:
		return fmt.Sprintf("close frame %d", closeCode(f.data))
	case opPing:
		return "ping frame"
	}
	return "pong frame"
}

func (c *Conn) receiveAll(frames []frame) error {
	for _, f := range frames {
		if err := c.receive(f); err != nil {
			return err
		}
	}
	return nil
}

// receive handles one frame. An error ends the connection.
func (c *Conn) receive(f frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.notify()
	c.note("<", f)
	switch f.op {
	case opText:
		return c.receiveEngine(f.data)
	case opBinary:
		return c.receiveAttachment(f.data)
	case opPing:
		c.enqueue(frame{op: opPong, data: f.data})
	case opClose:
		c.enqueue(frame{op: opClose, data: f.data[:min(2, len(f.data))]})
		return ended(fmt.Sprintf("close frame %d", closeCode(f.data)))
	}
	return nil
}

// receiveEngine handles a textual Engine.IO packet, "Protocol" in its version 4.
func (c *Conn) receiveEngine(packet []byte) error {
	if len(packet) == 0 {
		return protocolError("a text frame", errors.New("want an Engine.IO packet, got nothing"))
	}
	switch packet[0] {
	case '1':
		return ended("close packet")
	case '2':
		if !c.noPong {
			c.enqueue(textFrame("3" + string(packet[1:])))
		}
		return nil
	case '4':
		return c.receiveText(string(packet[1:]))
	case '6':
		return nil
	}
	return protocolError(fmt.Sprintf("Engine.IO packet %q", clip(string(packet))),
		errors.New("want a close, ping, message or noop packet (1, 2, 4, 6)"))
}

func (c *Conn) receiveText(text string) error {
	what := fmt.Sprintf("packet %q", clip(text))
	if c.partial != nil {
		return protocolError(what, fmt.Errorf("it came before the attachments of %q", c.partial.name))
	}
	p, err := parsePacket(text)
	if err != nil {
		return protocolError(what, err)
	}
	if p.awaited > 0 {
		if err := checkPlaceholders(p.args, p.awaited); err != nil {
			return protocolError(what, err)
		}
		c.partial = p
		return nil
	}
	return c.handle(p)
}

func (c *Conn) receiveAttachment(data []byte) error {
	p := c.partial
	if p == nil {
		return protocolError("an attachment", errors.New("no packet waits for one"))
	}
	p.attachments = append(p.attachments, data)
	if len(p.attachments) < p.awaited {
		return nil
	}
	c.partial = nil
	return c.handle(p)
}

// handle gives a complete packet to its socket. c.mu is held.
func (c *Conn) handle(p *packet) error {
	s := c.sockets[p.path]
	if s == nil {
		return c.unasked(p)
	}
	switch p.kind {
	case kindConnect:
		if s.state != joining {
			return c.unasked(p)
		}
		s.id, s.pid, s.state = p.text, p.pid, joined
	case kindConnectError:
		if s.state != joining {
			return c.unasked(p)
		}
		s.refusal, s.state = &Refusal{Message: p.text, Data: p.data}, gone
		delete(c.sockets, p.path)
	case kindDisconnect:
		if s.state == left {
			return nil // the two crossed
		}
		if s.state == joining && !s.again {
			return c.unasked(p)
		}
		if s.state == joined {
			s.reason, s.state = "io server disconnect", gone
			delete(c.sockets, p.path)
		}
	default:
		return s.receive(p)
	}
	return nil
}

// unasked is what becomes of a packet that answers nothing. c.mu is held.
func (c *Conn) unasked(p *packet) error {
	if c.raw {
		return nil
	}
	var what string
	err := errUnasked
	switch {
	case p.isEvent():
		what, err = fmt.Sprintf("the event %q", p.name), errNotJoined
	case p.isAck():
		what = fmt.Sprintf("an answer to the call %d", p.id)
	default:
		what = map[byte]string{
			kindConnect:      "a CONNECT",
			kindDisconnect:   "a DISCONNECT",
			kindConnectError: "a CONNECT_ERROR",
		}[p.kind]
	}
	return protocolError(fmt.Sprintf("%s for %q", what, p.path), err)
}
