package framework

import (
	"regexp"
	"strings"
)

// formsOf returns the regular expressions of a pattern's parameters in their order, nil
// for one that has none. Each is for the whole of a value: chi itself puts "^" and "$"
// around the text, where in "{kind:open|done}" each is one alternative's only, and lets
// an empty value pass in the middle of a path.
func formsOf(pattern string) (forms []*regexp.Regexp) {
	start, depth := 0, 0
	for i, c := range pattern {
		switch c {
		case '{':
			if depth++; depth == 1 {
				start = i + 1
			}
		case '}':
			if depth--; depth > 0 {
				continue
			}
			var form *regexp.Regexp
			if _, text, _ := strings.Cut(pattern[start:i], ":"); text != "" {
				form = regexp.MustCompile("^(?:" + text + ")$")
			}
			forms = append(forms, form)
		}
	}
	return forms
}

// fits tells whether each value is wholly of its parameter's form.
func (f *family) fits(values []string) bool {
	for i, form := range f.forms {
		if form != nil && (i >= len(values) || !form.MatchString(values[i])) {
			return false
		}
	}
	return true
}

// unopened tells whether a brace closes in a pattern that none has opened: of these chi
// makes paths that nothing fits.
func unopened(pattern string) bool {
	depth := 0
	for _, c := range pattern {
		switch c {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth < 0 {
			return true
		}
	}
	return false
}
