package framework

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SnakeCase turns the part of a method's name behind On into an event name:
// MyEvent is "my_event", HTTPPing "http_ping", V2Join "v2_join". It is the
// default of Options.EventName.
func SnakeCase(method string) string { return strings.ToLower(strings.Join(words(method), "_")) }

// KebabCase is SnakeCase with dashes: "my-event".
func KebabCase(method string) string { return strings.ToLower(strings.Join(words(method), "-")) }

// CamelCase turns MyEvent into "myEvent" and HTTPPing into "httpPing".
func CamelCase(method string) string {
	parts := words(method)
	if len(parts) == 0 {
		return ""
	}
	return strings.ToLower(parts[0]) + strings.Join(parts[1:], "")
}

// words cuts a Go name where an upper-case letter begins a word: after a lower
// one or a digit, and before the last of a run of capitals that a lower-case
// letter follows. Underscores separate too.
func words(name string) []string {
	var out []string
	runes := []rune(name)
	start := 0
	cut := func(end int) {
		if end > start {
			out = append(out, string(runes[start:end]))
		}
		start = end
	}
	for i, r := range runes {
		switch {
		case r == '_':
			cut(i)
			start = i + 1
		case i == 0 || !unicode.IsUpper(r):
		case !unicode.IsUpper(runes[i-1]), i+1 < len(runes) && unicode.IsLower(runes[i+1]):
			cut(i)
		}
	}
	cut(len(runes))
	return out
}

// handlerName returns what follows On in the name of a handler method: the rune
// behind On has to be upper case, so that Once and Online are ordinary methods.
func handlerName(method string) (string, bool) {
	rest, ok := strings.CutPrefix(method, "On")
	if !ok {
		return "", false
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return rest, unicode.IsUpper(r)
}

// nearest finds the name that an event nobody handles may have meant: alike but
// for case and separators, or at most two edits away. "" when there is none.
func nearest(name string, known func(yield func(string) bool)) string {
	best, distance := "", 3
	for k := range known {
		if folded(k) == folded(name) {
			return k
		}
		if d := edits(k, name); d < distance && d < len(name) {
			best, distance = k, d
		}
	}
	return best
}

// folded drops what naming conventions differ in.
func folded(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ":", "", ".", "").Replace(name))
}

// edits is the Levenshtein distance of two short names, or 3 for names that
// cannot be near: they come from clients, so the work is bounded.
func edits(a, b string) int {
	if max(len(a), len(b)) > 64 || len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
