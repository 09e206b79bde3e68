package framework

import (
	"context"
	"fmt"
	"reflect"
	"slices"
)

// check looks at one decoded argument.
type check = func(ctx context.Context, arg any) error

// Check has fn look at the arguments of all namespaces' handlers, see
// Router.Check. It comes before Register, Route and On.
func (srv *Server) Check(fn func(ctx context.Context, arg any) error) {
	srv.open("Check")
	if fn == nil {
		panic("framework: Check: the function is nil: want func(context.Context, any) error")
	}
	for _, ns := range srv.namespaces {
		if ns.registered() {
			panic(fmt.Sprintf("framework: Check comes behind a handler on %q: checks first", ns.path))
		}
	}
	if len(srv.families.byText) > 0 {
		panic("framework: Check comes behind RegisterFunc or RouteFunc: checks first")
	}
	srv.checks = append(srv.checks, fn)
}

// Check has fn look at each argument of an event once it has been decoded,
// between the middleware and the handler: at a value of the parameter's own
// type, which is nil for an any that was null and a nil *T for an optional
// argument that is absent. At connect that is the auth payload, if OnConnect
// takes one; one that the client did not send is its zero value.
//
// An error is as if the handler had returned it: an *Error goes to the client,
// as the ack or as the refusal, any other to OnError. The handler is not called.
// All arguments are decoded before the first is checked; checks run in the order
// they were added, the server's first, for one argument after the other.
//
// It holds for the whole namespace, for methods of a class that is attached too,
// or, inside Group, for what the group registers, and comes before the handlers.
// What nobody decodes is not checked: Args, and what a Handler or a handler that
// takes the *Event reads by itself. Nor are the answers to the server's own
// events. Several sockets are served at a time, so fn must be safe for
// concurrent use.
func (r *Router) Check(fn func(ctx context.Context, arg any) error) {
	r.open("Check")
	switch {
	case fn == nil:
		panic(fmt.Sprintf("framework: Check on %q: the function is nil: want func(context.Context, any) error", r.ns.path))
	case r.class != "":
		panic(fmt.Sprintf("framework: Check in the Routes method of %s would look at none of its OnXxx methods: "+
			"use Route with Check and Attach, or Group", r.class))
	case r.routed:
		panic(fmt.Sprintf("framework: Check on %q comes behind a handler: checks first", r.ns.path))
	}
	if r.inline {
		r.checks = append(slices.Clip(r.checks), fn)
		return
	}
	r.ns.checks = append(r.ns.checks, fn)
}

// setChecks gives a route all checks that apply to it.
func (r *route) setChecks(srv, ns []check) {
	if r.binding != nil {
		r.binding.checks = slices.Concat(srv, ns, r.checks)
	}
}

// check runs the checks on what decode has filled in; more are the arguments of
// a variadic parameter.
func (b *binding) check(ctx context.Context, f *frame, more []reflect.Value) error {
	for _, args := range [...][]reflect.Value{f.params, more} {
		for _, v := range args {
			arg := v.Interface()
			for _, check := range b.checks {
				if err := check(ctx, arg); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
