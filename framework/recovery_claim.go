package framework

import "encoding/json"

// claim is what a client says when it comes back: which session is its own, and how far
// it has come.
type claim struct{ pid, offset string }

// takeClaim takes the claim out of the auth payload, into which clients merge it; what
// is left is what the application was given. A pid that cannot be ours stays there, for
// it may be the application's.
func (s *Socket) takeClaim() (c claim) {
	if s.auth == nil || len(s.auth.elems) != 1 {
		return claim{}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(s.auth.elems[0], &members) != nil {
		return claim{} // no object
	}
	c.pid = stringOf(members["pid"])
	if len(c.pid) != idLen {
		return claim{}
	}
	c.offset = stringOf(members["offset"])
	delete(members, "pid")
	delete(members, "offset")
	if len(members) == 0 {
		s.auth = nil
		return c
	}
	rest, err := json.Marshal(members)
	if err != nil {
		return claim{} // they come from Unmarshal, so there is none
	}
	s.auth = &Args{elems: [][]byte{rest}}
	return c
}

// stringOf returns a JSON string's text, "" for what is none.
func stringOf(raw json.RawMessage) string {
	var text string
	if raw == nil || json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}
