package framework

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/transport"
)

// Namespace speaks to everybody who is connected to one path. A struct embeds
// it by value to become a namespace class; Server.Of returns one for use
// outside of handlers. Its methods are safe for concurrent use.
//
// The namespace speaks to all, the sender of an event included (Flask's
// broadcast=True and to=room, JavaScript's io.emit and io.to); a Socket speaks
// to one client.
type Namespace struct{ core *namespace }

func (n *Namespace) embedded() *Namespace { return n }

// Path is where the namespace is registered, "" before that.
func (n *Namespace) Path() string {
	if n.core == nil {
		return ""
	}
	return n.core.path
}

// Emit sends event to everybody in the namespace, the sender of the event that
// is being handled included. Args become JSON; a []byte at any depth travels as
// a binary attachment. It does not wait for delivery, takes no ack callback,
// and may be called from any goroutine; args may be changed once it returned.
func (n *Namespace) Emit(event string, args ...any) error { return n.all().Emit(event, args...) }

// Send emits the event "message", as Flask's send does.
func (n *Namespace) Send(args ...any) error { return n.all().Send(args...) }

// SendJSON emits the event "json", as Flask's send with json=True does.
func (n *Namespace) SendJSON(args ...any) error { return n.all().SendJSON(args...) }

// To narrows to the members of rooms; each of them gets one copy, however many
// of the rooms it is in. A socket's id is a room with that socket in it. No
// room is nobody.
func (n *Namespace) To(rooms ...string) Broadcast { return n.all().To(rooms...) }

// In is To by its other name.
func (n *Namespace) In(rooms ...string) Broadcast { return n.all().To(rooms...) }

// Except leaves out the members of rooms, and sockets by their id.
func (n *Namespace) Except(rooms ...string) Broadcast { return n.all().Except(rooms...) }

// Volatile is everybody who has nothing queued at the moment.
func (n *Namespace) Volatile() Broadcast { return n.all().Volatile() }

// CloseRoom makes all members leave room, on every server of a cluster, as Flask's
// close_room does. It returns an error if other servers could not be told. The
// personal room of a socket cannot be closed.
func (n *Namespace) CloseRoom(room string) error {
	all, err := n.all().resolve(fmt.Sprintf("close room %q of", room))
	for _, b := range all {
		b.ns.rooms.close(room)
		if b.ns.adapter == nil {
			continue
		}
		members := adapter.Selection{Rooms: []string{room}}
		if err := b.ns.adapter.Leave(context.Background(), members, members.Rooms); err != nil {
			return fmt.Errorf("framework: close room %q: %w", room, err)
		}
	}
	return err
}

// Socket finds a connected client of this process by its id.
func (n *Namespace) Socket(sid string) (*Socket, bool) {
	at := n.at()
	if at == nil {
		return nil, false
	}
	s := at.rooms.socket(sid)
	return s, s != nil
}

// Sockets lists the connected clients of this process, in no order.
func (n *Namespace) Sockets() []*Socket {
	at := n.at()
	if at == nil {
		return nil
	}
	return at.rooms.sockets(nil)
}

// Rooms lists the rooms of this process, sorted, without the personal ones.
func (n *Namespace) Rooms() []string {
	at := n.at()
	if at == nil {
		return nil
	}
	return at.rooms.names()
}

func (n *Namespace) all() Broadcast { return Broadcast{ns: n.core} }

// namespace is the core behind a Namespace: what was registered, who is there.
type namespace struct {
	srv   *Server
	path  string
	rooms rooms

	child  *child  // nil unless a pattern made it
	handle *handle // in place of srv, for what is looked up at each use

	adapter adapter.Adapter // the rest of the cluster; nil without one
	left    sync.Once       // the cluster

	serverSide serverSide

	recovery *recovery // nil unless clients may recover

	// Written by registration, read-only from the first request on.
	mw        []Middleware
	checks    []check
	events    map[string]*route
	onConnect *route
	onEnd     *route
	onError   *route
	entry     Handler // the chain around everything; innermost, the event's target
	admission Handler // the target of a connect
}

// newNamespace makes a namespace; child is nil unless it is one.
func newNamespace(srv *Server, path string, child *child) *namespace {
	n := &namespace{srv: srv, path: path, child: child, events: make(map[string]*route), rooms: newRooms()}
	n.rooms.feed = &srv.feed
	n.recovery = newRecovery(n)
	n.rooms.recovery = n.recovery
	return n
}

// slot returns the place of an event's handler, and the form it must have.
func (n *namespace) slot(event string) (slot, form) {
	switch event {
	case connectRow:
		return slot{route: &n.onConnect}, connectForm
	case disconnectRow:
		return slot{route: &n.onEnd}, disconnectForm
	}
	return slot{table: n.events}, eventForm
}

// compile builds the chains. Registration is complete by then, so dispatch
// needs no lock.
func (n *namespace) compile() {
	n.entry = chain(HandlerFunc(n.route), n.srv.mw, n.mw)
	n.admission = HandlerFunc(n.admit)
	if n.onConnect != nil {
		n.admission = chain(n.admission, n.onConnect.mw)
		n.onConnect.setChecks(n.srv.checks, n.checks)
	}
	for _, r := range n.events {
		r.serve, r.kind = chain(r.handler, r.mw), taskEvent
		if r.concurrent {
			r.kind = taskBeside
		}
		r.setChecks(n.srv.checks, n.checks)
		r.bare = len(n.srv.mw)+len(n.mw)+len(r.mw) == 0 && r.binding != nil
		r.private = r.bare && r.binding.private()
		r.keeps = r.binding == nil || r.binding.keeps()
		if n.srv.opts.Codec != nil && r.binding != nil {
			r.keeps, r.binding.frames = true, nil // who knows what it keeps
		}
	}
	if n.child == nil { // those of children are logged once
		n.logRoutes(n.path)
	}
}

func (n *namespace) logRoutes(path string) {
	for _, event := range slices.Sorted(maps.Keys(n.events)) {
		n.srv.log.Debug().Str("nsp", path).Str("event", event).Str("handler", n.events[event].source).Msg("event registered")
	}
}

// filled tells whether the tables may be read: those of a child may be in the making.
func (n *namespace) filled() bool { return n.child == nil || n.child.ready.Load() }

// routes lists what is registered, in no order.
func (n *namespace) routes() []*route {
	rows := slices.Collect(maps.Values(n.events))
	if n.onConnect != nil {
		rows = append(rows, n.onConnect)
	}
	if n.onEnd != nil {
		rows = append(rows, n.onEnd)
	}
	return rows
}

// routeOf finds the handler that was registered for an event by name, or nil.
func (n *namespace) routeOf(name []byte) *route {
	if !n.filled() {
		return nil
	}
	return n.events[string(name)]
}

// resolve finds who serves the event whose name is the first of args, inside the
// namespace's own middleware. It is for names that packet.PeekName cannot read, or that
// nothing is registered for, and for what comes before a child has been made.
func (n *namespace) resolve(e *Event, args Args) (taskKind, error) {
	if len(args.elems) == 0 {
		return 0, errors.New("event without a name")
	}
	name, err := packet.EventName(args.elems[0])
	if err != nil {
		return 0, err
	}
	if most := n.srv.opts.MaxNameLength; len(name) > most {
		return 0, &transport.LimitError{Option: "MaxNameLength", Detail: fmt.Sprintf("event %.32q... has %d bytes, %d are the most", name, len(name), most)}
	}
	e.Name = string(name)
	if !n.filled() {
		return taskEarly, nil
	}
	return n.place(e), nil
}

// place finds who serves an event by its name, and how.
func (n *namespace) place(e *Event) taskKind {
	r := n.routeFor(e.Name)
	if r == nil {
		e.target = HandlerFunc(noHandler)
		return taskEvent
	}
	e.target = r.serve
	return r.kind
}

// routeFor finds the handler for an event, be it the one for any; nil for none.
func (n *namespace) routeFor(name string) *route {
	if r := n.events[name]; r != nil {
		return r
	}
	return n.events["*"]
}

// hint names a known event that an unknown one may have meant, as "my_event?".
func (n *namespace) hint(name string) string {
	near := nearest(name, func(yield func(string) bool) {
		for known := range n.events {
			if known != "*" && !yield(known) {
				return
			}
		}
	})
	if near == "" {
		return ""
	}
	return near + "?"
}

// errorHandler is the namespace's own, else the server's, else nil.
func (n *namespace) errorHandler() ErrorHandler {
	if n.onError != nil {
		return n.onError.report
	}
	return n.srv.onError
}

func (n *namespace) log() *zerolog.Logger { return &n.srv.log }

// checkPath panics for what cannot be a namespace's path.
func checkPath(path string) {
	if path == "" || path[0] != '/' {
		panic(fmt.Sprintf("framework: path %q does not begin with a slash: want %q", path, "/"+path))
	}
	switch i := strings.IndexAny(path, ",?{}*"); {
	case i < 0:
	case path[i] == ',':
		panic(fmt.Sprintf("framework: path %q has a comma, which ends a namespace on the wire", path))
	case path[i] == '?':
		panic(fmt.Sprintf("framework: path %q has a query, which is no part of a namespace: want %q", path, path[:i]))
	default:
		panic(fmt.Sprintf("framework: path %q is a pattern: RegisterFunc and RouteFunc serve each path that fits one", path))
	}
}

func (n *namespace) registered() bool {
	return len(n.events) > 0 || n.onConnect != nil || n.onEnd != nil || n.onError != nil
}
