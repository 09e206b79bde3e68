package playground_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware/playground"
	"github.com/parlor-go/parlor/transport"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

type line struct {
	Dish  string `json:"dish" validate:"required,max=10"`
	Count int    `json:"count,omitempty" validate:"min=1"`
}

type order struct {
	Table int            `json:"table" validate:"min=1"`
	Lines []line         `json:"lines" validate:"dive"`
	Notes map[string]int `json:"notes" validate:"dive,max=5"`
	Guest struct {
		Name string `validate:"required"`
	} `json:"guest"`
	Hidden string `json:"-" validate:"max=0"`
}

type page[T any] struct {
	Size int `json:"size" validate:"max=9"`
	Of   T   `json:"of"`
}

type tower []tower

func newCheck() func(context.Context, any) error {
	return playground.Check(validator.New(validator.WithRequiredStructEnabled()))
}

func TestCheckNamesTheFieldInJSON(t *testing.T) {
	good := line{"soup", 1}
	guest := struct {
		Name string `validate:"required"`
	}{"Ann"}
	tests := []struct {
		name  string
		arg   any
		field string // "" for none
		rule  string
		more  int
	}{
		{"valid", good, "", "", 0},
		{"field", line{"soup", 0}, "count", "min", 0},
		{"rule with a parameter", line{"a very long dish", 1}, "dish", "max", 0},
		{"several", line{}, "dish", "required", 1},
		{"behind a pointer", &line{"soup", 0}, "count", "min", 0},
		{"absent", (*line)(nil), "", "", 0},
		{"null", nil, "", "", 0},
		{"in a list", []line{good, {"soup", 0}}, "[1].count", "min", 0},
		{"in a list of pointers", []*line{nil, {"soup", 0}}, "[1].count", "min", 0},
		{"in an array of lists", [2][]line{{}, {good, {}}}, "[1][1].dish", "required", 1},
		{"in a map", map[string]line{"a": {"soup", 0}}, "[a].count", "min", 0},
		{"in a map by number", map[int]line{7: {"soup", 0}}, "[7].count", "min", 0},
		{"inside, in a list", order{Table: 1, Guest: guest, Lines: []line{good, {"", 1}}}, "lines[1].dish", "required", 0},
		{"inside, in a map", order{Table: 1, Guest: guest, Notes: map[string]int{"n": 6}}, "notes[n]", "max", 0},
		{"inside, without a name in JSON", order{Table: 1}, "guest.Name", "required", 0},
		{"inside, not in JSON", order{Table: 1, Guest: guest, Hidden: "x"}, "Hidden", "max", 0},
		{"of a generic type", page[line]{Size: 10, Of: good}, "size", "max", 0},
		{"anonymous", struct {
			N int `json:"n" validate:"min=1"`
		}{}, "n", "min", 0},
		{"time", time.Time{}, "", "", 0},
		{"number", 1, "", "", 0},
		{"text", "", "", "", 0},
		{"bytes", []byte{}, "", "", 0},
		{"whatever JSON has", map[string]any{"dish": ""}, "", "", 0},
		{"a type without end", tower{{}, {{}}}, "", "", 0},
		{"as many as there are", make([]line, 1000), "[0].dish", "required", 15},
		{"long keys", map[string]line{strings.Repeat("k", 1000): {"soup", 0}}, "[" + strings.Repeat("k", 199) + "...", "min", 0},
	}
	check := newCheck()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := check(t.Context(), tt.arg)
			if tt.field == "" {
				if err != nil {
					t.Errorf("got %v, want none", err)
				}
				return
			}
			public, ok := errors.AsType[*framework.Error](err)
			if !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			failure := public.Data.(playground.Failure)
			if failure.Field != tt.field || failure.Rule != tt.rule || len(failure.More) != tt.more {
				t.Errorf("got %+v, want the field %q, the rule %q and %d more", failure, tt.field, tt.rule, tt.more)
			}
			if want := tt.field + " does not satisfy " + tt.rule; public.Message != want {
				t.Errorf("got the message %q, want %q", public.Message, want)
			}
		})
	}
}

func newServer() *framework.Server {
	return framework.New(framework.Options{
		Logger:    zerolog.Nop(),
		Transport: transport.Options{MaxDelay: -1}, // however late a busy machine makes it
	})
}

func TestTheClientIsTold(t *testing.T) {
	srv := newServer()
	srv.Check(newCheck())
	srv.On("connect", func(guest *line) {})
	srv.On("order", func(line) string { return "one moment" })

	s := sockettest.Connect(t, srv, "/")
	if got, want := s.Call("order", line{"soup", 1}).JSON(), `["one moment"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := s.Call("order", line{"soup", 0}).JSON(),
		`[{"error":{"message":"count does not satisfy min","data":{"field":"count","rule":"min"}}}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/", line{"soup", 0})
	if got, want := refusal.String(), `"count does not satisfy min" with data {"field":"count","rule":"min"}`; got != want {
		t.Errorf("got the refusal %s, want %s", got, want)
	}
}

func TestAWrongTagFailsTheEventOnly(t *testing.T) {
	type wrong struct {
		Dish string `validate:"delicious"`
	}
	srv := newServer()
	srv.Check(newCheck())
	var failure error
	srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
		failure = err
		return nil, false
	})
	srv.On("order", func(wrong) string { return "served in spite of it" })
	srv.On("next", func() string { return "next" })
	s := sockettest.Connect(t, srv, "/")
	order := s.EmitWithAck("order", wrong{"soup"})
	s.Call("next")
	if order.Answered() {
		t.Errorf("answered with %s", order.Wait())
	}
	if _, ok := errors.AsType[*framework.PanicError](failure); !ok || !strings.Contains(failure.Error(), "delicious") {
		t.Errorf("OnError got %v, want a panic that names the tag", failure)
	}
}

func TestCheckPanicsWithoutAValidator(t *testing.T) {
	defer func() {
		want := "playground: Check(nil): want a *validator.Validate, such as validator.New(validator.WithRequiredStructEnabled())"
		if got := recover(); got != want {
			t.Errorf("got the panic %v, want %q", got, want)
		}
	}()
	playground.Check(nil)
}

func ExampleCheck() {
	type Order struct {
		Dish  string `json:"dish" validate:"required,max=40"`
		Count int    `json:"count" validate:"min=1,max=9"`
	}
	srv := framework.New(framework.Options{})
	srv.Check(playground.Check(validator.New(validator.WithRequiredStructEnabled())))
	srv.On("order", func(o Order) string { return "one moment" })

	tb := new(exampleTB)
	defer tb.end()
	client := sockettest.Connect(tb, srv, "/")
	fmt.Println(client.Call("order", Order{"soup", 1}))
	fmt.Println(client.Call("order", Order{"soup", 10}))
	// Output:
	// ["one moment"]
	// [{"error":{"message":"count does not satisfy max","data":{"field":"count","rule":"max"}}}]
}

// exampleTB stands in for the *testing.T that an example does not have.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (tb *exampleTB) Helper()                           {}
func (tb *exampleTB) Logf(string, ...any)               {}
func (tb *exampleTB) Cleanup(f func())                  { tb.cleanups = append(tb.cleanups, f) }
func (tb *exampleTB) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (tb *exampleTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (tb *exampleTB) end() {
	for i := len(tb.cleanups) - 1; i >= 0; i-- {
		tb.cleanups[i]()
	}
}
