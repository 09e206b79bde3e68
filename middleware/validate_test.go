package middleware_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

var errDirty = errors.New("a text for the log only")

// cup has the method on the value, jug on the pointer, with a context.
type cup struct{ State string }

func (c cup) Validate() error {
	switch c.State {
	case "dirty":
		return errDirty
	case "broken":
		return middleware.Invalid("state", "this cup is broken")
	}
	return nil
}

type jug struct{ State string }

func (j *jug) Validate(ctx context.Context) error {
	if framework.EventFrom(ctx) == nil {
		return errors.New("the context is not the event's")
	}
	return cup(*j).Validate()
}

type word string

func (w *word) Validate() error { return cup{string(*w)}.Validate() }

// shelf validates itself, so nobody dives into it.
type shelf []cup

func (s shelf) Validate() error { return nil }

// tray and menu want something to be on them.
type (
	tray []cup
	menu map[string]cup
)

func (t tray) Validate() error {
	if len(t) == 0 {
		return middleware.Invalid("", "an empty tray")
	}
	return nil
}

func (m *menu) Validate() error { return tray(slices.Collect(maps.Values(*m))).Validate() }

// plain has something inside, which it is to ask itself.
type plain struct{ Cup cup }

// odd has a method of that name that asks for something else.
type odd struct{}

func (odd) Validate(int) error { return errDirty }

func TestValidateAsksTheArgument(t *testing.T) {
	tests := []struct {
		name    string
		handler any
		arg     any
		want    string // what the client reads
	}{
		{"value", func(cup) {}, cup{"clean"}, `[]`},
		{"value, for the client", func(cup) {}, cup{"broken"}, `[{"error":{"message":"this cup is broken","data":{"field":"state"}}}]`},
		{"value, for the log", func(cup) {}, cup{"dirty"}, `[{"error":{"message":"invalid argument"}}]`},
		{"pointer to it", func(*cup) {}, cup{"dirty"}, `[{"error":{"message":"invalid argument"}}]`},
		{"absent", func(*cup) {}, nil, `[]`},
		{"method of the pointer", func(jug) {}, jug{"dirty"}, `[{"error":{"message":"invalid argument"}}]`},
		{"pointer with the method", func(*jug) {}, jug{"dirty"}, `[{"error":{"message":"invalid argument"}}]`},
		{"pointer with the method, absent", func(*jug) {}, nil, `[]`},
		{"context", func(jug) {}, jug{"clean"}, `[]`},
		{"basic type of one's own", func(word) {}, "dirty", `[{"error":{"message":"invalid argument"}}]`},
		{"list", func([]cup) {}, []cup{{"clean"}, {"dirty"}}, `[{"error":{"message":"invalid argument"}}]`},
		{"list of pointers", func([]*jug) {}, []*jug{nil, {"dirty"}}, `[{"error":{"message":"invalid argument"}}]`},
		{"list of basic types of one's own", func([]word) {}, []string{"dirty"}, `[{"error":{"message":"invalid argument"}}]`},
		{"array of lists", func([2][]cup) {}, [][]cup{{}, {{"dirty"}}}, `[{"error":{"message":"invalid argument"}}]`},
		{"map", func(map[string]cup) {}, map[string]cup{"a": {"dirty"}}, `[{"error":{"message":"invalid argument"}}]`},
		{"variadic", func(...cup) {}, cup{"dirty"}, `[{"error":{"message":"invalid argument"}}]`},
		{"list that asks itself", func(shelf) {}, shelf{{"dirty"}}, `[]`},
		{"null for a list that asks itself", func(tray) {}, nil, `[{"error":{"message":"an empty tray","data":{"field":""}}}]`},
		{"null for a map that asks itself", func(menu) {}, nil, `[{"error":{"message":"an empty tray","data":{"field":""}}}]`},
		{"list of null", func([]tray) {}, []any{nil}, `[{"error":{"message":"an empty tray","data":{"field":""}}}]`},
		{"list that may be absent", func(*tray) {}, nil, `[]`},
		{"null for a list", func([]cup) {}, nil, `[]`},
		{"struct that does not ask its fields", func(plain) {}, plain{cup{"dirty"}}, `[]`},
		{"method of another kind", func(odd) {}, odd{}, `[]`},
		{"number", func(int) {}, 1, `[]`},
		{"text", func([]string) {}, []string{"dirty"}, `[]`},
		{"whatever comes", func(any) {}, []any{cup{"dirty"}}, `[]`},
		{"a map of whatever comes", func(map[string]any) {}, cup{"dirty"}, `[]`},
		{"null", func(any) {}, nil, `[]`},
		{"bytes", func([]byte) {}, []byte("dirty"), `[]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, _ := newServer(zerolog.Disabled)
			srv.Check(middleware.Validate)
			srv.On("drink", tt.handler)
			if got := sockettest.Connect(t, srv, "/").Call("drink", tt.arg).JSON(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhatValidateHidesGoesToOnError(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	srv.Check(middleware.Validate)
	var failure error
	srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
		failure = err
		return nil, false
	})
	srv.On("connect", func(cup) {})
	srv.On("drink", func(cup) {})
	s := sockettest.Connect(t, srv, "/")
	s.Call("drink", cup{"dirty"})
	if !errors.Is(failure, errDirty) {
		t.Errorf("OnError got %v, want %v in it", failure, errDirty)
	}
	refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/", cup{"dirty"})
	if got, want := refusal.String(), `"invalid argument"`; got != want {
		t.Errorf("got the refusal %s, want %s", got, want)
	}
}
