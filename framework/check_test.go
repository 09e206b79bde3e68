package framework_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// looked notes what checks were given.
type looked struct {
	mu   sync.Mutex
	args []string
}

func (s *looked) check(_ context.Context, arg any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.args = append(s.args, fmt.Sprintf("%T %v", arg, arg))
	return nil
}

// take returns what came since the last call.
func (s *looked) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := strings.Join(s.args, ", ")
	s.args = nil
	return got
}

type order struct{ Dish string }

func TestCheckSeesEachArgumentDecoded(t *testing.T) {
	tests := []struct {
		name    string
		handler any
		args    []any
		want    string
	}{
		{"called directly", func(string) {}, []any{"soup"}, "string soup"},
		{"called directly, any", func(any) {}, []any{7}, "int64 7"},
		{"called directly, null", func(any) {}, []any{nil}, "<nil> <nil>"},
		{"still encoded", func(json.RawMessage) {}, []any{7}, "json.RawMessage [55]"},
		{"struct", func(order) {}, []any{order{"soup"}}, "framework_test.order {soup}"},
		{"context and socket are none", func(context.Context, *framework.Socket, order, int) {}, []any{order{"soup"}, 2},
			"framework_test.order {soup}, int 2"},
		{"variadic", func(int, ...string) {}, []any{1, "a", "b"}, "int 1, string a, string b"},
		{"variadic without any", func(...string) {}, nil, ""},
		{"optional and absent", func(*order) {}, nil, "*framework_test.order <nil>"},
		{"optional and null", func(*order) {}, []any{nil}, "*framework_test.order <nil>"},
		{"what nobody decodes", func(int, framework.Args) {}, []any{1, 2, 3}, "int 1"},
		{"no argument", func() {}, []any{1}, ""},
		{"a Handler", framework.HandlerFunc(func(context.Context, *framework.Event) ([]any, error) { return nil, nil }), []any{1}, ""},
		{"binary", func([]byte) {}, []any{[]byte{1, 2}}, "[]uint8 [1 2]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, noted := quiet(), new(looked)
			srv.Check(noted.check)
			srv.On("order", tt.handler)
			s := sockettest.Connect(t, srv, "/")
			for range 2 { // with a frame of its own, and with a used one
				s.Call("order", tt.args...)
				equal(t, "what the check saw", noted.take(), tt.want)
			}
		})
	}
}

func TestCheckGetsTheArgumentItself(t *testing.T) {
	srv := quiet()
	srv.Check(func(_ context.Context, arg any) error {
		if o, ok := arg.(*order); ok && o != nil {
			o.Dish = strings.ToUpper(o.Dish)
		}
		return nil
	})
	srv.On("order", func(o *order) string { return o.Dish })
	equal(t, "what a pointer led to", sockettest.Connect(t, srv, "/").Call("order", order{"soup"}).JSON(), `["SOUP"]`)
}

func TestCheckHasTheContextOfTheEvent(t *testing.T) {
	srv := quiet()
	srv.Check(func(ctx context.Context, arg any) error {
		e := framework.EventFrom(ctx)
		return &framework.Error{Message: fmt.Sprint(e.Name, " ", e.WantsAck(), " ", e.Socket != nil)}
	})
	srv.On("order", func(s *framework.Socket, dish string) {}) // whose context would be used again
	equal(t, "the answer", sockettest.Connect(t, srv, "/").Call("order", "soup").JSON(),
		`[{"error":{"message":"order true true"}}]`)
}

var errDish = errors.New("a text for the log only")

// noSoup is a check that refuses in each way there is.
func noSoup(_ context.Context, arg any) error {
	var dish string
	switch arg := arg.(type) {
	case string:
		dish = arg
	case order:
		dish = arg.Dish
	}
	switch dish {
	case "soup":
		return &framework.Error{Message: "no soup", Data: map[string]string{"field": "dish"}}
	case "fish":
		return errDish
	case "bones":
		panic("bones")
	}
	return nil
}

func TestAFailedCheckFailsTheEvent(t *testing.T) {
	for _, name := range []string{"called directly", "called by reflection"} {
		t.Run(name, func(t *testing.T) {
			srv := quiet()
			srv.Check(noSoup)
			var failures []error
			srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
				failures = append(failures, err)
				return nil, false
			})
			var served []string
			if name == "called directly" {
				srv.On("order", func(dish string) string { served = append(served, dish); return dish })
			} else {
				srv.On("order", func(dish string, n int) string { served = append(served, dish); return dish })
			}

			s := sockettest.Connect(t, srv, "/")
			soup := s.EmitWithAck("order", "soup", 1)
			fish, bones := s.EmitWithAck("order", "fish", 1), s.EmitWithAck("order", "bones", 1)
			equal(t, "the answer to the last", s.Call("order", "salad", 1).JSON(), `["salad"]`)
			equal(t, "an *Error", soup.Wait().JSON(), `[{"error":{"message":"no soup","data":{"field":"dish"}}}]`)
			if fish.Answered() || bones.Answered() {
				t.Error("an error that is not for the client was answered")
			}
			equal(t, "the handler's calls", fmt.Sprint(served), "[salad]")
			if len(failures) != 3 || !errors.Is(failures[1], errDish) {
				t.Fatalf("OnError got %v, want all three", failures)
			}
			if _, ok := errors.AsType[*framework.PanicError](failures[2]); !ok {
				t.Errorf("OnError got %v, want the panic", failures[2])
			}
		})
	}
}

func TestCheckLooksAtTheAuthPayload(t *testing.T) {
	tests := []struct {
		name string
		auth []any
		want string
	}{
		{"refused with what is meant for the client", []any{order{"soup"}}, `"no soup" with data {"field":"dish"}`},
		{"refused with a fixed text", []any{order{"fish"}}, `"Internal server error"`},
		{"refused after a panic", []any{order{"bones"}}, `"Internal server error"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := quiet()
			srv.Check(noSoup)
			srv.On("connect", func(order) error { return errors.New("called in spite of the check") })
			equal(t, "the refusal", sockettest.Dial(t, srv, sockettest.Options{}).Refused("/", tt.auth...).String(), tt.want)
		})
	}
	t.Run("absent is the zero value", func(t *testing.T) {
		srv, noted := quiet(), new(looked)
		srv.Check(noted.check)
		srv.On("connect", func(order) {})
		sockettest.Connect(t, srv, "/")
		equal(t, "what the check saw", noted.take(), "framework_test.order {}")
	})
}

// kitchen has a method, and a Routes method with a check of its own.
type kitchen struct {
	framework.Namespace
	own *looked
}

func (k *kitchen) OnOrder(string) {}

func (k *kitchen) Routes(r *framework.Router) {
	r.Group(func(r *framework.Router) {
		r.Check(k.own.check)
		r.On("take away", func(string) {})
	})
	r.On("eat in", func(string) {})
}

func TestChecksNarrowAsMiddlewareDoes(t *testing.T) {
	srv := quiet()
	var all, path, group, class looked
	srv.Check(all.check)
	srv.Route("/kitchen", func(r *framework.Router) {
		r.Check(path.check)
		r.Attach(&kitchen{own: &class})
		r.Group(func(r *framework.Router) {
			r.Check(group.check)
			r.On("inside", func(string) {})
			r.With().On("deeper", func(string) {})
		})
		r.On("outside", func(string) {})
	})
	srv.Route("/bar", func(r *framework.Router) { r.On("order", func(string) {}) })

	c := sockettest.Dial(t, srv, sockettest.Options{})
	kitchen, bar := c.Join("/kitchen"), c.Join("/bar")
	tests := []struct {
		event                   string
		s                       *sockettest.Socket
		all, path, group, class bool
	}{
		{"order", kitchen, true, true, false, false},
		{"take away", kitchen, true, true, false, true},
		{"eat in", kitchen, true, true, false, false},
		{"inside", kitchen, true, true, true, false},
		{"deeper", kitchen, true, true, true, false},
		{"outside", kitchen, true, true, false, false},
		{"order", bar, true, false, false, false},
	}
	for _, tt := range tests {
		tt.s.Call(tt.event, "x")
		got := [...]bool{all.take() != "", path.take() != "", group.take() != "", class.take() != ""}
		if want := [...]bool{tt.all, tt.path, tt.group, tt.class}; got != want {
			t.Errorf("%s: got the checks (server, path, group, class) %v, want %v", tt.event, got, want)
		}
	}
}

func TestChecksRunInOrderUntilOneFails(t *testing.T) {
	srv := quiet()
	var order []string
	note := func(name string, err error) func(context.Context, any) error {
		return func(_ context.Context, arg any) error {
			order = append(order, fmt.Sprint(name, arg))
			return err
		}
	}
	srv.Check(note("a", nil))
	srv.Route("/", func(r *framework.Router) {
		r.Check(note("b", nil))
		r.With().Group(func(r *framework.Router) {
			r.Check(note("c", &framework.Error{Message: "no"}))
			r.Check(note("d", nil))
			r.On("order", func(int, int) {})
		})
	})
	sockettest.Connect(t, srv, "/").Call("order", 1, 2)
	if want := []string{"a1", "b1", "c1"}; !reflect.DeepEqual(order, want) {
		t.Errorf("got the checks %v, want %v", order, want)
	}
}

func TestArgumentsThatDoNotFitAreNotChecked(t *testing.T) {
	srv, noted := quiet(), new(looked)
	srv.Check(noted.check)
	srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) { return []any{err.Error()}, true })
	srv.On("order", func(string, int) {})
	s := sockettest.Connect(t, srv, "/")
	s.Call("order", "soup", "two")
	s.Call("order", "soup")
	equal(t, "what the check saw", noted.take(), "")
}

func TestAnswersAreNotChecked(t *testing.T) {
	srv, noted := quiet(), new(looked)
	srv.Check(noted.check)
	srv.On("ask", func(s *framework.Socket) error {
		return s.Emit("question", func(answer string) error { return s.Emit("heard", answer) })
	})
	s := sockettest.Connect(t, srv, "/")
	s.Emit("ask")
	s.Expect("question").Ack("yes")
	equal(t, "the answer", s.Expect("heard").Args.String(0), "yes")
	equal(t, "what the check saw", noted.take(), "")
}

func TestMisplacedChecksPanic(t *testing.T) {
	fine := func(context.Context, any) error { return nil }
	tests := []struct {
		name string
		do   func(srv *framework.Server)
		want string
	}{
		{"nil for the server", func(srv *framework.Server) { srv.Check(nil) },
			"framework: Check: the function is nil: want func(context.Context, any) error"},
		{"nil for a namespace", func(srv *framework.Server) {
			srv.Route("/a", func(r *framework.Router) { r.Check(nil) })
		}, `framework: Check on "/a": the function is nil: want func(context.Context, any) error`},
		{"behind a handler", func(srv *framework.Server) {
			srv.On("x", func() {})
			srv.Check(fine)
		}, `framework: Check comes behind a handler on "/": checks first`},
		{"behind a handler of the namespace", func(srv *framework.Server) {
			srv.Route("/a", func(r *framework.Router) { r.On("x", func() {}); r.Check(fine) })
		}, `framework: Check on "/a" comes behind a handler: checks first`},
		{"behind a handler of the group", func(srv *framework.Server) {
			srv.Route("/a", func(r *framework.Router) {
				r.Group(func(r *framework.Router) { r.On("x", func() {}); r.Check(fine) })
			})
		}, `framework: Check on "/a" comes behind a handler: checks first`},
		{"in a Routes method", func(srv *framework.Server) { srv.Register("/a", &checksInRoutes{}) },
			"framework: Check in the Routes method of *framework_test.checksInRoutes would look at none of its OnXxx methods: " +
				"use Route with Check and Attach, or Group"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() { equal(t, "the panic", recover(), any(tt.want)) }()
			tt.do(quiet())
		})
	}
}

type checksInRoutes struct{ framework.Namespace }

func (c *checksInRoutes) Routes(r *framework.Router) {
	r.Check(func(context.Context, any) error { return nil })
}

func ExampleRouter_Check() {
	srv := framework.New(framework.Options{})
	srv.Route("/chat", func(r *framework.Router) {
		r.Check(func(_ context.Context, arg any) error {
			if text, ok := arg.(string); ok && len(text) > 10 {
				return &framework.Error{Message: "too long"}
			}
			return nil
		})
		r.On("say", func(text string) string { return "said " + text })
	})

	client := sockettest.Connect(panicTB{}, srv, "/chat")
	fmt.Println(client.Call("say", "hello"))
	fmt.Println(client.Call("say", "hello, hello, hello"))
	// Output:
	// ["said hello"]
	// [{"error":{"message":"too long"}}]
}
