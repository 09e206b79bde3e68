package framework

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// FuzzPattern has any two patterns be registered or refused with a sentence, and any
// path looked for: what is found for it, put in the place of the parameters, makes the
// path again, and a path that fits one pattern fits one of two.
func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{
		"/job/{id}", "/org/{org}/room/{room:[a-z]+}", "/files/*", "/a/{x}-{y}", "/{a:[0-9]{2,3}}/b", "/{a", "/*/b", "/{a}{b}", "/{:}", "/}{",
		"/{a}/{a}", "/{a:(}", "/{a:.*}", "/{a:a|b}c", "/job/{*}", "/{}", "/{a}x{b}y", "//{a}", "/{a:[/]}/", "/{a:x|y}", `/{a:x\$}`, "/a/{b:[0-9]+}/c", "/{a:}/",
	} {
		for _, path := range []string{"/xz", "/zy", "/x$y", "/a//c", "/job/7", "/org/a/room/b", "/files/a/b", "/a/-", "/12/b", "/", ""} {
			f.Add(pattern, "/job/{name}", path)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, other, path string) {
		one := new(families)
		if !registered(t, one, pattern) {
			return
		}
		alone, params := one.match(path)
		if alone != nil {
			checkMatch(t, alone.pattern, path, params)
		}
		if full, ok := filled(pattern); ok {
			if found, _ := one.match(full); found == nil {
				t.Errorf("pattern %q: %q does not fit", pattern, full)
			}
		}
		if !registered(t, one, other) {
			return
		}
		found, params := one.match(path)
		if found != nil {
			checkMatch(t, found.pattern, path, params)
		}
		// Where chi has found a value that is not of its form, it has not looked further.
		if alone != nil && found == nil && !strings.Contains(pattern+other, ":") {
			t.Errorf("patterns %q and %q: %q fits the first, and none when both are there", pattern, other, path)
		}
	})
}

// registered reports whether pattern was taken.
func registered(t *testing.T, fs *families, pattern string) (taken bool) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil && !strings.HasPrefix(fmt.Sprint(v), "framework: pattern ") {
			t.Fatalf("pattern %q: panic %q", pattern, v)
		}
	}()
	checkPattern(pattern)
	fs.add(&family{pattern: pattern})
	return true
}

// checkMatch puts what was found for a path back into the pattern.
func checkMatch(t *testing.T, pattern, path string, params Params) {
	t.Helper()
	parts := partsOf(pattern)
	if params.Path() != path || len(path) > maxChildPath {
		t.Errorf("got the path %q, want %q", params.Path(), path)
	}
	var b strings.Builder
	n := 0
	for _, p := range parts {
		if !p.free {
			b.WriteString(p.text)
			continue
		}
		if n == len(params.keys) || n == len(params.values) || params.keys[n] != p.name {
			t.Fatalf("pattern %q, path %q: got %q for %q", pattern, path, params.keys, params.values)
		}
		value := params.values[n]
		b.WriteString(value)
		if p.form != nil && !p.form.MatchString(value) || p.form == nil && p.name != "*" && strings.Contains(value, "/") {
			t.Errorf("pattern %q, path %q: got %q for %q", pattern, path, value, p.name)
		}
		n++
	}
	if n != len(params.keys) || n != len(params.values) || b.String() != path {
		t.Errorf("pattern %q, path %q: got %q for %q, which makes %q", pattern, path, params.values, params.keys, b.String())
	}
}

// part is a piece of a pattern: a text, or a parameter, whose name may be empty.
type part struct {
	free       bool
	text, name string
	form       *regexp.Regexp // of a parameter that has one
}

// partsOf takes a pattern apart that is registered.
func partsOf(pattern string) (parts []part) {
	for pattern != "" {
		i := strings.IndexAny(pattern, "{*")
		switch {
		case i < 0:
			return append(parts, part{text: pattern})
		case i > 0:
			parts = append(parts, part{text: pattern[:i]})
			pattern = pattern[i:]
		case pattern[0] == '*':
			return append(parts, part{free: true, name: "*"})
		default:
			end, depth := 0, 0
			for ; end < len(pattern); end++ {
				if pattern[end] == '{' {
					depth++
				} else if pattern[end] == '}' {
					if depth--; depth == 0 {
						break
					}
				}
			}
			name, form, regular := strings.Cut(pattern[1:end], ":")
			p := part{free: true, name: name}
			if regular {
				p.form = regexp.MustCompile(`\A(?:` + form + `)\z`)
				if form == "" {
					p.form = regexp.MustCompile("") // of any form
				}
			}
			parts = append(parts, p)
			pattern = pattern[end+1:]
		}
	}
	return parts
}

// filled returns the path for which every parameter is a character that the pattern has
// not, since a value ends where what is behind it begins; not where parameters have a
// form, or nothing between them.
func filled(pattern string) (path string, ok bool) {
	var b strings.Builder
	parts := partsOf(pattern)
	value := 'a'
	for strings.ContainsRune(pattern, value) {
		value++
	}
	for i, p := range parts {
		switch {
		case p.form != nil || p.free && i > 0 && parts[i-1].free:
			return "", false
		case p.free:
			b.WriteRune(value)
		default:
			b.WriteString(p.text)
		}
	}
	return b.String(), b.Len() <= maxChildPath
}
