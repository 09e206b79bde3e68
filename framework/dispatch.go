package framework

import (
	"context"
	"reflect"
	"sync"
)

// binding calls a Go function for an event: it decodes the arguments straight
// into the parameters' types and takes the results apart.
type binding struct {
	fn   reflect.Value
	recv []reflect.Value // the class's value, for a method; else empty
	sig  *signature

	frames *sync.Pool // nil if they are not used again
	direct direct     // in place of fn.Call; nil unless the shape is a common one
	place  func() any // its argument's
	checks []check    // of the decoded arguments; set at the first request
}

// newBinding makes a binding that is called often.
func newBinding(fn reflect.Value, recv []reflect.Value, sig *signature) *binding {
	b := &binding{fn: fn, recv: recv, sig: sig, frames: new(sync.Pool)}
	for _, p := range sig.params {
		if p.plan.DecodesItself() {
			b.frames = nil // it may point into itself: its place is to be its own
		}
	}
	b.goDirect()
	return b
}

// replyRoom is where the reply may be put, nil for somewhere else.
func (e *Event) replyRoom() []any {
	if e.room == nil {
		return nil
	}
	return e.room[:0]
}

// frame is what a function is called with. The places of its parameters are made
// once and used again: a call copies what is in them.
type frame struct {
	in     []reflect.Value
	params []reflect.Value // the part of in that arguments are decoded into
	arg    any             // the address of the parameter, for a direct call

	// Where parts of in point.
	ctx  context.Context
	rest Args
	err  error
}

func (b *binding) frame() *frame {
	if b.frames != nil {
		if f, ok := b.frames.Get().(*frame); ok {
			return f
		}
	}
	f, sig := &frame{}, b.sig
	if b.direct != nil {
		f.arg = b.place()
		f.params = []reflect.Value{reflect.ValueOf(f.arg).Elem()}
		return f
	}
	f.in = append(f.in, b.recv...)
	for _, t := range sig.lead {
		switch t {
		case contextType:
			f.in = append(f.in, reflect.ValueOf(&f.ctx).Elem())
		case errorType:
			f.in = append(f.in, reflect.ValueOf(&f.err).Elem())
		default:
			f.in = append(f.in, reflect.Value{}) // pointers need no place
		}
	}
	for i, p := range sig.params {
		if sig.variadic && i == len(sig.params)-1 && !sig.rest {
			break
		}
		f.in = append(f.in, reflect.New(p.typ).Elem())
	}
	f.params = f.in[len(b.recv)+len(sig.lead):]
	if sig.rest {
		f.in = append(f.in, reflect.ValueOf(&f.rest).Elem())
	}
	if sig.failure {
		f.in = append(f.in, reflect.ValueOf(&f.err).Elem())
	}
	return f
}

// lead fills in what stands before the arguments.
func (b *binding) lead(f *frame, ctx context.Context, e *Event) {
	f.ctx = ctx
	for i, t := range b.sig.lead {
		place := &f.in[len(b.recv)+i]
		switch t {
		case socketType:
			*place = reflect.ValueOf(e.Socket)
		case eventType:
			*place = reflect.ValueOf(e)
		case ackType:
			*place = reflect.ValueOf(e.TakeAck())
		case reasonType:
			*place = reflect.ValueOf(e.Socket.reason())
		case errorType:
			if e.kind == KindDisconnect {
				f.err = e.Socket.closeError()
			}
		}
	}
}

// call calls the function and frees f. A frame that was panicked out of is not used
// again.
func (b *binding) call(f *frame, more []reflect.Value) []reflect.Value {
	in := f.in
	if len(more) > 0 {
		in = append(in[:len(in):len(in)], more...)
	}
	out := b.fn.Call(in)
	b.free(f)
	return out
}

// free keeps f for another call.
func (b *binding) free(f *frame) {
	if b.frames == nil {
		return
	}
	for _, p := range f.params {
		p.SetZero()
	}
	for i, t := range b.sig.lead {
		if b.direct == nil && t != contextType && t != errorType {
			f.in[len(b.recv)+i] = reflect.Value{}
		}
	}
	f.ctx, f.rest, f.err = nil, Args{}, nil
	b.frames.Put(f)
}

// private tells whether nobody but the framework sees more of the event than its
// arguments and its socket.
func (b *binding) private() bool {
	for _, t := range b.sig.lead {
		if t != socketType {
			return false
		}
	}
	return !b.sig.rest && len(b.checks) == 0
}

// keeps tells whether arguments may be kept beyond the call as parts of the text
// they were decoded from.
func (b *binding) keeps() bool {
	for _, p := range b.sig.params {
		if p.plan.Keeps() {
			return true
		}
	}
	return b.sig.rest
}

// ServeEvent decodes, calls, and returns the results as the reply.
func (b *binding) ServeEvent(ctx context.Context, e *Event) ([]any, error) {
	f := b.frame()
	more, err := b.decode(f, e)
	if err != nil {
		return nil, err
	}
	if len(b.checks) > 0 {
		if err := b.check(ctx, f, more); err != nil {
			return nil, err
		}
	}
	if b.direct != nil {
		reply, err := b.direct(ctx, e.Socket, f.arg, e.replyRoom())
		b.free(f)
		return reply, err
	}
	b.lead(f, ctx, e)
	out := b.call(f, more)
	if b.sig.fails {
		if err, _ = out[len(out)-1].Interface().(error); err != nil {
			return nil, err
		}
	}
	if b.sig.spread {
		return out[0].Interface().([]any), nil
	}
	return results(e.replyRoom(), out[:b.sig.results]), nil
}

// answer calls an ack callback, with the answer or with the error that came in
// its place; then its arguments are zero.
func (b *binding) answer(ctx context.Context, e *Event, failure error) ([]any, error) {
	f := b.frame()
	b.lead(f, ctx, e)
	var more []reflect.Value
	if failure == nil {
		var err error
		if more, err = b.decode(f, e); err != nil {
			if !b.sig.failure {
				return nil, err
			}
			for _, p := range f.params {
				p.SetZero()
			}
			failure, f.rest = err, Args{}
		}
	} else if !b.sig.failure {
		return nil, nil // nobody asked to be told
	}
	f.err = failure
	out := b.call(f, more)
	if b.sig.fails {
		err, _ := out[len(out)-1].Interface().(error)
		return nil, err
	}
	return nil, nil
}

// report calls an OnError with err. Its results answer the event.
func (b *binding) report(ctx context.Context, e *Event, err error) ([]any, bool) {
	f := b.frame()
	b.lead(f, ctx, e)
	f.err = err
	return results(nil, b.call(f, nil)), b.sig.results > 0
}

// decode fills in the arguments. Those of a variadic function are returned.
func (b *binding) decode(f *frame, e *Event) (more []reflect.Value, err error) {
	args, sig := e.Args, b.sig
	if args.err != nil {
		return nil, args.err
	}
	if n := len(args.elems); n < sig.required && e.kind != KindConnect {
		return nil, &ArgError{Event: e.Name, Index: n, Want: typeName(sig.params[n].typ)}
	}
	for i, v := range f.params {
		if i == len(args.elems) {
			break // the rest are zero
		}
		if err := b.decodeArg(v, i, &sig.params[i], e); err != nil {
			return nil, err
		}
	}
	extra := args.elems[min(len(f.params), len(args.elems)):]
	switch {
	case sig.rest:
		f.rest = Args{elems: extra, attachments: args.attachments}
	case sig.variadic:
		p := &sig.params[len(sig.params)-1]
		for i := range extra {
			v := reflect.New(p.typ).Elem()
			if err := b.decodeArg(v, len(f.params)+i, p, e); err != nil {
				return nil, err
			}
			more = append(more, v)
		}
	case len(extra) > 0 && e.kind == KindEvent:
		// Newer clients must not break older servers.
		e.Socket.log().Debug().Str("event", logName(e.Name)).Int("extra", len(extra)).Msg("extra arguments ignored")
	}
	return more, nil
}

func (b *binding) decodeArg(v reflect.Value, i int, p *param, e *Event) error {
	if err := decodeValue(e.Socket.ns.srv.opts.Codec, p.plan, e.Args.elems[i], e.Args.attachments, v); err != nil {
		return &ArgError{Event: e.Name, Index: i, Want: typeName(p.typ), Err: err}
	}
	return nil
}

func results(reply []any, out []reflect.Value) []any {
	for _, v := range out {
		reply = append(reply, v.Interface())
	}
	return reply
}

func (b *binding) resultTypes() []reflect.Type {
	out := make([]reflect.Type, b.sig.results)
	for i := range out {
		out[i] = b.fn.Type().Out(i)
	}
	return out
}
