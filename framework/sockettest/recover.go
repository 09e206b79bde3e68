package sockettest

import (
	"encoding/json"
	"maps"
	"strings"
)

// claim is what a client says that comes back.
type claim struct{ pid, offset string }

// PID is the secret by which the client may recover this socket's session, "" where
// the server has no connection state recovery.
func (s *Socket) PID() string {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.pid
}

// Offset is how far the client has come, "" before its first event: the last string
// that was the last thing in an event, as the client in JavaScript has it.
func (s *Socket) Offset() string {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.offset
}

// Recovered reports whether the socket has the session of the one that was given to
// Recover.
func (s *Socket) Recovered() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.claimed != "" && s.claimed == s.pid
}

// Recover joins the namespace of lost, a socket of a connection that has ended, as a
// client does that has come back: its PID and Offset go with the auth value, which has
// to be an object. It fails the test when the server refuses; that it may give the
// client a new session is for Recovered to tell. What the client has missed waits for
// Expect and Next.
func (c *Conn) Recover(lost *Socket, auth ...any) *Socket {
	c.tb.Helper()
	return c.RecoverAt(lost.path, lost.PID(), lost.Offset(), auth...)
}

// RecoverAt is Recover with a PID and an Offset of the test's own. An offset of "" is
// not sent.
func (c *Conn) RecoverAt(path, pid, offset string, auth ...any) *Socket {
	c.tb.Helper()
	payload := map[string]any{"pid": pid}
	if offset != "" {
		payload["offset"] = offset
	}
	for _, v := range auth {
		b, err := encodeJSON(v)
		var members map[string]any
		if err == nil {
			err = json.Unmarshal(b, &members)
		}
		if err != nil {
			c.tb.Fatalf("sockettest: auth for %q: %v", path, err)
		}
		maps.Copy(payload, members)
	}
	return c.accepted(c.join(path, []any{payload}, claim{pid, offset}))
}

// heard notes how far an event brings the client. c.mu is held.
func (s *Socket) heard(p *packet) {
	if s.pid == "" && s.claimed == "" || p.id != noID {
		return
	}
	last, _ := json.Marshal(p.name)
	if n := len(p.args); n > 0 {
		last = p.args[n-1]
	}
	var offset string
	if strings.HasPrefix(string(last), `"`) && json.Unmarshal(last, &offset) == nil {
		s.offset = offset
	}
}
