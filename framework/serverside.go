package framework

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/internal/packet"
)

// serverSide holds the handlers of what servers of a cluster send each other. It has a
// lock because an adapter may call before registration is complete.
type serverSide struct {
	mu      sync.RWMutex
	byEvent map[string]*serverSideHandler
}

type serverSideHandler struct {
	*binding
	source string
}

// serverSideForm is what OnServerSide takes.
var serverSideForm = form{
	want: "func([context.Context], args...) (results..., [error])",
	lead: []reflect.Type{contextType}, args: -1, results: true,
}

// OnServerSide registers a function for an event that another server of the cluster
// sends with ServerSideEmit: func([ctx], args...) (results..., [error]), its arguments
// decoded as those of a client's event are. What it returns answers
// ServerSideEmitWithAck; an error is logged, and the other server misses an answer. It
// may run beside others. No middleware is around it, for no client is behind it. ctx
// ends when the other server no longer waits, or this one leaves the cluster, as far as
// the adapter can tell.
func (r *Router) OnServerSide(event string, handler any) {
	r.open("OnServerSide")
	r.routed = true
	err := checkServerSide(event)
	if err == nil {
		err = r.ns.serverSide.add(event, handler)
	}
	if err != nil {
		panic(fmt.Sprintf("framework: OnServerSide(%q) on %q: %v", event, r.ns.path, err))
	}
}

func (s *serverSide) add(event string, handler any) error {
	v := reflect.ValueOf(handler)
	if v.Kind() != reflect.Func || v.IsNil() {
		return fmt.Errorf("handler is %T: want %s", handler, serverSideForm.want)
	}
	sig, err := serverSideForm.parse(v.Type(), 0)
	if err != nil {
		return fmt.Errorf("handler has type %s, it %w: want %s", v.Type(), err, serverSideForm.want)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if present := s.byEvent[event]; present != nil {
		return fmt.Errorf("%s and %s both serve %q", present.source, funcName(handler), event)
	}
	if s.byEvent == nil {
		s.byEvent = make(map[string]*serverSideHandler)
	}
	s.byEvent[event] = &serverSideHandler{binding: newBinding(v, nil, sig), source: funcName(handler)}
	return nil
}

func (s *serverSide) find(event string) *serverSideHandler {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byEvent[event]
}

// checkServerSide refuses the names that servers in JavaScript refuse here.
func checkServerSide(event string) error {
	switch {
	case event == "":
		return errors.New("an event needs a name")
	case event == "connection" || event == "new_namespace" || packet.Reserved(event):
		return bare(ErrReservedEvent)
	}
	return nil
}

// ServerSideEmit sends event to the handlers that the other servers of the cluster have
// registered with OnServerSide, not to clients and not to this server. Without
// Options.NewAdapter there are no others. It does not wait.
//
// Socket.IO's serverSideEmit.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	all, err := n.toServers(event, args)
	if err != nil {
		return err
	}
	for _, in := range all {
		err = bothErrors(err, in.of.ns.adapter.ServerEmit(context.Background(), in.packet, nil))
	}
	if err != nil {
		return emitError(event, err)
	}
	return nil
}

// ServerSideEmitWithAck is ServerSideEmit with an answer from each other server: what
// its handler returned. If some are missing, for want of a handler or in time, the error
// is a *MissingAcksError, which counts them, beside those that came.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	all, err := n.toServers(event, args)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, emitError(event, err)
	}
	c := newCollector(all[0].of.ns.srv)
	for _, in := range all {
		err = bothErrors(err, in.of.ns.adapter.ServerEmit(ctx, in.packet, c))
	}
	answers, err := c.result(err)
	list := make([]Args, len(answers))
	for i, a := range answers {
		list[i] = a.Args
	}
	if err != nil {
		return list, emitError(event, err)
	}
	return list, nil
}

// toServers makes what is sent to other servers, if there are any.
func (n *Namespace) toServers(event string, args []any) ([]inquiry, error) {
	namespaces, err := n.all().resolve(fmt.Sprintf("emit %q to other servers of", event))
	if err != nil {
		return nil, err
	}
	if err := checkServerSide(event); err != nil {
		return nil, fmt.Errorf("framework: emit %q to other servers: %w", event, err)
	}
	var all []inquiry
	for _, of := range namespaces {
		if of.ns.adapter == nil {
			continue
		}
		p, err := of.ns.encodePacket(event, args)
		if err != nil {
			return nil, err
		}
		all = append(all, inquiry{of: of, packet: p})
	}
	return all, nil
}

// ServerSideEmit sends event to the other servers' "/", see Namespace.ServerSideEmit.
func (srv *Server) ServerSideEmit(event string, args ...any) error {
	return srv.Of("/").ServerSideEmit(event, args...)
}

// ServerSideEmitWithAck asks the other servers' "/", see
// Namespace.ServerSideEmitWithAck.
func (srv *Server) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	return srv.Of("/").ServerSideEmitWithAck(ctx, event, args...)
}

func (l local) ServerEvent(ctx context.Context, p adapter.Packet) (answer adapter.Packet, err error) {
	event, args, err := openPacket(p)
	if err != nil {
		return adapter.Packet{}, err
	}
	h := l.ns.serverSide.find(event)
	if h == nil {
		l.ns.log().Debug().Str("nsp", l.ns.path).Str("event", logName(event)).Msg("no handler for another server's event")
		return adapter.Packet{}, fmt.Errorf("framework: %q of another server: %w", event, bare(ErrNoHandler))
	}
	if answer, err = h.contained(ctx, l.ns, event, args); err != nil {
		line := l.ns.log().Error().Err(err).Str("nsp", l.ns.path).Str("event", logName(event))
		if p := (*PanicError)(nil); errors.As(err, &p) {
			line.Bytes(stackField, p.Stack)
		}
		line.Msg("handler of another server's event failed")
		return adapter.Packet{}, fmt.Errorf("framework: %q of another server: %w", event, err)
	}
	return answer, nil
}

// contained serves the event on a goroutine of its own, for the handler may end it; the
// adapter's is to go on.
func (h *serverSideHandler) contained(ctx context.Context, n *namespace, event string, args Args) (answer adapter.Packet, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = &PanicError{Value: errGoexit}
		defer func() {
			if v := recover(); v != nil {
				err = &PanicError{Value: v, Stack: debug.Stack()}
			}
		}()
		answer, err = h.serve(ctx, n, event, args)
	}()
	<-done
	return answer, err
}

func (h *serverSideHandler) serve(ctx context.Context, n *namespace, event string, args Args) (adapter.Packet, error) {
	nobody := &Socket{ns: n} // by which decoding knows the server
	log := n.srv.handlerLog.With().Str("nsp", n.path).Str("event", logName(event)).Logger()
	ctx = log.WithContext(ctx)
	results, err := h.ServeEvent(ctx, &Event{Name: event, Args: args, Socket: nobody})
	if err != nil {
		return adapter.Packet{}, err
	}
	return n.encodeArray("", results)
}
