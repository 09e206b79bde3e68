package framework

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/rs/zerolog"
)

// child is what a namespace that was made for a pattern has beside others. It is there
// from its first socket's CONNECT to its last one's end, and counts them.
type child struct {
	family *family
	params Params
	ready  atomic.Bool // its tables are filled, and may be read

	// Guarded by family.mu.
	stage   stage
	sockets int
	waiting []*Socket  // are started when it has been made
	next    *namespace // of the same path, is made when this one has been closed

	// Written by who makes it, before ready is set or refusal matters.
	classes []NamespaceHandler // in the order in which they were attached
	refusal *Error             // what its sockets are told; nil if it could be made
}

type stage uint8

const (
	unmade  stage = iota // nobody has begun to make it
	behind               // it has to wait for the one before it to be closed
	making               // its first socket's worker is about to make it
	made                 // or it could not be: then it is in its family no longer
	closing              // its last socket is finished
)

// Texts for clients who cannot join a child.
const (
	unknownNamespace = "Invalid namespace"
	tooMany          = "Too many namespaces"
)

// door is where a path leads to.
type door struct {
	ns     *namespace // what is registered there; nil for a child
	family *family
	params Params
}

// door finds where a path leads to. ok is false for nowhere.
func (srv *Server) door(path []byte) (d door, ok bool) {
	if ns := srv.lookup(path); ns != nil {
		return door{ns: ns}, true
	}
	f, params := srv.families.match(string(path))
	return door{family: f, params: params}, f != nil
}

func (d *door) path() string {
	if d.ns != nil {
		return d.ns.path
	}
	return d.params.path
}

// enter returns the namespace, which counts one more socket if it is a child: that
// is to leave it. It returns nil if there is no room for another child.
func (d *door) enter() *namespace {
	if d.ns != nil {
		return d.ns
	}
	f, path := d.family, d.params.path
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.children[path]
	switch {
	case n == nil:
		if len(f.children) >= f.srv.opts.MaxChildren {
			return nil
		}
		n = f.newChild(d.params, unmade)
	case n.child.stage == closing:
		before := n
		n = f.newChild(d.params, behind)
		before.child.next = n
	}
	n.child.sockets++
	return n
}

func (f *family) newChild(params Params, at stage) *namespace {
	n := newNamespace(f.srv, params.path, &child{family: f, params: params, stage: at})
	f.children[n.path] = n
	return n
}

// drop forgets a child, unless another has its path already. Its caller has the lock.
func (f *family) drop(n *namespace) {
	if f.children[n.path] == n {
		delete(f.children, n.path)
	}
}

// turn tells whether s may begin to connect, which nobody else has begun for it. Who
// comes first makes the child before; who has to wait is started when it is made.
func (c *child) turn(s *Socket) bool {
	c.family.mu.Lock()
	defer c.family.mu.Unlock()
	switch c.stage {
	case unmade:
		c.makeWith(s)
	case behind, making:
		c.waiting = append(c.waiting, s)
		return false
	}
	return true
}

// makeWith has s make the child before it connects.
func (c *child) makeWith(s *Socket) {
	c.stage = making
	s.queue.pushFront(&task{kind: taskMake})
}

// make fills in a child. What runs in it is the user's, so it may do anything.
func (n *namespace) make() {
	c := n.child
	c.refusal = &Error{Message: failed}
	err, returned := error(nil), false
	defer func() {
		if !returned {
			err = misfit(recover())
		}
		n.made(err)
	}()
	if failure := n.joinCluster(); failure != nil {
		err = misfitError(failure.Error())
	} else if err = c.family.build(&Router{srv: n.srv, ns: n}, c.params); err != nil {
		if c.refusal = publicError(err); c.refusal == nil {
			c.refusal = &Error{Message: unknownNamespace}
		}
	} else {
		n.checkClosers()
		n.compile()
		c.refusal = nil
	}
	returned = true
}

// misfitError says why something cannot be registered.
type misfitError string

func (e misfitError) Error() string { return string(e) }

// misfit makes an error of what was panicked with: registering does so, since for other
// namespaces that is at start-up. nil is for a goroutine that was ended.
func misfit(v any) error {
	if v == nil {
		v = errGoexit
	}
	if text, ok := v.(string); ok && strings.HasPrefix(text, "framework: ") {
		return misfitError(text)
	}
	return &PanicError{Value: v, Stack: debug.Stack()}
}

// made ends the making of a child.
func (n *namespace) made(err error) {
	defer n.settle() // whatever becomes of the rest
	c, f := n.child, n.child.family
	if err == nil {
		f.learn(n)
		n.srv.childMade(n)
		c.ready.Store(true)
	} else {
		n.leaveClusterAsChild()
		n.logUnmade(err)
	}
}

// settle lets in, or refuses, who waits.
func (n *namespace) settle() {
	c, f := n.child, n.child.family
	f.mu.Lock()
	c.stage = made
	if c.refusal != nil {
		f.drop(n) // so that who comes now is another's first
	}
	waiting := c.waiting
	c.waiting = nil
	f.mu.Unlock()
	for _, s := range waiting {
		n.srv.workers.run(s)
	}
}

func (n *namespace) logUnmade(err error) {
	defer func() {
		if v := recover(); v != nil { // a nil pointer in an error, say
			n.srv.log.Error().Str("nsp", logName(n.path)).Str("panic", textOf(v)).Msg("namespace not made")
		}
	}()
	var p *PanicError
	var m misfitError
	line := n.srv.log.Error()
	if !errors.As(err, &p) && !errors.As(err, &m) {
		line = n.srv.throttles.unmade.line(&n.srv.log, zerolog.InfoLevel, loudUnmade)
	}
	if p != nil {
		line.Bytes(stackField, p.Stack)
	}
	line.Str("nsp", logName(n.path)).Str("pattern", n.child.family.pattern).Err(err).Msg("namespace not made")
}

// childMade is called when a child has been made, before any of its sockets connects.
func (srv *Server) childMade(n *namespace) {
	srv.log.Debug().Str("nsp", logName(n.path)).Str("pattern", n.child.family.pattern).Msg("namespace made")
	srv.feed.namespaceMade(n)
}

// childGone is called when a child has been closed, before another can be made at its
// path.
func (srv *Server) childGone(n *namespace) {
	srv.log.Debug().Str("nsp", logName(n.path)).Str("pattern", n.child.family.pattern).Msg("namespace gone")
	srv.feed.namespaceGone(n)
}

// learn notes the handlers of the first child of its classes, for Events.
func (f *family) learn(n *namespace) {
	classes := ""
	for _, class := range n.child.classes {
		classes += fmt.Sprintf("%T ", class)
	}
	f.mu.Lock()
	known := f.learned[classes]
	if !known {
		if f.learned == nil {
			f.learned = make(map[string]bool)
		}
		f.learned[classes] = true
		for _, r := range n.routes() {
			if !slices.ContainsFunc(f.rows, r.serves) {
				f.rows = append(f.rows, r.info(f.pattern))
			}
		}
	}
	f.mu.Unlock()
	if !known {
		n.logRoutes(f.pattern)
	}
}

func (r *route) serves(row EventInfo) bool { return row.Event == r.event && row.Handler == r.source }
