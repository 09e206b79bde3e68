package transport

// Settle returns when each Handler.Message that was running has returned. Handlers that
// take nothing more from some moment on call it behind that: what they took before it,
// they have by then.
func (e *Engine) Settle() {
	for _, s := range e.all() {
		s.recv.Lock()
		s.recv.Unlock() //lint:ignore SA2001 whoever held it has let go
	}
}

// ShutdownWhere closes, as Shutdown does, the sessions whose Handler done is true of. It
// does not wait for their end.
func (e *Engine) ShutdownWhere(done func(h Handler) bool) {
	for _, s := range e.all() {
		s.mu.Lock()
		h := s.handler
		s.mu.Unlock()
		if h != nil && done(h) && s.end(ReasonServerShuttingDown, nil, endShutdown) {
			go s.notify()
		}
	}
}

// giveGrace kills the connection in a while, unless its peer has taken some of what it
// is owed by then: to one that is slow it is delivered still.
func (c *conn) giveGrace(owed int) {
	c.session.workers.wheel.Set(&c.timer, closeGrace, func() {
		if left := c.buffered(); left > 0 && left < owed {
			c.giveGrace(left)
			return
		}
		c.kill()
	})
}

// linger lets polls fetch what is left of a closed session, for as long as they go on
// fetching some in each while. Its caller has the lock.
func (s *Session) linger(mode endMode) {
	owed := s.poll.owed()
	s.workers.wheel.Set(&s.deadline, s.engine.lingerTime(mode), func() {
		s.mu.Lock()
		if left := s.poll.owed(); s.poll.lingers && left > 0 && left < owed {
			s.linger(mode)
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		s.stopLingering()
	})
}

// handOver gives c, to which the client has moved, what no poll has fetched of a
// session that was shut down amid that, and reports whether there was any such. Its
// caller has the lock.
func (s *Session) handOver(c *conn) bool {
	p := s.poll
	if p.probe != c || !p.lingers || p.final != finalRefusal {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != connOpen {
		return false
	}
	p.moveTo(c)
	p.probe, p.upgrading, p.probing = nil, false, false
	return true
}

// moveTo moves what waits for polls to what waits on c. Its caller has the locks of
// both.
func (p *pollState) moveTo(c *conn) {
	skip := p.skip
	for _, m := range p.queue {
		if skip > 0 {
			m, skip = m.behind(skip).Uncompressed(), 0 // compressing takes time, see makeLooks
		}
		c.put(c.look(m), m)
	}
	p.drop()
}
