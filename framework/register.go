package framework

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/parlor-go/parlor/framework/internal/packet"
)

// NamespaceHandler is what Register takes: a pointer to a struct that embeds
// Namespace by value.
type NamespaceHandler interface {
	embedded() *Namespace
}

// routesMethod is what a class may have to name events that no method can.
type routesMethod interface{ Routes(r *Router) }

var (
	namespaceHandlerType = reflect.TypeFor[NamespaceHandler]()
	namespaceType        = reflect.TypeFor[Namespace]()
)

// strangers are names that users of the reference server try first.
var strangers = map[string]string{
	"Connection":    "OnConnect is called for each client that joins",
	"Disconnecting": "OnDisconnect still reads the rooms, so it is both",
	"ConnectError":  "return framework.Refuse(...) from OnConnect to turn a client away",
	"Any": `register func(e *framework.Event) with On("*", ...) in a Routes(r *framework.Router) method ` +
		"for events that nothing else serves; Socket.OnAny listens to all of one socket, Server.Observe to all",
	"AnyOutgoing": "Socket.OnAnyOutgoing listens to what one socket is sent, Server.Observe to all",
}

// strangeEvents are reserved names that they try with On.
var strangeEvents = map[string]string{
	"disconnecting": `"disconnect" still reads the rooms, so it is both`,
	"connect_error": `return framework.Refuse(...) from "connect" to turn a client away`,
}

// attach finds the handlers of a class and adds them to the router's namespace.
// Whatever does not fit is reported in one panic.
func (r *Router) attach(class NamespaceHandler) {
	v := reflect.ValueOf(class)
	name := fmt.Sprintf("%T at %q", class, r.ns.path)
	if class == nil || v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("framework: %s: want a non-nil pointer to a struct that embeds framework.Namespace", name))
	}
	if by := embeddedPointer(v.Elem().Type()); by != "" {
		panic(fmt.Sprintf("framework: %s: %s embeds *framework.Namespace: embed framework.Namespace by value", name, by))
	}
	base := class.embedded()
	if at := r.claim(base); at != nil {
		panic(fmt.Sprintf("framework: %s: the value is registered at %q already: give each path a value of its own", name, at.path))
	}

	var misfits []string
	for i := range v.NumMethod() {
		if err := r.attachMethod(v, i); err != nil {
			misfits = append(misfits, err.Error())
		}
	}
	own, ok := class.(routesMethod)
	if m := v.MethodByName("Routes"); m.IsValid() && !ok {
		misfits = append(misfits, fmt.Sprintf("(%s).Routes has type %s: want func(*framework.Router)", v.Type(), m.Type()))
	}
	if len(misfits) > 0 {
		panic(fmt.Sprintf("framework: %s does not fit:\n\t%s", name, strings.Join(misfits, "\n\t")))
	}
	if c := r.ns.child; c != nil {
		c.classes = append(c.classes, class)
	}
	if ok {
		own.Routes(&Router{srv: r.srv, ns: r.ns, mw: slices.Clip(r.mw), checks: r.checks, inline: true, class: v.Type().String()})
	}
}

// claim makes base, which a class embeds, speak to the router's namespace, unless it
// has one, which is returned. Patterns may give one value out at two places at once.
func (r *Router) claim(base *Namespace) *namespace {
	r.srv.claims.Lock()
	defer r.srv.claims.Unlock()
	if base.core == nil {
		base.core = r.ns
		return nil
	}
	return base.core
}

// embeddedPointer finds a type, t or one that it embeds, in which Namespace is
// embedded by pointer.
func embeddedPointer(t reflect.Type) string {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.Anonymous {
			continue
		}
		if f.Type == reflect.PointerTo(namespaceType) {
			return t.String()
		}
		if f.Type.Kind() == reflect.Struct && f.Type != namespaceType {
			if by := embeddedPointer(f.Type); by != "" {
				return by
			}
		}
	}
	return ""
}

func (r *Router) attachMethod(v reflect.Value, i int) error {
	m := v.Type().Method(i)
	part, ok := handlerName(m.Name)
	if !ok {
		return nil
	}
	source := fmt.Sprintf("(%s).%s", v.Type(), m.Name)
	if hint, ok := strangers[part]; ok {
		return fmt.Errorf("%s: no event is called so here: %s", source, hint)
	}
	event, slot, f := r.methodSlot(part)
	if event == "" {
		return nil
	}
	if from := stranger(v.Type(), m); from != "" {
		return fmt.Errorf("%s comes from the embedded %s, which does not embed framework.Namespace: "+
			"any client could call it. Do not embed it, or give %s a method %s of its own", source, from, v.Type(), m.Name)
	}
	sig, err := f.parse(m.Func.Type(), 1)
	if err != nil {
		return fmt.Errorf("%s has type %s, it %w: want %s", source, plainFunc(m.Func.Type(), 1), err, f.want)
	}
	if slot.route == nil && packet.Reserved(event) {
		return fmt.Errorf("%s would serve %q: %w", source, event, errReservedName)
	}
	b := newBinding(m.Func, []reflect.Value{v}, sig)
	if event == errorRow {
		return slot.add(&route{event: event, source: source, method: true, report: b.report}, r)
	}
	return slot.add(&route{event: event, mw: r.mw, checks: r.checks, source: source, method: true, handler: b, binding: b}, r)
}

// methodSlot finds what the method On<part> serves; no event, if
// Options.EventName says so.
func (r *Router) methodSlot(part string) (event string, place slot, f form) {
	switch part {
	case "Connect":
		event = connectRow
	case "Disconnect":
		event = disconnectRow
	case "Error":
		return errorRow, slot{route: &r.ns.onError}, errorForm
	default:
		event = r.srv.opts.EventName(part)
		return event, slot{table: r.ns.events}, eventForm
	}
	place, f = r.ns.slot(event)
	return event, place, f
}

// stranger names the embedded type that m was promoted from, if that type does
// not embed Namespace itself: its author did not mean the method for clients.
func stranger(ptr reflect.Type, m reflect.Method) string {
	if declares(ptr, m) {
		return ""
	}
	from := promotedFrom(ptr.Elem(), m.Name)
	if from == nil || from.Implements(namespaceHandlerType) || reflect.PointerTo(from).Implements(namespaceHandlerType) {
		return ""
	}
	return from.String()
}

// declares tells whether the struct itself has the method. For what is promoted
// the compiler writes a wrapper whose file is "<autogenerated>"; it also does
// for a method with a value receiver called through a pointer, so that is
// looked at too.
func declares(ptr reflect.Type, m reflect.Method) bool {
	if written(m) {
		return true
	}
	onValue, ok := ptr.Elem().MethodByName(m.Name)
	return ok && written(onValue)
}

func written(m reflect.Method) bool {
	pc := m.Func.Pointer()
	file, _ := runtime.FuncForPC(pc).FileLine(pc)
	return file != "<autogenerated>"
}

// promotedFrom finds the embedded type, nearest first, that has the method.
func promotedFrom(t reflect.Type, method string) reflect.Type {
	level := []reflect.Type{t}
	seen := map[reflect.Type]bool{t: true} // a type may embed a pointer to itself
	for len(level) > 0 {
		var next []reflect.Type
		for _, t := range level {
			for i := range t.NumField() {
				f := t.Field(i)
				if !f.Anonymous {
					continue
				}
				inner := f.Type
				if inner.Kind() == reflect.Pointer {
					inner = inner.Elem()
				}
				if inner.Kind() == reflect.Struct && !seen[inner] {
					seen[inner] = true
					next = append(next, inner)
				}
				if !hasMethod(f.Type, method) {
					continue
				}
				if inner.Kind() != reflect.Struct || ownMethod(inner, method) {
					return inner
				}
			}
		}
		level = next
	}
	return nil
}

func hasMethod(t reflect.Type, method string) bool {
	if _, ok := t.MethodByName(method); ok {
		return true
	}
	if t.Kind() == reflect.Struct {
		_, ok := reflect.PointerTo(t).MethodByName(method)
		return ok
	}
	return false
}

func ownMethod(t reflect.Type, method string) bool {
	m, ok := reflect.PointerTo(t).MethodByName(method)
	return ok && declares(reflect.PointerTo(t), m)
}

// bindFunc makes a Handler of what On was given.
func bindFunc(f form, handler any) (Handler, *binding, error) {
	switch h := handler.(type) {
	case Handler:
		return h, nil, nil
	}
	v := reflect.ValueOf(handler)
	if v.Kind() != reflect.Func || v.IsNil() {
		return nil, nil, fmt.Errorf("handler is %T: want %s", handler, f.want)
	}
	sig, err := f.parse(v.Type(), 0)
	if err != nil {
		return nil, nil, fmt.Errorf("handler has type %s, it %w: want %s", v.Type(), err, f.want)
	}
	b := newBinding(v, nil, sig)
	return b, b, nil
}
