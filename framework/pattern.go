package framework

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
)

// RegisterFunc serves every path that fits a pattern in chi's form, such as
// "/job/{id}", "/org/{org}/room/{room:[a-z]+}" or "/files/*": one namespace for each
// path, its child, with a value of its own that factory makes. A path that is
// registered as it stands goes before all patterns; of these chi's order decides. A
// regular expression is for the whole of a value. mw wraps each child as Register's does.
//
// A child is made when its first client connects, before any middleware: factory, like
// the class's Routes method, runs for it on the worker of that client, while others who
// join the same path wait. What factory returns is checked as Register checks it, but a
// misfit refuses the clients and is logged, as a panic and a nil value are. An error of
// Refuse, or an *Error, tells them why; any other is "Invalid namespace", and is logged
// at info. For the next client to come factory is called again.
//
// A child ends with its last socket, be it disconnected or refused: Close is called if
// its value is an io.Closer. Who joins that path later gets a new value, for which
// factory is not called before Close of the one before has returned.
//
// There may be Options.MaxChildren at a time; no path of more than 1024 bytes
// fits a pattern, nor one of more than Options.MaxNameLength.
//
// The value speaks to its namespace once factory has returned. What factory starts may
// use Server.Of(p.Path()) before.
func (srv *Server) RegisterFunc(pattern string, factory func(p Params) (NamespaceHandler, error), mw ...Middleware) {
	srv.open("RegisterFunc")
	if factory == nil {
		panic(fmt.Sprintf("framework: RegisterFunc(%q): the factory is nil", pattern))
	}
	checkMiddleware(mw)
	srv.RouteFunc(pattern, func(r *Router, p Params) error {
		class, err := factory(p)
		if err != nil {
			return err
		}
		r.Use(mw...)
		r.Attach(class)
		return nil
	})
}

// RouteFunc is RegisterFunc with functions in a class's place: fn is called for each
// child, to register its handlers, and refuses it with an error.
func (srv *Server) RouteFunc(pattern string, fn func(r *Router, p Params) error) {
	srv.open("RouteFunc")
	if fn == nil {
		panic(fmt.Sprintf("framework: RouteFunc(%q): the function is nil", pattern))
	}
	checkPattern(pattern)
	srv.families.add(&family{srv: srv, pattern: pattern, build: fn, children: make(map[string]*namespace)})
}

// Params tell the path that a child is made for, and what stands in it in the place of
// the pattern's parameters, as it came from the client.
type Params struct {
	path         string
	keys, values []string
}

// Path is the child's path.
func (p Params) Path() string { return p.path }

// Get is what stands for a parameter, or for "*". "" if the pattern has none of that
// name.
func (p Params) Get(name string) string {
	for i, key := range p.keys {
		if key == name {
			return p.values[i]
		}
	}
	return ""
}

// ParamsFrom returns those of the child that ctx's event belongs to, for middleware and
// functions; the zero Params where there is no such.
func ParamsFrom(ctx context.Context) Params {
	if e := EventFrom(ctx); e != nil && e.Socket.ns.child != nil {
		return e.Socket.ns.child.params
	}
	return Params{}
}

// family is what RouteFunc was given, and the children made by it.
type family struct {
	srv     *Server
	pattern string
	forms   []*regexp.Regexp // of its parameters
	build   func(r *Router, p Params) error

	mu       sync.Mutex
	children map[string]*namespace // by path; gone ones no longer
	rows     []EventInfo
	learned  map[string]bool // the classes whose rows are there
}

// maxChildPath is how long a child's path may be in bytes: it is kept, and matched.
const maxChildPath = 1024

// families finds the one that a path fits, in chi's own tree.
type families struct {
	tree   *chi.Mux           // nil without patterns
	byText map[string]*family // what the tree finds
	shapes map[string]string  // text by what is left of it without names
}

func (fs *families) add(f *family) {
	if fs.tree == nil {
		*fs = families{chi.NewMux(), make(map[string]*family), make(map[string]string)}
	}
	_, shape := anatomy(f.pattern)
	if other, ok := fs.shapes[shape]; ok {
		panic(fmt.Sprintf("framework: pattern %q: %q is registered already and fits the same paths", f.pattern, other))
	}
	defer func() {
		if v := recover(); v != nil {
			panic(fmt.Sprintf("framework: pattern %q is not in chi's form: %v: want something like %q, %q or %q", f.pattern,
				v, "/job/{id}", "/org/{org}/room/{room:[a-z]+}", "/files/*"))
		}
	}()
	fs.tree.Get(f.pattern, http.NotFound)
	f.forms = formsOf(f.pattern)
	fs.byText[f.pattern], fs.shapes[shape] = f, f.pattern
}

// match returns nil if the path fits none.
func (fs *families) match(path string) (*family, Params) {
	if fs.tree == nil || len(path) > maxChildPath {
		return nil, Params{}
	}
	found := chi.NewRouteContext()
	f := fs.byText[fs.tree.Find(found, http.MethodGet, path)]
	if f == nil || !f.fits(found.URLParams.Values) {
		return nil, Params{}
	}
	return f, Params{path: path, keys: found.URLParams.Keys, values: found.URLParams.Values}
}

// checkPattern panics for what no path can fit, or no more than one. The rest is chi's
// to judge.
func checkPattern(pattern string) {
	text, _ := anatomy(pattern)
	switch i := strings.IndexAny(text, ",?"); {
	case pattern == "" || pattern[0] != '/':
		panic(fmt.Sprintf("framework: pattern %q does not begin with a slash: want %q", pattern, "/"+pattern))
	case i >= 0 && text[i] == ',':
		panic(fmt.Sprintf("framework: pattern %q has a comma, which ends a namespace on the wire", pattern))
	case i >= 0:
		panic(fmt.Sprintf("framework: pattern %q has a query, which is no part of a namespace", pattern))
	case unopened(pattern):
		panic(fmt.Sprintf("framework: pattern %q has a closing brace that closes nothing: want something like %q", pattern, "/job/{id}"))
	case !strings.ContainsAny(pattern, "{*"):
		panic(fmt.Sprintf("framework: pattern %q has no parameter, as \"/job/{id}\" has: Register and Route serve a single path", pattern))
	}
}

// anatomy returns the text of a pattern outside of its parameters, and the pattern
// without their names: what two that fit the same paths have in common.
func anatomy(pattern string) (text, shape string) {
	var outside, unnamed strings.Builder
	depth, named := 0, false
	for _, c := range pattern {
		switch {
		case c == '{':
			depth++
			named = named && depth > 1
		case c == '}':
			depth--
		case depth == 0:
			outside.WriteRune(c)
		case c == ':':
			named = true
		case !named:
			continue // a name
		}
		unnamed.WriteRune(c)
	}
	return outside.String(), strings.NewReplacer(":^", ":", "$}", "}").Replace(unnamed.String())
}
