package middleware

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/parlor-go/parlor/framework"
)

// Validate is a check, for Server.Check and Router.Check, of arguments that know
// by themselves whether they are valid:
//
//	func (o Order) Validate() error                    // or
//	func (o *Order) Validate(ctx context.Context) error
//
//	srv.Check(middleware.Validate)
//
// It asks the argument, whether the methods belong to the type or to a pointer to
// it, or each element of a slice, array or map that has no method itself. A struct
// asks its own fields. An optional argument, a pointer, that is absent is not asked; a
// list or map for which null has come is, as an empty one.
//
// Of an error that is, or wraps, a *framework.Error, such as one of Invalid, the
// client gets that; of any other "invalid argument", and OnError gets to see it.
func Validate(ctx context.Context, arg any) error {
	if arg == nil {
		return nil
	}
	err := validate(ctx, reflect.ValueOf(arg))
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*framework.Error](err); ok {
		return err
	}
	return fmt.Errorf("%w: %w", &framework.Error{Message: "invalid argument"}, err)
}

// Invalid is an error for Validate methods that tells the client what is wrong
// with which field: {"error":{"message":message,"data":{"field":field}}}.
func Invalid(field, message string) error {
	return &framework.Error{Message: message, Data: map[string]string{"field": field}}
}

func validate(ctx context.Context, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
	}
	if asked, err := ask(ctx, v); asked {
		return err
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return validate(ctx, v.Elem())
	case reflect.Slice, reflect.Array, reflect.Map:
		if !mayAsk(v.Type().Elem()) {
			return nil
		}
		for _, elem := range v.Seq2() {
			if err := validate(ctx, elem); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask calls the Validate method of v, or of a pointer to v.
func ask(ctx context.Context, v reflect.Value) (asked bool, err error) {
	if t := v.Type(); t.PkgPath() != "" && t.Kind() != reflect.Interface { // only such types have methods of a pointer
		p := reflect.New(t)
		p.Elem().Set(v)
		v = p
	}
	switch arg := v.Interface().(type) {
	case interface{ Validate() error }:
		return true, arg.Validate()
	case interface {
		Validate(ctx context.Context) error
	}:
		return true, arg.Validate(ctx)
	}
	return false, nil
}

// mayAsk spares the elements that cannot have the method, such as those of a
// []byte, or of an any, which is decoded into basic types only.
func mayAsk(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return true
	case reflect.Interface:
		return false
	}
	return t.PkgPath() != ""
}
