package framework

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/parlor-go/parlor/framework/internal/codec"
)

// What a handler may take before its arguments, each at most once.
var (
	contextType = reflect.TypeFor[context.Context]()
	socketType  = reflect.TypeFor[*Socket]()
	eventType   = reflect.TypeFor[*Event]()
	ackType     = reflect.TypeFor[*Ack]()
	argsType    = reflect.TypeFor[Args]()
	reasonType  = reflect.TypeFor[Reason]()
	errorType   = reflect.TypeFor[error]()
	replyType   = reflect.TypeFor[[]any]()

	// own are the types that no argument is decoded into.
	own = []reflect.Type{contextType, socketType, eventType, ackType}
)

// form is one of the shapes that a handler may have.
type form struct {
	want    string
	lead    []reflect.Type // in any order, before the arguments
	must    reflect.Type   // the one in lead that cannot be left out
	args    int            // how many arguments, -1 any number
	results bool           // more than an error
}

var (
	eventForm = form{
		want: "func([context.Context], [*framework.Socket], [*framework.Ack], args...) (results..., [error])",
		lead: []reflect.Type{contextType, socketType, eventType, ackType}, args: -1, results: true,
	}
	connectForm = form{
		want: "func([context.Context], [*framework.Socket], [auth T]) [error], where an error, such as framework.Refuse(...), refuses",
		lead: []reflect.Type{contextType, socketType, eventType}, args: 1,
	}
	disconnectForm = form{
		want: "func([context.Context], [*framework.Socket], [framework.Reason], [error]) [error]",
		lead: []reflect.Type{contextType, socketType, eventType, reasonType, errorType},
	}
	errorForm = form{
		want: "func([context.Context], [*framework.Event], error) (results...)",
		lead: []reflect.Type{contextType, socketType, eventType, errorType}, must: errorType, results: true,
	}
)

// signature is a function's shape, checked once.
type signature struct {
	lead     []reflect.Type
	params   []param
	variadic bool // the last param takes what is left
	rest     bool // an Args behind the params takes what is left, still encoded
	required int  // arguments that cannot be left out
	results  int  // without the error
	spread   bool // the one result is the whole reply, as of a HandlerFunc
	fails    bool // the last result is an error
	failure  bool // an ack callback: the last parameter is an error
}

// param decodes one argument.
type param struct {
	typ  reflect.Type // of one argument
	plan *codec.Plan
}

// parse checks t, a function's type, of which the first skip parameters are
// given already, against the form.
func (f form) parse(t reflect.Type, skip int) (*signature, error) {
	sig := &signature{variadic: t.IsVariadic()}
	i := skip
	for ; i < t.NumIn() && contains(f.lead, t.In(i)); i++ {
		if contains(sig.lead, t.In(i)) {
			return nil, fmt.Errorf("takes %s twice", t.In(i))
		}
		sig.lead = append(sig.lead, t.In(i))
	}
	if f.must != nil && !contains(sig.lead, f.must) {
		return nil, fmt.Errorf("takes no %s", f.must)
	}
	if err := sig.parseParams(f, t, i); err != nil {
		return nil, err
	}
	return sig, sig.parseResults(f, t)
}

func (sig *signature) parseParams(f form, t reflect.Type, i int) error {
	if f.args >= 0 && t.NumIn()-i > f.args {
		return fmt.Errorf("takes %s, which nothing fits", strings.Join(typeNames(paramTypes(t, i+f.args)), " and "))
	}
	for ; i < t.NumIn(); i++ {
		typ := t.In(i)
		last := i == t.NumIn()-1
		switch {
		case contains(own, typ):
			return fmt.Errorf("takes %s behind the arguments, or where there is none", typ)
		case contains(own, reflect.PointerTo(typ)) || typ == namespaceType:
			return fmt.Errorf("takes %s by value, which a client would fill: want *%s", typ, typ)
		case typ.Kind() == reflect.Func && contains(f.lead, ackType): // the callback of the reference server
			return fmt.Errorf("takes %s: the acknowledgement is what the handler returns, or what it gives to a %s in front of the arguments", typ, ackType)
		case typ == argsType && !last:
			return fmt.Errorf("takes %s before its last parameter: it takes what is left, so it comes last", typ)
		case typ == argsType && last:
			sig.rest = true
			return nil
		case last && sig.variadic:
			typ = typ.Elem()
		case typ.Kind() != reflect.Pointer:
			sig.required = len(sig.params) + 1
		}
		plan, err := codec.Compile(typ)
		if err != nil {
			return fmt.Errorf("takes a parameter that no argument fits: %w", err)
		}
		sig.params = append(sig.params, param{typ: typ, plan: plan})
	}
	return nil
}

func (sig *signature) parseResults(f form, t reflect.Type) error {
	for i := range t.NumOut() {
		switch out := t.Out(i); {
		case out == errorType && i == t.NumOut()-1 && f.must != errorType:
			sig.fails = true
		case !f.results:
			return fmt.Errorf("returns %s", out)
		case out == errorType && f.must == errorType:
			return fmt.Errorf("returns an error, which nobody would handle")
		case out == errorType:
			return fmt.Errorf("returns error before its last result")
		case out.Implements(errorType):
			return fmt.Errorf("returns %s as a result to be sent: make it error, as the last one", out)
		case out.Kind() == reflect.Func || out.Kind() == reflect.Chan || out.Kind() == reflect.UnsafePointer:
			return fmt.Errorf("returns %s, which cannot be sent", out)
		default:
			sig.results++
		}
	}
	sig.spread = t.NumOut() == 2 && t.Out(0) == replyType && sig.fails &&
		len(sig.params) == 0 && !sig.rest && len(sig.lead) == 2 && contains(sig.lead, eventType) && contains(sig.lead, contextType)
	if sig.results > 0 && contains(sig.lead, ackType) {
		return fmt.Errorf("takes an *framework.Ack and returns results: one of them answers")
	}
	return nil
}

func paramTypes(t reflect.Type, from int) (types []reflect.Type) {
	for i := from; i < t.NumIn(); i++ {
		types = append(types, t.In(i))
	}
	return types
}

func contains(list []reflect.Type, t reflect.Type) bool {
	for _, item := range list {
		if item == t {
			return true
		}
	}
	return false
}

// typeName is a type as one writes it.
func typeName(t reflect.Type) string {
	return strings.NewReplacer("interface {}", "any", "[]uint8", "[]byte").Replace(t.String())
}

// typeNames renders a list of types as source would.
func typeNames(types []reflect.Type) []string {
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = typeName(t)
	}
	return out
}

// plainFunc renders a method's type without its receiver.
func plainFunc(t reflect.Type, skip int) string {
	in := paramTypes(t, skip)
	var out []reflect.Type
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	params := typeNames(in)
	if t.IsVariadic() {
		params[len(params)-1] = "..." + in[len(in)-1].Elem().String()
	}
	s := "func(" + strings.Join(params, ", ") + ")"
	switch len(out) {
	case 0:
		return s
	case 1:
		return s + " " + out[0].String()
	}
	return s + " (" + strings.Join(typeNames(out), ", ") + ")"
}

// argTypes lists the arguments for people: "...T" for a variadic one,
// "framework.Args" for the rest.
func (sig *signature) argTypes() []string {
	out := make([]string, 0, len(sig.params)+1)
	for i, p := range sig.params {
		name := typeName(p.typ)
		if sig.variadic && i == len(sig.params)-1 {
			name = "..." + name
		}
		out = append(out, name)
	}
	if sig.rest {
		out = append(out, argsType.String())
	}
	return out
}
