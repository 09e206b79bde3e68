package framework

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
)

// stay counts a session of a child that is kept as one more socket, while there is one.
func (n *namespace) stay() {
	if c := n.child; c != nil {
		c.family.mu.Lock()
		defer c.family.mu.Unlock()
		c.sockets++
	}
}

// crowded tells whether no session of s is to be kept, since its child is one of so many.
func (n *namespace) crowded(s *Socket) bool {
	if n.child == nil {
		return false
	}
	f := n.child.family
	half := (f.srv.opts.MaxChildren + 1) / 2
	f.mu.Lock()
	crowded := len(f.children) > half
	f.mu.Unlock()
	if crowded {
		s.conn.exceed("MaxChildren", "sessions are not kept while there are more than %d children of %q", half, f.pattern)
	}
	return crowded
}

// leave counts a socket of a child down. The last one closes it.
func (n *namespace) leave() {
	c := n.child
	if c == nil {
		return
	}
	f := c.family
	f.mu.Lock()
	c.sockets--
	ends := c.sockets == 0 && c.stage == made && c.refusal == nil
	switch {
	case ends:
		c.stage = closing
	case c.sockets == 0 && c.stage == unmade:
		f.drop(n)
	}
	f.mu.Unlock()
	if ends {
		n.srv.came() // so that the server is not empty before it is closed
		n.srv.workers.run(&ending{ns: n, left: c.classes})
	}
}

// ending is the last job of a child.
type ending struct {
	ns   *namespace
	left []NamespaceHandler // are not yet closed, the last one first
}

// work may be called again, by another worker, if a Close ends its goroutine. The child
// leaves its cluster first: nothing is to come from there to a value that is closed.
func (e *ending) work() {
	e.ns.leaveClusterAsChild()
	for len(e.left) > 0 {
		last := len(e.left) - 1
		class := e.left[last]
		e.left = e.left[:last]
		e.close(class)
	}
	e.ns.closed()
}

func (e *ending) close(class NamespaceHandler) {
	closer, ok := class.(io.Closer)
	if !ok {
		return
	}
	err, returned := error(nil), false
	defer func() {
		if !returned {
			err = misfit(recover())
		}
		if err != nil {
			e.log(err)
		}
	}()
	err = closer.Close()
	returned = true
}

func (e *ending) log(err error) {
	defer func() { _ = recover() }() // from an error that cannot bear being looked at
	line := e.ns.srv.log.Error().Str("nsp", logName(e.ns.path))
	var p *PanicError
	if errors.As(err, &p) {
		line.Bytes(stackField, p.Stack)
	}
	line.Err(err).Msg("closing a namespace failed")
}

// closed makes room for another at the same path, which some may wait for already.
func (n *namespace) closed() {
	c, f := n.child, n.child.family
	n.srv.contained("log", func() { n.srv.childGone(n) }) // or a worker would try for ever
	var first *Socket
	f.mu.Lock()
	f.drop(n)
	if next := c.next; next != nil {
		if first = next.child.follow(); next.child.sockets == 0 {
			f.drop(next)
		}
	}
	f.mu.Unlock()
	if first != nil {
		n.srv.workers.run(first)
	}
	n.srv.connGone()
}

// follow ends the wait for the one before. It returns who is to make the child, if
// anybody waits for it.
func (c *child) follow() (first *Socket) {
	c.stage = unmade
	if len(c.waiting) > 0 {
		first = c.waiting[0]
		c.waiting = slices.Delete(c.waiting, 0, 1)
		c.makeWith(first)
	}
	return first
}

// checkClosers panics for a Close that a class has from a type that it embeds: who
// embeds a shared connection does not mean it to be closed with a child.
func (n *namespace) checkClosers() {
	for _, class := range n.child.classes {
		t := reflect.TypeOf(class)
		m, ok := t.MethodByName("Close")
		if !ok || !t.Implements(reflect.TypeFor[io.Closer]()) {
			continue
		}
		if from := stranger(t, m); from != "" {
			panic(fmt.Sprintf("framework: %s at %q: its Close comes from the embedded %s, which would be closed when the last client has left: "+
				"do not embed it, or give %s a Close of its own", t, n.path, from, t))
		}
	}
}
