package codec

import (
	"strconv"
	"strings"
)

// A pathError says where in a value something went wrong. The steps are collected
// innermost first, while the error travels up.
type pathError struct {
	steps []step
	err   error
}

// A step is the name of a field or a map's key, or "" and an index.
type step struct {
	name  string
	index int
}

// maxPath bounds the path in an error's text, bytes: a client picks keys and depth.
const maxPath = 200

func (e *pathError) Error() string {
	var b strings.Builder
	for i := len(e.steps) - 1; i >= 0; i-- {
		s := e.steps[i]
		switch {
		case s.name != "" && b.Len() == 0:
			b.WriteString("field " + printable(s.name))
		case s.name != "":
			b.WriteString("." + printable(s.name))
		case b.Len() == 0:
			b.WriteString("element [" + s.label() + "]")
		default:
			b.WriteString("[" + s.label() + "]")
		}
		if b.Len() > maxPath {
			b.WriteString("...")
			break
		}
	}
	return b.String() + ": " + e.err.Error()
}

func (e *pathError) Unwrap() error { return e.err }

// label is the step's index, or nothing for "any element".
func (s step) label() string {
	if s.index < 0 {
		return ""
	}
	return strconv.Itoa(s.index)
}

// printable quotes and cuts names that would make an error hard to read.
func printable(name string) string {
	if len(name) > maxPath/4 {
		return strconv.Quote(name[:maxPath/4]) + "..."
	}
	for _, r := range name {
		if r == '.' || r == ':' || r <= ' ' || !strconv.IsPrint(r) {
			return strconv.Quote(name)
		}
	}
	return name
}

// atField adds the name of the field, or the map key, in which err happened.
func atField(name string, err error) error {
	if name == "" {
		name = `""`
	}
	return addStep(step{name: name}, err)
}

// atIndex adds the index of the element in which err happened.
func atIndex(i int, err error) error { return addStep(step{index: i}, err) }

// atElement says that err holds for every element. It passes nil on.
func atElement(err error) error {
	if err == nil {
		return nil
	}
	return atIndex(-1, err)
}

func addStep(s step, err error) error {
	pe, ok := err.(*pathError) // no errors.As: a path inside a leaf's own error is not ours
	if !ok {
		pe = &pathError{err: err}
	}
	pe.steps = append(pe.steps, s)
	return pe
}
