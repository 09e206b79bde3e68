package framework

import (
	"fmt"
	"slices"
)

// Children are the namespaces of a pattern that exist at the moment: those that have
// clients. It may be kept and used from any goroutine.
//
// An event is encoded for each of the namespaces, since a packet names its own. Rooms of
// one name are as many rooms.
type Children struct{ all Broadcast }

// Children returns the children of a pattern as it is given to RegisterFunc or RouteFunc,
// be it before or after. For another, emitting returns ErrNotRegistered.
func (srv *Server) Children(pattern string) Children {
	h := &handle{srv: srv, path: pattern, every: true}
	return Children{Broadcast{ns: &namespace{path: pattern, handle: h}}}
}

// Emit sends event to everybody in all of them, see Namespace.Emit.
func (c Children) Emit(event string, args ...any) error { return c.all.Emit(event, args...) }

// Send emits the event "message".
func (c Children) Send(args ...any) error { return c.all.Send(args...) }

// SendJSON emits the event "json".
func (c Children) SendJSON(args ...any) error { return c.all.SendJSON(args...) }

// To selects the members of rooms, in each of them.
func (c Children) To(rooms ...string) Broadcast { return c.all.To(rooms...) }

// In is To by its other name.
func (c Children) In(rooms ...string) Broadcast { return c.all.To(rooms...) }

// Except leaves out the members of rooms, in each of them.
func (c Children) Except(rooms ...string) Broadcast { return c.all.Except(rooms...) }

// Volatile is everybody who has nothing queued at the moment.
func (c Children) Volatile() Broadcast { return c.all.Volatile() }

// Paths lists the paths, sorted. Server.Of speaks to one of them.
func (c Children) Paths() []string {
	var paths []string
	for _, n := range c.all.ns.handle.all() {
		paths = append(paths, n.path)
	}
	slices.Sort(paths)
	return paths
}

// Len is how many there are.
func (c Children) Len() int { return len(c.all.ns.handle.all()) }

// handle is a namespace, or all of a pattern, that is looked up at each use.
type handle struct {
	srv   *Server
	path  string
	every bool // of the pattern path
}

// now finds what the handle stands for at the moment. ok is false if nothing is
// registered for it.
func (h *handle) now() (found []*namespace, ok bool) {
	if h.every {
		return h.all(), h.srv.families.byText[h.path] != nil
	}
	d, ok := h.srv.door([]byte(h.path))
	if !ok {
		return nil, false
	}
	if n := d.current(); n != nil {
		found = append(found, n)
	}
	return found, true
}

// all lists the pattern's children that clients can be in.
func (h *handle) all() (list []*namespace) {
	f := h.srv.families.byText[h.path]
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.children {
		if n.child.stage == made {
			list = append(list, n)
		}
	}
	return list
}

// current is who is behind the door at the moment: nil if nobody can be.
func (d *door) current() *namespace {
	if d.ns != nil {
		return d.ns
	}
	d.family.mu.Lock()
	defer d.family.mu.Unlock()
	if n := d.family.children[d.params.path]; n != nil && n.child.stage == made {
		return n
	}
	return nil
}

// at is the namespace to look into: nil if nobody can be there.
func (n *Namespace) at() *namespace {
	if n.core == nil || n.core.handle == nil {
		return n.core
	}
	found, _ := n.core.handle.now()
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// resolve lists the selection in each namespace that it is of: in b's own, or in those
// that stand for it at the moment.
func (b Broadcast) resolve(what string) ([]Broadcast, error) {
	if b.ns != nil && b.ns.srv != nil {
		return []Broadcast{b}, nil
	}
	if b.ns == nil || b.ns.handle == nil {
		return nil, b.unregistered(what)
	}
	found, ok := b.ns.handle.now()
	if !ok {
		return nil, b.unregistered(what)
	}
	list := make([]Broadcast, len(found))
	for i := range found {
		list[i] = b
		list[i].ns = found[i]
	}
	return list, nil
}

// emitNow is Emit for what is looked up first. What cannot be sent is an error even if
// there is nobody to send it to.
func (b Broadcast) emitNow(event string, args []any) error {
	all, err := b.resolve(fmt.Sprintf("emit %q to", event))
	if err != nil {
		return err
	}
	if len(all) == 0 {
		_, err := b.encode(b.ns.handle.empty(), event, args)
		return err
	}
	for _, one := range all {
		if failed := one.Emit(event, args...); failed != nil {
			if one.ns.adapter == nil {
				return failed // it is the same for all: of what was given, not of who gets it
			}
			err = bothErrors(err, failed)
		}
	}
	return err
}

// empty stands for what a handle finds when nobody is there.
func (h *handle) empty() *namespace { return &namespace{srv: h.srv, path: h.path} }
