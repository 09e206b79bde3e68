package framework

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework/internal/packet"
)

// Whatever a client sends as its auth payload, a claim is taken out of it whole or not
// at all.
func FuzzTakeClaim(f *testing.F) {
	for _, auth := range []string{
		`{}`, `null`, `[]`, `"pid"`, `{"pid":"` + strings.Repeat("A", idLen) + `"}`, `{"pid":"` + strings.Repeat("A", idLen) + `","offset":"x.1","token":{"a":[1]}}`,
		`{"pid":"` + strings.Repeat("A", idLen) + `","offset":1}`, `{"pid":"short","offset":"x"}`, `{"pid":{"pid":null}}`, `{"offset":"x"}`,
	} {
		f.Add(auth)
	}
	f.Fuzz(func(t *testing.T, auth string) {
		if packet.Valid([]byte(auth), 256) != nil {
			return
		}
		s := &Socket{auth: &Args{elems: [][]byte{[]byte(auth)}}}
		c := s.takeClaim()
		rest := string(s.Auth().Raw(0))
		switch {
		case c.pid == "":
			if rest != auth || c.offset != "" {
				t.Errorf("%s: got %+v and %s, want no claim", auth, c, rest)
			}
			return
		case len(c.pid) != idLen:
			t.Errorf("%s: got a pid of %d bytes", auth, len(c.pid))
		}
		if s.Auth().Len() == 0 {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(rest), &members); err != nil || members["pid"] != nil || members["offset"] != nil || len(members) == 0 {
			t.Errorf("%s: left %s, %v", auth, rest, err)
		}
	})
}
