package framework

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzPattern has any pattern be registered or refused with a sentence, and any path
// looked for.
func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{"/job/{id}", "/org/{org}/room/{room:[a-z]+}", "/files/*", "/a/{x}-{y}", "/{a:[0-9]{2,3}}/b", "/{a", "/*/b", "/{a}{b}", "/{:}", "/}{"} {
		for _, path := range []string{"/job/7", "/org/a/room/b", "/files/a/b", "/a/-", "/12/b", "/", ""} {
			f.Add(pattern, path)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		var fs families
		if err := registered(&fs, pattern); err != "" {
			if !strings.HasPrefix(err, "framework: pattern ") {
				t.Fatalf("pattern %q: panic %q", pattern, err)
			}
			return
		}
		found, params := fs.match(path)
		if found == nil {
			return
		}
		if params.Path() != path {
			t.Errorf("got the path %q, want %q", params.Path(), path)
		}
		if len(params.values) < len(params.keys) {
			t.Errorf("pattern %q, path %q: got the values %q for %q", pattern, path, params.values, params.keys)
		}
		for i, key := range params.keys {
			if v := params.values[i]; !strings.Contains(path, v) {
				t.Errorf("pattern %q, path %q: got %q for %q", pattern, path, v, key)
			}
		}
	})
}

func registered(fs *families, pattern string) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	checkPattern(pattern)
	fs.add(&family{pattern: pattern})
	return ""
}
