package codec

import "reflect"

// isEmpty is the test of the option ",omitempty".
func isEmpty(v reflect.Value) bool {
	switch k := v.Kind(); k {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Interface, reflect.Pointer:
		return v.IsNil()
	default:
		return isScalar(k) && v.IsZero()
	}
}

type zeroer interface{ IsZero() bool }

var zeroerType = reflect.TypeFor[zeroer]()

// zeroTest returns the test of the option ",omitzero" for type t: its IsZero
// method, of the value or the pointer, else the zero value.
func zeroTest(t reflect.Type) func(reflect.Value) bool {
	byMethod := t.Implements(zeroerType)
	byPointer := !byMethod && reflect.PointerTo(t).Implements(zeroerType)
	if !byMethod && !byPointer {
		return reflect.Value.IsZero
	}
	return func(v reflect.Value) bool {
		switch {
		case !v.CanInterface():
			return v.IsZero()
		case byPointer:
			if !v.CanAddr() {
				addressable := reflect.New(t).Elem()
				addressable.Set(v)
				v = addressable
			}
			v = v.Addr()
		case isNilAtAll(v):
			return true
		}
		return v.Interface().(zeroer).IsZero()
	}
}

// isNilAtAll reports whether v is a nil pointer, or an interface that is nil or
// holds one: nothing to call a method on.
func isNilAtAll(v reflect.Value) bool {
	if v.Kind() == reflect.Interface {
		if v.IsNil() {
			return true
		}
		v = v.Elem()
	}
	return v.Kind() == reflect.Pointer && v.IsNil()
}
