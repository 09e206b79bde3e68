package framework

import "encoding/json"

// store keeps a value. Where observers or other servers may read it, its JSON is kept
// beside it: encoded by who stores it, for later, on another goroutine, it might be
// changing.
func (s *Socket) store(key *keyID, v any) {
	read := key.name != "" && (s.ns.srv.feed.wants.values || s.ns.adapter != nil)
	var raw json.RawMessage
	if read {
		raw = s.encodeValue(key, v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = make(map[*keyID]any)
	}
	s.values[key] = v
	if !read {
		return
	}
	if delete(s.values, key.json); raw != nil {
		s.values[key.json] = raw
	}
	if s.accepted { // else accept will tell
		s.tellValue(key, raw)
	}
}

// encodeValue returns nil for what is no JSON.
func (s *Socket) encodeValue(key *keyID, v any) json.RawMessage {
	raw, err := marshal(v)
	if err != nil {
		s.log().Debug().Err(err).Str("key", key.name).Msg("value is not shown to observers and other servers")
		return nil
	}
	return raw
}

// tellValue shows observers a value, under s.mu, so that the last one is the one that
// is stored.
func (s *Socket) tellValue(key *keyID, raw json.RawMessage) {
	if f := &s.ns.srv.feed; f.wants.values {
		f.noteAll(func(o *Observer) { tell3(o.Set, s, key.name, raw) })
	}
}

// tellValues shows observers, under s.mu, what was stored before the socket was accepted.
func (s *Socket) tellValues() {
	if !s.ns.srv.feed.wants.values {
		return
	}
	for key := range s.values {
		if key.json != nil && key.name != "" {
			raw, _ := s.values[key.json].(json.RawMessage)
			s.tellValue(key, raw)
		}
	}
}

// data is the socket's values for other servers, without those that are no JSON.
func (s *Socket) data() json.RawMessage {
	data := make(map[string]json.RawMessage)
	s.mu.Lock()
	for key, v := range s.values {
		if key.json == nil {
			data[key.name] = v.(json.RawMessage)
		}
	}
	s.mu.Unlock()
	encoded, _ := json.Marshal(data) // names and JSON cannot fail
	return encoded
}
