// Package playground checks what clients send by the struct tags of
// github.com/go-playground/validator:
//
//	type Order struct {
//		Dish  string `json:"dish" validate:"required,max=40"`
//		Count int    `json:"count" validate:"min=1,max=9"`
//	}
//
//	srv.Check(playground.Check(validator.New(validator.WithRequiredStructEnabled())))
//	srv.On("order", func(o Order) string { return "one moment" })
//
// An order of ten is answered, in place of the handler, with
//
//	{"error":{"message":"count does not satisfy max","data":{"field":"count","rule":"max"}}}
package playground

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"

	"github.com/parlor-go/parlor/framework"
)

// Failure is the Data of the *framework.Error that the client gets.
type Failure struct {
	// Field is what does not satisfy Rule, by its names in JSON:
	// "lines[2].dish". In an argument that is a list it begins with the index.
	Field string `json:"field"`
	Rule  string `json:"rule"` // as in the tag, without what is behind its "="

	// More has what else is wrong with the same argument, up to 15 of them.
	More []Failure `json:"more,omitempty"`
}

// A client may send a very long list of wrong things, and maps with very long keys.
const (
	mostFailures = 16
	longestField = 200
)

// Check is a check for Server.Check and Router.Check that validates structs with v,
// also those that pointers lead to and those in slices, arrays and maps; in a
// struct, v dives as its tags say. Arguments of other types, and optional ones that
// are absent, pass. What the first wrong argument does not satisfy goes to the
// client as a *framework.Error with a Failure.
//
// Check registers with v that fields are called as in JSON (RegisterTagNameFunc):
// give it a v that has not validated anything yet. A tag that v does not know
// panics when a value of that type comes, as v does by itself: a test that sends
// one finds it. It panics if v is nil.
func Check(v *validator.Validate) func(ctx context.Context, arg any) error {
	if v == nil {
		panic("playground: Check(nil): want a *validator.Validate, such as validator.New(validator.WithRequiredStructEnabled())")
	}
	v.RegisterTagNameFunc(jsonName)
	return func(ctx context.Context, arg any) error {
		if arg == nil || !holdsStructs(reflect.TypeOf(arg)) {
			return nil
		}
		c := collector{ctx: ctx, v: v}
		if err := c.value(reflect.ValueOf(arg), ""); err != nil {
			return err
		}
		return c.err()
	}
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// holdsStructs tells whether there is anything to validate in a t. It does not look
// for ever at a type such as type T []T.
func holdsStructs(t reflect.Type) bool {
	for range 32 {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			t = t.Elem()
		case reflect.Struct:
			return !t.ConvertibleTo(timeType) // which v takes for a value
		default:
			return false
		}
	}
	return false
}

var timeType = reflect.TypeFor[time.Time]()

// collector gathers what is wrong with one argument.
type collector struct {
	ctx      context.Context
	v        *validator.Validate
	failures []Failure
}

// value validates the structs in v, which is at path in the argument.
func (c *collector) value(v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return c.value(v.Elem(), path)
	case reflect.Struct:
		return c.structure(v, path)
	}
	for key, elem := range v.Seq2() {
		if err := c.value(elem, path+"["+index(key)+"]"); err != nil || len(c.failures) == mostFailures {
			return err
		}
	}
	return nil
}

func index(key reflect.Value) string {
	if key.CanInt() {
		return strconv.FormatInt(key.Int(), 10)
	}
	return fmt.Sprint(key)
}

func (c *collector) structure(v reflect.Value, path string) error {
	err := c.v.StructCtx(c.ctx, v.Interface())
	if err == nil {
		return nil
	}
	fields, ok := errors.AsType[validator.ValidationErrors](err)
	if !ok {
		return fmt.Errorf("playground: %w", err)
	}
	if path != "" {
		path += "."
	}
	for _, f := range fields {
		if len(c.failures) == mostFailures {
			break
		}
		field := path + strings.TrimPrefix(f.Namespace(), v.Type().Name()+".")
		if len(field) > longestField {
			field = field[:longestField] + "..."
		}
		c.failures = append(c.failures, Failure{Field: field, Rule: f.Tag()})
	}
	return nil
}

func (c *collector) err() error {
	if len(c.failures) == 0 {
		return nil
	}
	first := c.failures[0]
	first.More = c.failures[1:]
	return &framework.Error{Message: first.Field + " does not satisfy " + first.Rule, Data: first}
}
