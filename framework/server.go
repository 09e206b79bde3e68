package framework

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/internal/replay"
	"github.com/parlor-go/parlor/transport"
)

// Server serves Socket.IO. It is an http.Handler, to be mounted on any path of
// any router; clients look for /socket.io/. Namespaces, handlers and middleware
// are registered before its first request; after it, registering panics. Its
// other methods are safe for concurrent use.
//
// A poll takes up to Transport.PingInterval, so HTTP middleware around the server
// must not end requests sooner (chi's Timeout) nor redirect them (chi's
// RedirectSlashes). The limits of http.Server are no matter: those for slow
// requests are lifted for a poll that is pending.
type Server struct {
	opts       Options
	log        zerolog.Logger
	handlerLog zerolog.Logger // what zerolog.Ctx gives, before the socket's fields
	engine     *transport.Engine
	workers    workers
	sendBound  int
	client     *clientFiles // nil if none are served
	namespaces map[string]*namespace
	families   families
	claims     sync.Mutex // of class values
	recoveries recoveryCounts
	childLogs  *replay.Budget // of all children
	mw         []Middleware
	checks     []check
	onError    ErrorHandler
	traffic    []*Traffic // nil if nobody counts
	feed       feed

	compiled func() // once
	serving  atomic.Bool
	draining atomic.Bool

	unjoined  *transport.LimitError // what a client is closed with that joins nothing
	throttles throttles
	questions atomic.Uint64 // asked so far, of several clients each

	mu    sync.Mutex
	conns int
	empty chan struct{} // closed when conns falls to 0; nil unless somebody waits
}

// New makes a server. It panics if the options contradict each other.
func New(opts Options) *Server {
	opts = opts.withDefaults()
	srv := &Server{opts: opts, namespaces: make(map[string]*namespace)}
	srv.log, srv.handlerLog = opts.loggers()
	if isZero(opts.Transport.Logger) {
		opts.Transport.Logger = srv.log.Level(max(zerolog.WarnLevel, srv.log.GetLevel()))
	}
	srv.engine = transport.New(opts.Transport, srv.accept)
	srv.sendBound = cmp.Or(opts.Transport.MaxSendBuffer, defaultSendBound)
	srv.client = newClientFiles(opts.Client, srv.log, srv.engine)
	srv.feed.srv, srv.feed.most, srv.feed.mostBytes = srv, mostNoted, mostBytes
	srv.workers.escaped = srv.escaped
	srv.unjoined = &transport.LimitError{Option: "ConnectTimeout",
		Detail: fmt.Sprintf("the client has joined no namespace for %v", opts.ConnectTimeout)}
	srv.childLogs = replay.NewBudget(opts.Recovery.MaxLog)
	srv.compiled = sync.OnceFunc(srv.compile)
	srv.namespace("/") // always there, as in the reference
	return srv
}

// ServeHTTP serves the Engine.IO endpoint, polling and WebSocket, and the files of
// Options.Client.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	srv.compiled()
	if srv.client != nil && srv.client.serve(w, r) {
		return
	}
	srv.engine.ServeHTTP(w, r)
}

func (srv *Server) compile() {
	srv.serving.Store(true)
	for _, path := range slices.Sorted(maps.Keys(srv.namespaces)) {
		ns := srv.namespaces[path]
		ns.compile()
		srv.feed.namespaceMade(ns)
	}
}

// open panics when registration is over.
func (srv *Server) open(what string) {
	if srv.serving.Load() {
		panic(fmt.Sprintf("framework: %s comes behind the first request: register everything before serving", what))
	}
}

// Use adds middleware around every namespace: around connecting, and around
// each event. It comes before Register, Route and On.
func (srv *Server) Use(mw ...Middleware) {
	srv.open("Use")
	checkMiddleware(mw)
	for _, ns := range srv.namespaces {
		if ns.registered() {
			panic(fmt.Sprintf("framework: Use comes behind a handler on %q: middleware first", ns.path))
		}
	}
	if len(srv.families.byText) > 0 {
		panic("framework: Use comes behind RegisterFunc or RouteFunc: middleware first")
	}
	srv.mw = append(srv.mw, mw...)
}

// Register serves a class at path: it is Route with Use(mw...) and
// Attach(class). path begins with a slash. One value serves all its clients, as
// an http.Handler does, and has one path.
func (srv *Server) Register(path string, class NamespaceHandler, mw ...Middleware) {
	srv.open("Register")
	srv.Route(path, func(r *Router) {
		r.Use(mw...)
		r.Attach(class)
	})
}

// Route calls fn to register handlers of the namespace at path. It may be
// called again for the same path: middleware that any call gives to Use wraps
// the whole namespace.
func (srv *Server) Route(path string, fn func(r *Router)) {
	srv.open("Route")
	checkPath(path)
	fn(&Router{srv: srv, ns: srv.namespace(path)})
}

// On registers a function for an event of the namespace "/", see Router.On.
func (srv *Server) On(event string, handler any) {
	srv.open("On")
	srv.Route("/", func(r *Router) { r.On(event, handler) })
}

// OnError handles the failures of namespaces that have no OnError of their own.
func (srv *Server) OnError(h ErrorHandler) {
	srv.open("OnError")
	if h == nil {
		panic("framework: OnError: the handler is nil")
	}
	if srv.onError != nil {
		panic("framework: the server has an OnError already")
	}
	srv.onError = h
}

func (srv *Server) namespace(path string) *namespace {
	ns := srv.namespaces[path]
	if ns == nil {
		if n, most := len(path), srv.opts.MaxNameLength; n > most {
			panic(fmt.Sprintf("framework: path %.32q... has %d bytes, and Options.MaxNameLength is %d: no client could join", path, n, most))
		}
		ns = newNamespace(srv, path, nil)
		if err := ns.joinCluster(); err != nil {
			panic(err.Error())
		}
		srv.namespaces[path] = ns
	}
	return ns
}

// lookup finds a registered namespace, or nil.
func (srv *Server) lookup(path []byte) *namespace { return srv.namespaces[string(path)] }

// Of returns the namespace at path, to emit to from outside of a handler. For a path
// that fits a pattern it speaks to the child of the moment, each time that it is used:
// where there is none, to nobody. If nothing is registered for path, emitting returns
// ErrNotRegistered.
func (srv *Server) Of(path string) *Namespace {
	if ns := srv.namespaces[path]; ns != nil {
		return &Namespace{ns}
	}
	return &Namespace{&namespace{path: path, handle: &handle{srv: srv, path: path}}}
}

// Emit sends event to everybody in "/", see Namespace.Emit.
func (srv *Server) Emit(event string, args ...any) error { return srv.Of("/").Emit(event, args...) }

// Send emits the event "message" to everybody in "/".
func (srv *Server) Send(args ...any) error { return srv.Of("/").Send(args...) }

// SendJSON emits the event "json" to everybody in "/".
func (srv *Server) SendJSON(args ...any) error { return srv.Of("/").SendJSON(args...) }

// To selects the members of rooms in "/", see Namespace.To.
func (srv *Server) To(rooms ...string) Broadcast { return srv.Of("/").To(rooms...) }

// In is To by its other name.
func (srv *Server) In(rooms ...string) Broadcast { return srv.Of("/").To(rooms...) }

// Except selects everybody in "/" but the members of rooms.
func (srv *Server) Except(rooms ...string) Broadcast { return srv.Of("/").Except(rooms...) }

// EventInfo is one row of the dispatch tables.
type EventInfo struct {
	Namespace string
	Event     string   // "connect", "disconnect" and "*" among them
	Handler   string   // "(*main.Chat).OnJoin", or a function's name
	Args      []string // Go types of the arguments; nil for a Handler that decodes by itself
	Results   []string // Go types of what is acked
}

// Events lists what is registered, sorted by namespace and event, to print or
// to hold a test against. What a pattern serves is known from its first child on, and
// stands under the pattern.
func (srv *Server) Events() []EventInfo {
	var list []EventInfo
	for _, ns := range srv.namespaces {
		for _, r := range ns.routes() {
			list = append(list, r.info(ns.path))
		}
	}
	for _, f := range srv.families.byText {
		f.mu.Lock()
		list = append(list, f.rows...)
		f.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b EventInfo) int {
		if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
			return c
		}
		return strings.Compare(a.Event, b.Event)
	})
	return list
}

func (r *route) info(path string) EventInfo {
	info := EventInfo{Namespace: path, Event: r.event, Handler: r.source}
	if b := r.binding; b != nil {
		info.Args, info.Results = b.sig.argTypes(), typeNames(b.resultTypes())
	}
	return info
}

// accept is called by the engine at each handshake.
func (srv *Server) accept(session *transport.Session, r *http.Request) transport.Handler {
	srv.came()
	var c *conn
	defer func() {
		if c == nil { // it panics
			srv.connGone()
		}
	}()
	c = newConn(srv, session, r)
	if srv.opts.Parser != nil {
		return c.parsed(srv.opts.Parser)
	}
	return c
}

// came counts up for a connection, or for a child whose end is to be waited for.
func (srv *Server) came() {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.conns++
	if srv.conns == 1 {
		srv.workers.open()
	}
}

// connGone counts down when that and all its clean-up have ended.
func (srv *Server) connGone() {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.conns--
	if srv.conns > 0 {
		return
	}
	srv.workers.close()
	if srv.empty != nil {
		close(srv.empty)
		srv.empty = nil
	}
}

// Exceeded returns how often clients went beyond each bound since the start, by the name
// of its option, see transport.LimitError. Bounds that held are not in it.
func (srv *Server) Exceeded() map[string]uint64 { return srv.engine.Exceeded() }

// Buffered returns how many bytes are kept for all clients, of those that
// Options.Transport.MaxBuffered bounds; clients that keep up do not count.
func (srv *Server) Buffered() int64 { return srv.engine.Buffered() }

// AdmitStream is for package transport/webtransport, see transport.Engine.AdmitStream.
func (srv *Server) AdmitStream(w http.ResponseWriter, r *http.Request) bool {
	srv.compiled()
	return srv.engine.AdmitStream(w, r)
}

// ServeStream is for package transport/webtransport, see transport.Engine.ServeStream.
func (srv *Server) ServeStream(stream transport.Stream, r *http.Request) {
	srv.compiled()
	srv.engine.ServeStream(stream, r)
}

// Exceed is for package transport/webtransport, see transport.Engine.Exceed.
func (srv *Server) Exceed(err *transport.LimitError, client string) { srv.engine.Exceed(err, client) }
