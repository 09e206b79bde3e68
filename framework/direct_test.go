package framework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/rs/zerolog"
)

// shapesOf has a method of each shape that is called directly, for arguments of type A.
type shapesOf[A any] struct {
	Namespace
	calls []string
}

// none is what a method notes that takes no context.
var none context.Context

func (n *shapesOf[A]) note(ctx context.Context, s *Socket, a A) {
	n.calls = append(n.calls, fmt.Sprintf("%v %v %v", ctx != nil, s != nil, a))
}

func (n *shapesOf[A]) OnA1(a A)                { n.note(none, nil, a) }
func (n *shapesOf[A]) OnA2(a A) error          { n.note(none, nil, a); return nil }
func (n *shapesOf[A]) OnA3(a A) A              { n.note(none, nil, a); return a }
func (n *shapesOf[A]) OnA4(a A) (A, error)     { n.note(none, nil, a); return a, nil }
func (n *shapesOf[A]) OnAFails(a A) (A, error) { return a, errors.New("on purpose") }

func (n *shapesOf[A]) OnCA1(ctx context.Context, a A)            { n.note(ctx, nil, a) }
func (n *shapesOf[A]) OnCA2(ctx context.Context, a A) error      { n.note(ctx, nil, a); return nil }
func (n *shapesOf[A]) OnCA3(ctx context.Context, a A) A          { n.note(ctx, nil, a); return a }
func (n *shapesOf[A]) OnCA4(ctx context.Context, a A) (A, error) { n.note(ctx, nil, a); return a, nil }

func (n *shapesOf[A]) OnSA1(s *Socket, a A)            { n.note(none, s, a) }
func (n *shapesOf[A]) OnSA2(s *Socket, a A) error      { n.note(none, s, a); return nil }
func (n *shapesOf[A]) OnSA3(s *Socket, a A) A          { n.note(none, s, a); return a }
func (n *shapesOf[A]) OnSA4(s *Socket, a A) (A, error) { n.note(none, s, a); return a, nil }

func (n *shapesOf[A]) OnCSA1(ctx context.Context, s *Socket, a A) { n.note(ctx, s, a) }
func (n *shapesOf[A]) OnCSA2(ctx context.Context, s *Socket, a A) error {
	n.note(ctx, s, a)
	return nil
}
func (n *shapesOf[A]) OnCSA3(ctx context.Context, s *Socket, a A) A { n.note(ctx, s, a); return a }
func (n *shapesOf[A]) OnCSA4(ctx context.Context, s *Socket, a A) (A, error) {
	n.note(ctx, s, a)
	return a, nil
}

// promoted has the methods from an embedded struct, so that the compiler writes them.
type promoted struct{ *shapesOf[string] }

func (p promoted) embedded() *Namespace { return p.shapesOf.embedded() }

func TestDirectCallsDoWhatReflectionDoes(t *testing.T) {
	binary := []byte{0, 1}
	t.Run("string", func(t *testing.T) { testShapes[string](t, `"text é"`, nil) })
	t.Run("json.RawMessage", func(t *testing.T) { testShapes[json.RawMessage](t, `{"a":[1]}`, nil) })
	t.Run("[]byte", func(t *testing.T) { testShapes[[]byte](t, `{"_placeholder":true,"num":0}`, [][]byte{binary}) })
	t.Run("int", func(t *testing.T) { testShapes[int](t, `-7`, nil) })
	t.Run("float64", func(t *testing.T) { testShapes[float64](t, `1.5`, nil) })
	t.Run("bool", func(t *testing.T) { testShapes[bool](t, `true`, nil) })
	t.Run("any", func(t *testing.T) { testShapes[any](t, `["x",1]`, nil) })
	t.Run("map", func(t *testing.T) { testShapes[map[string]any](t, `{"x":null}`, nil) })
}

func testShapes[A any](t *testing.T, arg string, attachments [][]byte) {
	class := &shapesOf[A]{}
	testCalls(t, class, &class.calls, arg, attachments)
}

func TestDirectCallsReachPromotedMethods(t *testing.T) {
	inner := &shapesOf[string]{}
	b := bindingsOf(t, reflect.ValueOf(&promoted{inner}))
	for name, b := range b {
		if b.direct == nil {
			t.Errorf("%s is not called directly", name)
			continue
		}
		inner.calls = nil
		if _, err := b.ServeEvent(t.Context(), eventWith(`"x"`, nil)); name != "OnAFails" && (err != nil || len(inner.calls) != 1) {
			t.Errorf("%s: got %v and error %v, want one call", name, inner.calls, err)
		}
	}
}

// testCalls calls each method of class directly and by reflection, as a method and as
// a function, and compares.
func testCalls(t *testing.T, class any, calls *[]string, arg string, attachments [][]byte) {
	t.Helper()
	methods := bindingsOf(t, reflect.ValueOf(class))
	if len(methods) != 17 {
		t.Fatalf("got %d methods, want all 17 shapes", len(methods))
	}
	for name, method := range methods {
		function := reflect.ValueOf(class).MethodByName(name)
		sig, err := eventForm.parse(function.Type(), 0)
		if err != nil {
			t.Fatal(err)
		}
		reflected := *method
		reflected.direct, reflected.frames = nil, nil
		type outcome struct {
			reply []any
			err   string
			calls []string
		}
		run := func(b *binding) outcome {
			*calls = nil
			reply, err := b.ServeEvent(t.Context(), eventWith(arg, attachments))
			if len(reply) == 0 {
				reply = nil
			}
			return outcome{reply, fmt.Sprint(err), *calls}
		}
		want := run(&reflected)
		asFunction := newBinding(function, nil, sig)
		for form, b := range map[string]*binding{"method": method, "function": asFunction} {
			if b.direct == nil {
				t.Errorf("%s as a %s is not called directly", name, form)
				continue
			}
			for range 2 { // the second time with a used frame
				if got := run(b); !reflect.DeepEqual(got, want) {
					t.Errorf("%s as a %s: got %+v, want %+v", name, form, got, want)
				}
			}
		}
	}
}

func bindingsOf(t *testing.T, v reflect.Value) map[string]*binding {
	t.Helper()
	out := make(map[string]*binding)
	for i := range v.NumMethod() {
		m := v.Type().Method(i)
		if _, ok := handlerName(m.Name); !ok {
			continue
		}
		sig, err := eventForm.parse(m.Func.Type(), 1)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		out[m.Name] = newBinding(m.Func, []reflect.Value{v}, sig)
	}
	return out
}

func eventWith(arg string, attachments [][]byte) *Event {
	srv := New(Options{Logger: zerolog.Nop()})
	s := &Socket{ns: newNamespace(srv, "/", nil)}
	return &Event{Name: "test", Socket: s, Args: Args{elems: [][]byte{[]byte(arg)}, attachments: attachments}}
}
