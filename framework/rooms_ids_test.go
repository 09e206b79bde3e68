package framework

import (
	"strings"
	"testing"
)

func TestIDsOfAnyLengthAreFound(t *testing.T) {
	r := newRooms()
	ids := []string{newID(), "/chat#" + newID(), "x", strings.Repeat("y", 64), strings.Repeat("z", 200)}
	for _, id := range ids {
		if r.known(id) != nil {
			t.Errorf("%q is known before it was added", id)
		}
		s := &Socket{id: id}
		r.add(s)
		if r.known(id) != s {
			t.Errorf("%q was added and is not known", id)
		}
	}
	for _, name := range []string{"", "room", newID(), "/chat#" + newID(), strings.Repeat("z", 64)} {
		if s := r.known(name); s != nil {
			t.Errorf("%q: got socket %q, want none", name, s.id)
		}
	}
}
