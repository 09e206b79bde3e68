package framework

import (
	"context"
	"reflect"
)

// binding calls a Go function for an event: it decodes the arguments straight
// into the parameters' types and takes the results apart.
type binding struct {
	fn   reflect.Value
	recv []reflect.Value // the class's value, for a method; else empty
	sig  *signature
}

// ServeEvent decodes, calls, and returns the results as the reply.
func (b *binding) ServeEvent(ctx context.Context, e *Event) ([]any, error) {
	in := make([]reflect.Value, 0, 8)
	in = append(in, b.recv...)
	for _, t := range b.sig.lead {
		in = append(in, leading(t, ctx, e))
	}
	in, err := b.decode(in, e)
	if err != nil {
		return nil, err
	}
	out := b.fn.Call(in)
	if b.sig.fails {
		if err, _ = out[len(out)-1].Interface().(error); err != nil {
			return nil, err
		}
	}
	if b.sig.spread {
		return out[0].Interface().([]any), nil
	}
	return results(out[:b.sig.results]), nil
}

// answer calls an ack callback, with the answer or with the error that came in
// its place; then its arguments are zero.
func (b *binding) answer(ctx context.Context, e *Event, failure error) ([]any, error) {
	in := make([]reflect.Value, 0, 8)
	for _, t := range b.sig.lead {
		in = append(in, leading(t, ctx, e))
	}
	lead := len(in)
	if failure == nil {
		var err error
		if in, err = b.decode(in, e); err != nil {
			if !b.sig.failure {
				return nil, err
			}
			failure, in = err, in[:lead]
		}
	}
	if failure != nil {
		if !b.sig.failure {
			return nil, nil // nobody asked to be told
		}
		for _, p := range b.sig.params {
			in = append(in, reflect.Zero(p.typ))
		}
		if b.sig.rest {
			in = append(in, reflect.ValueOf(Args{}))
		}
	}
	if b.sig.failure {
		in = append(in, reflect.ValueOf(&failure).Elem())
	}
	out := b.fn.Call(in)
	if b.sig.fails {
		err, _ := out[len(out)-1].Interface().(error)
		return nil, err
	}
	return nil, nil
}

// report calls an OnError with err. Its results answer the event.
func (b *binding) report(ctx context.Context, e *Event, err error) ([]any, bool) {
	in := append(make([]reflect.Value, 0, 4), b.recv...)
	for _, t := range b.sig.lead {
		if t == errorType {
			in = append(in, reflect.ValueOf(&err).Elem())
			continue
		}
		in = append(in, leading(t, ctx, e))
	}
	return results(b.fn.Call(in)), b.sig.results > 0
}

func leading(t reflect.Type, ctx context.Context, e *Event) reflect.Value {
	switch t {
	case contextType:
		return reflect.ValueOf(&ctx).Elem()
	case socketType:
		return reflect.ValueOf(e.Socket)
	case ackType:
		return reflect.ValueOf(e.takeAck())
	case reasonType:
		return reflect.ValueOf(e.Socket.reason())
	}
	return reflect.ValueOf(e)
}

// takeAck hands the acknowledgement to a handler that answers by itself. An
// Event that middleware made from nothing has none.
func (e *Event) takeAck() *Ack {
	if e.ack == nil {
		e.ack = &Ack{socket: e.Socket, event: e.Name}
	}
	e.ack.handed = true
	return e.ack
}

func (b *binding) decode(in []reflect.Value, e *Event) ([]reflect.Value, error) {
	args, sig := e.Args, b.sig
	if args.err != nil {
		return nil, args.err
	}
	if n := len(args.elems); n < sig.required && e.kind != KindConnect {
		return nil, &ArgError{Event: e.Name, Index: n, Want: typeName(sig.params[n].typ)}
	}
	for i := range sig.params {
		p := &sig.params[i]
		if sig.variadic && i == len(sig.params)-1 && !sig.rest {
			return b.decodeVariadic(in, e, i)
		}
		v := reflect.New(p.typ).Elem()
		if i < len(args.elems) {
			if err := p.plan.Decode(args.elems[i], args.attachments, v); err != nil {
				return nil, &ArgError{Event: e.Name, Index: i, Want: typeName(p.typ), Err: err}
			}
		}
		in = append(in, v)
	}
	switch extra := len(args.elems) - len(sig.params); {
	case sig.rest:
		rest := Args{attachments: args.attachments}
		if extra > 0 {
			rest.elems = args.elems[len(sig.params):]
		}
		in = append(in, reflect.ValueOf(rest))
	case extra > 0 && e.kind == KindEvent:
		// Newer clients must not break older servers.
		e.Socket.log().Debug().Str("event", logName(e.Name)).Int("extra", extra).Msg("extra arguments ignored")
	}
	return in, nil
}

func (b *binding) decodeVariadic(in []reflect.Value, e *Event, from int) ([]reflect.Value, error) {
	p := &b.sig.params[from]
	for i := from; i < len(e.Args.elems); i++ {
		v := reflect.New(p.typ).Elem()
		if err := p.plan.Decode(e.Args.elems[i], e.Args.attachments, v); err != nil {
			return nil, &ArgError{Event: e.Name, Index: i, Want: typeName(p.typ), Err: err}
		}
		in = append(in, v)
	}
	return in, nil
}

func results(out []reflect.Value) []any {
	if len(out) == 0 {
		return nil
	}
	reply := make([]any, len(out))
	for i, v := range out {
		reply[i] = v.Interface()
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
