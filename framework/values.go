package framework

import "maps"

// tellValue shows observers a value that was stored. It encodes it where it is stored:
// later, or on another goroutine, it might be changing.
func (s *Socket) tellValue(key *keyID, v any) {
	f := &s.ns.srv.feed
	if !f.wants.values {
		return
	}
	raw, err := marshal(v)
	if err != nil {
		raw = nil
		s.log().Debug().Err(err).Str("key", key.name).Msg("value is not shown to observers")
	}
	f.noteAll(func(o *Observer) { tell3(o.Set, s, key.name, raw) })
}

// tellValues shows what was stored before the socket was accepted.
func (s *Socket) tellValues() {
	if !s.ns.srv.feed.wants.values {
		return
	}
	s.mu.Lock()
	values := maps.Clone(s.values)
	s.mu.Unlock()
	for key, v := range values {
		s.tellValue(key, v)
	}
}
