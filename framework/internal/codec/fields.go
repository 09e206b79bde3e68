package codec

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A field is one member of the object that a struct becomes.
type field struct {
	name      string
	typ       reflect.Type
	index     []int // from the outer struct, through embedded ones
	tagged    bool
	omitEmpty bool
	omitZero  bool
	quoted    bool // option ",string" on a type that heeds it
}

// An embedded struct waits for its fields to be promoted. count is how often its
// type occurs on one level; then its fields are ambiguous.
type embedded struct {
	typ   reflect.Type
	index []int
	count int
}

// fieldsOf lists the fields of t that encoding/json sees, in the order in which it
// writes them. Embedded structs are visited level by level: a name found on one
// level hides all deeper ones.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	taken := make(map[string]bool)
	visited := make(map[reflect.Type]bool)
	for level := []embedded{{typ: t, count: 1}}; len(level) > 0; {
		var found []field
		var next []embedded
		for _, e := range level {
			if visited[e.typ] {
				continue
			}
			visited[e.typ] = true
			for i := range e.typ.NumField() {
				f, kind := classify(e.typ.Field(i))
				f.index = append(slices.Clone(e.index), i)
				switch kind {
				case named:
					found = append(found, f)
					if e.count > 1 {
						found = append(found, f)
					}
				case promoted:
					next = addEmbedded(next, f)
				}
			}
		}
		fields = append(fields, visible(found, taken)...)
		level = next
	}
	slices.SortFunc(fields, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return fields
}

func addEmbedded(level []embedded, f field) []embedded {
	t := f.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range level {
		if level[i].typ == t {
			level[i].count++
			return level
		}
	}
	return append(level, embedded{typ: t, index: f.index, count: 1})
}

type fieldKind int

const (
	ignored  fieldKind = iota
	named              // a member of its own
	promoted           // an embedded struct whose fields belong to the outer one
)

func classify(sf reflect.StructField) (field, fieldKind) {
	base := sf.Type
	if base.Name() == "" && base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if !sf.IsExported() && !(sf.Anonymous && base.Kind() == reflect.Struct) {
		return field{}, ignored
	}
	tag := sf.Tag.Get("json")
	if tag == "-" {
		return field{}, ignored
	}
	name, rest, _ := strings.Cut(tag, ",")
	if !validName(name) {
		name = ""
	}
	f := field{name: name, typ: sf.Type, tagged: name != ""}
	if sf.Anonymous && !f.tagged && base.Kind() == reflect.Struct {
		return f, promoted
	}
	if !f.tagged {
		f.name = sf.Name
	}
	for option := range strings.SplitSeq(rest, ",") {
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.omitZero = true
		case "string":
			f.quoted = isScalar(base.Kind())
		}
	}
	return f, named
}

func isScalar(k reflect.Kind) bool {
	return k == reflect.String || reflect.Bool <= k && k <= reflect.Float64
}

// visible returns the fields of one level that no other of the level hides, and
// marks their names as taken. Where several share a name, the tagged ones count;
// where several still do, none is visible.
func visible(level []field, taken map[string]bool) []field {
	byName := make(map[string][]field)
	var names []string
	for _, f := range level {
		if taken[f.name] {
			continue
		}
		if byName[f.name] == nil {
			names = append(names, f.name)
		}
		byName[f.name] = append(byName[f.name], f)
	}
	var out []field
	for _, name := range names {
		taken[name] = true
		rivals := byName[name]
		if slices.ContainsFunc(rivals, func(f field) bool { return f.tagged }) {
			rivals = slices.DeleteFunc(rivals, func(f field) bool { return !f.tagged })
		}
		if len(rivals) == 1 {
			out = append(out, rivals[0])
		}
	}
	return out
}

// validName reports whether a tag's name counts: letters, digits and the ASCII
// punctuation that needs no escape, comma aside.
func validName(name string) bool {
	for _, r := range name {
		if r < utf8.RuneSelf {
			if r < ' ' || r > '~' || strings.ContainsRune("\"'`\\,", r) {
				return false
			}
		} else if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return name != ""
}

// unsettable returns the type of the pointer that keeps a new value from being
// stored in the field: an embedded *T whose T is unexported. It is "" without one.
func (f *field) unsettable(t reflect.Type) string {
	for _, i := range f.index {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		sf := t.Field(i)
		if !sf.IsExported() && sf.Type.Kind() == reflect.Pointer {
			return sf.Type.String()
		}
		t = sf.Type
	}
	return ""
}
