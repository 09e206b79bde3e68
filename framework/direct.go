package framework

import (
	"context"
	"encoding/json"
	"reflect"
	"unsafe"
)

// direct calls a function whose type is known here: of a context, a socket and one
// argument of a basic type, each but the argument optional, that returns something of
// the same type, an error, both or nothing. It does what reflect.Value.Call does in a
// tenth of the time. arg is a pointer to the argument.
type direct func(ctx context.Context, s *Socket, arg any, reply []any) ([]any, error)

// argument is a type of argument for which there are direct calls.
type argument struct {
	place    func() any                                            // a new variable's address
	function func(fn any) direct                                   // nil if fn is none of the shapes
	method   func(t reflect.Type, fn, receiver unsafe.Pointer) any // the method with its receiver, as a function
}

func argumentOf[A any]() argument {
	return argument{place: func() any { return new(A) }, function: directFunction[A], method: boundMethod[A]}
}

var arguments = map[reflect.Type]argument{
	reflect.TypeFor[string]():          argumentOf[string](),
	reflect.TypeFor[json.RawMessage](): argumentOf[json.RawMessage](),
	reflect.TypeFor[[]byte]():          argumentOf[[]byte](),
	reflect.TypeFor[int]():             argumentOf[int](),
	reflect.TypeFor[float64]():         argumentOf[float64](),
	reflect.TypeFor[bool]():            argumentOf[bool](),
	reflect.TypeFor[any]():             argumentOf[any](),
	reflect.TypeFor[map[string]any]():  argumentOf[map[string]any](),
}

// goDirect finds the direct call of b, if its function is of a common shape.
func (b *binding) goDirect() {
	sig := b.sig
	if len(sig.params) != 1 || sig.variadic || sig.rest || sig.failure {
		return
	}
	arg, ok := arguments[sig.params[0].typ]
	if !ok {
		return
	}
	fn := b.fn.Interface()
	if len(b.recv) == 1 {
		place := reflect.New(b.fn.Type())
		place.Elem().Set(b.fn)
		fn = arg.method(withoutReceiver(b.fn.Type()), place.UnsafePointer(), b.recv[0].UnsafePointer())
	}
	if b.direct = arg.function(fn); b.direct != nil {
		b.place = arg.place
	}
}

// withoutReceiver is the type of a method as a function that has its receiver.
func withoutReceiver(t reflect.Type) reflect.Type {
	var in, out []reflect.Type
	for i := 1; i < t.NumIn(); i++ {
		in = append(in, t.In(i))
	}
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	return reflect.FuncOf(in, out, t.IsVariadic())
}

func directFunction[A any](fn any) direct {
	switch f := fn.(type) {
	case func(A):
		return silent(func(_ context.Context, _ *Socket, a A) error { f(a); return nil })
	case func(A) error:
		return silent(func(_ context.Context, _ *Socket, a A) error { return f(a) })
	case func(A) A:
		return answering(func(_ context.Context, _ *Socket, a A) (A, error) { return f(a), nil })
	case func(A) (A, error):
		return answering(func(_ context.Context, _ *Socket, a A) (A, error) { return f(a) })
	case func(context.Context, A):
		return silent(func(ctx context.Context, _ *Socket, a A) error { f(ctx, a); return nil })
	case func(context.Context, A) error:
		return silent(func(ctx context.Context, _ *Socket, a A) error { return f(ctx, a) })
	case func(context.Context, A) A:
		return answering(func(ctx context.Context, _ *Socket, a A) (A, error) { return f(ctx, a), nil })
	case func(context.Context, A) (A, error):
		return answering(func(ctx context.Context, _ *Socket, a A) (A, error) { return f(ctx, a) })
	case func(*Socket, A):
		return silent(func(_ context.Context, s *Socket, a A) error { f(s, a); return nil })
	case func(*Socket, A) error:
		return silent(func(_ context.Context, s *Socket, a A) error { return f(s, a) })
	case func(*Socket, A) A:
		return answering(func(_ context.Context, s *Socket, a A) (A, error) { return f(s, a), nil })
	case func(*Socket, A) (A, error):
		return answering(func(_ context.Context, s *Socket, a A) (A, error) { return f(s, a) })
	case func(context.Context, *Socket, A):
		return silent(func(ctx context.Context, s *Socket, a A) error { f(ctx, s, a); return nil })
	case func(context.Context, *Socket, A) error:
		return silent(f)
	case func(context.Context, *Socket, A) A:
		return answering(func(ctx context.Context, s *Socket, a A) (A, error) { return f(ctx, s, a), nil })
	case func(context.Context, *Socket, A) (A, error):
		return answering(f)
	}
	return nil
}

func silent[A any](f func(context.Context, *Socket, A) error) direct {
	return func(ctx context.Context, s *Socket, arg any, _ []any) ([]any, error) {
		return nil, f(ctx, s, *arg.(*A))
	}
}

func answering[A any](f func(context.Context, *Socket, A) (A, error)) direct {
	return func(ctx context.Context, s *Socket, arg any, reply []any) ([]any, error) {
		result, err := f(ctx, s, *arg.(*A))
		if err != nil {
			return nil, err
		}
		return append(reply, result), nil
	}
}

// boundMethod binds the method expression that fn points to, whose type without its
// receiver is t, to a receiver, which is a pointer. Go can name the type of the
// expression only where the receiver's type is known; but a pointer is passed like
// any other pointer, so one that takes an unsafe.Pointer in its place is the same.
func boundMethod[A any](t reflect.Type, fn, receiver unsafe.Pointer) any {
	type ptr = unsafe.Pointer
	switch t {
	case reflect.TypeFor[func(A)]():
		f := *(*func(ptr, A))(fn)
		return func(a A) { f(receiver, a) }
	case reflect.TypeFor[func(A) error]():
		f := *(*func(ptr, A) error)(fn)
		return func(a A) error { return f(receiver, a) }
	case reflect.TypeFor[func(A) A]():
		f := *(*func(ptr, A) A)(fn)
		return func(a A) A { return f(receiver, a) }
	case reflect.TypeFor[func(A) (A, error)]():
		f := *(*func(ptr, A) (A, error))(fn)
		return func(a A) (A, error) { return f(receiver, a) }
	case reflect.TypeFor[func(context.Context, A)]():
		f := *(*func(ptr, context.Context, A))(fn)
		return func(ctx context.Context, a A) { f(receiver, ctx, a) }
	case reflect.TypeFor[func(context.Context, A) error]():
		f := *(*func(ptr, context.Context, A) error)(fn)
		return func(ctx context.Context, a A) error { return f(receiver, ctx, a) }
	case reflect.TypeFor[func(context.Context, A) A]():
		f := *(*func(ptr, context.Context, A) A)(fn)
		return func(ctx context.Context, a A) A { return f(receiver, ctx, a) }
	case reflect.TypeFor[func(context.Context, A) (A, error)]():
		f := *(*func(ptr, context.Context, A) (A, error))(fn)
		return func(ctx context.Context, a A) (A, error) { return f(receiver, ctx, a) }
	case reflect.TypeFor[func(*Socket, A)]():
		f := *(*func(ptr, *Socket, A))(fn)
		return func(s *Socket, a A) { f(receiver, s, a) }
	case reflect.TypeFor[func(*Socket, A) error]():
		f := *(*func(ptr, *Socket, A) error)(fn)
		return func(s *Socket, a A) error { return f(receiver, s, a) }
	case reflect.TypeFor[func(*Socket, A) A]():
		f := *(*func(ptr, *Socket, A) A)(fn)
		return func(s *Socket, a A) A { return f(receiver, s, a) }
	case reflect.TypeFor[func(*Socket, A) (A, error)]():
		f := *(*func(ptr, *Socket, A) (A, error))(fn)
		return func(s *Socket, a A) (A, error) { return f(receiver, s, a) }
	case reflect.TypeFor[func(context.Context, *Socket, A)]():
		f := *(*func(ptr, context.Context, *Socket, A))(fn)
		return func(ctx context.Context, s *Socket, a A) { f(receiver, ctx, s, a) }
	case reflect.TypeFor[func(context.Context, *Socket, A) error]():
		f := *(*func(ptr, context.Context, *Socket, A) error)(fn)
		return func(ctx context.Context, s *Socket, a A) error { return f(receiver, ctx, s, a) }
	case reflect.TypeFor[func(context.Context, *Socket, A) A]():
		f := *(*func(ptr, context.Context, *Socket, A) A)(fn)
		return func(ctx context.Context, s *Socket, a A) A { return f(receiver, ctx, s, a) }
	case reflect.TypeFor[func(context.Context, *Socket, A) (A, error)]():
		f := *(*func(ptr, context.Context, *Socket, A) (A, error))(fn)
		return func(ctx context.Context, s *Socket, a A) (A, error) { return f(receiver, ctx, s, a) }
	}
	return nil
}
