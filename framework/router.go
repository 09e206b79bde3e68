package framework

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"slices"

	"github.com/parlor-go/parlor/framework/internal/packet"
)

// Router registers handlers of one namespace, in the manner of chi. It is used
// inside Route, in a class's Routes method, and until the server's first
// request; a mistake panics with a sentence that says what would be right.
type Router struct {
	srv    *Server
	ns     *namespace
	mw     []Middleware // of With and Group
	checks []check      // of Group
	inline bool
	class  string // whose Routes method it was made for
	routed bool   // Use comes before the handlers it wraps
}

// Use adds middleware around connecting to the namespace and around all its
// events, or, inside Group, around what the group registers. It comes before
// the handlers.
func (r *Router) Use(mw ...Middleware) {
	r.open("Use")
	checkMiddleware(mw)
	if r.class != "" {
		panic(fmt.Sprintf("framework: Use in the Routes method of %s would wrap none of its OnXxx methods: "+
			"give the middleware to Register or Route, or use With or Group", r.class))
	}
	if r.routed {
		panic(fmt.Sprintf("framework: Use on %q comes behind a handler: middleware first", r.ns.path))
	}
	if r.inline {
		r.mw = append(r.mw, mw...)
		return
	}
	r.ns.mw = append(r.ns.mw, mw...)
}

// With returns a Router that wraps mw around what is registered through it.
func (r *Router) With(mw ...Middleware) *Router {
	r.open("With")
	checkMiddleware(mw)
	r.routed = true
	return &Router{srv: r.srv, ns: r.ns, mw: append(slices.Clip(r.mw), mw...), checks: r.checks, inline: true}
}

// open panics when registration is over: for all at the first request, for a child when
// it has been made.
func (r *Router) open(what string) {
	if r.ns.child == nil {
		r.srv.open(what)
	} else if r.ns.child.ready.Load() {
		panic(fmt.Sprintf("framework: %s on %q comes when its factory has returned: register everything in there", what, r.ns.path))
	}
}

func checkMiddleware(mw []Middleware) {
	for i, m := range mw {
		if m == nil {
			panic(fmt.Sprintf("framework: middleware %d of %d is nil", i+1, len(mw)))
		}
	}
}

// Group calls fn with a Router whose Use narrows to what fn registers.
func (r *Router) Group(fn func(r *Router)) { fn(r.With()) }

// Attach adds the OnXxx methods of a class, and calls its Routes method if it
// has one. Several classes may share a path as long as no event has two.
func (r *Router) Attach(class NamespaceHandler) {
	r.open("Attach")
	r.routed = true
	r.attach(class)
}

// On registers a function for an event: any name that the protocol does not
// reserve, "connect" and "disconnect" in the shapes of OnConnect and
// OnDisconnect, or "*" for every event that has no handler. handler is a
// function in the shape of an OnXxx method, or a Handler. A function wins over a
// class's method for the same event.
func (r *Router) On(event string, handler any) {
	r.open("On")
	r.routed = true
	slot, f := r.ns.slot(event)
	h, b, err := bindFunc(f, handler)
	switch {
	case err != nil:
	case event == "":
		err = errors.New("an event needs a name")
	case event == "connection": // the reference server's name
		err = errors.New(`no event is called so here: "connect" is served for each client that joins`)
	case slot.route == nil && packet.Reserved(event):
		err = errReservedName
		if hint := strangeEvents[event]; hint != "" {
			err = fmt.Errorf("%w: %s", err, hint)
		}
	default:
		err = slot.add(&route{event: event, mw: r.mw, checks: r.checks, source: funcName(handler), handler: h, binding: b}, r)
	}
	if err != nil {
		panic(fmt.Sprintf("framework: On(%q) on %q: %v", event, r.ns.path, err))
	}
}

// OnError registers the namespace's error handler. It wins over a class's
// OnError method.
func (r *Router) OnError(h ErrorHandler) {
	r.open("OnError")
	if h == nil {
		panic(fmt.Sprintf("framework: OnError on %q: the handler is nil", r.ns.path))
	}
	slot := slot{route: &r.ns.onError}
	if err := slot.add(&route{event: errorRow, source: funcName(h), report: h}, r); err != nil {
		panic(fmt.Sprintf("framework: OnError on %q: %v", r.ns.path, err))
	}
}

var errReservedName = errors.New("the protocol reserves that name")

// The rows of the table that serve no event of the client.
const (
	connectRow    = "connect"
	disconnectRow = "disconnect"
	errorRow      = "error handler" // never the name of an event's slot
)

// route is one registered handler.
type route struct {
	event   string
	mw      []Middleware // of With and Group, inside the namespace's
	checks  []check      // of Group, behind the namespace's
	source  string       // for messages and Events
	method  bool         // of a class; a function wins over it
	handler Handler
	binding *binding     // how handler decodes; nil for a Handler of the user's
	report  ErrorHandler // for OnError

	concurrent bool // served beside the other events of a socket

	// Made at the first request.
	serve   Handler // handler in its whole chain
	kind    taskKind
	bare    bool // nobody but the framework sees the reply
	private bool // nor the event's context
	keeps   bool // what the arguments point into may be kept by who gets them
}

// newContext returns the context of an event for r, or for a handler unknown yet.
// Its data is empty, and may only be appended to.
func (r *route) newContext() *eventContext {
	if r == nil {
		return &eventContext{}
	}
	var ec *eventContext
	switch {
	case r.private:
		ec = privates.Get().(*eventContext)
		if ec.keeps = r.keeps; ec.keeps {
			ec.data = nil
		}
	case r.keeps:
		ec = &eventContext{}
	default: // who keeps the event keeps its context anyway
		roomy := &roomyContext{}
		ec = &roomy.eventContext
		ec.data = roomy.bytes[:0]
	}
	if r.bare {
		ec.event.room = &ec.result
	}
	return ec
}

// slot is the place of a handler; two of a sort do not share one.
type slot struct {
	route **route
	table map[string]*route
}

func (s slot) add(r *route, by *Router) error {
	if n, most := len(r.event), by.srv.opts.MaxNameLength; s.route == nil && n > most {
		return fmt.Errorf("the name has %d bytes, and Options.MaxNameLength is %d: no client could send it", n, most)
	}
	present := s.current(r.event)
	switch {
	case present == nil:
	case present.method == r.method:
		return fmt.Errorf("%s and %s both serve %q", present.source, r.source, r.event)
	default:
		function, method := r, present
		if r.method {
			function, method = present, r
		}
		by.srv.log.Debug().Str("nsp", by.ns.path).Str("event", r.event).
			Str("function", function.source).Str("method", method.source).Msg("function wins over method")
		function.concurrent = function.concurrent || method.concurrent
		r = function
	}
	if s.route != nil {
		*s.route = r
	} else {
		s.table[r.event] = r
	}
	return nil
}

func (s slot) current(event string) *route {
	if s.route != nil {
		return *s.route
	}
	return s.table[event]
}

// funcName is how a function is called in messages.
func funcName(f any) string {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Func {
		return fmt.Sprintf("%T", f)
	}
	if fn := runtime.FuncForPC(v.Pointer()); fn != nil {
		return path.Base(fn.Name())
	}
	return v.Type().String()
}
