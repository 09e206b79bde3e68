package framework

// mayJoin tells whether the bounds let a socket join rooms; the error is counted.
//
// Who joins on several goroutines at once may get past MaxRooms by what is just being
// joined: a client has handlers run beside each other only by MaxConcurrent.
func (s *Socket) mayJoin(names []string) error {
	opts := &s.ns.srv.opts
	for _, name := range names {
		if len(name) > opts.MaxNameLength {
			return s.conn.exceed("MaxNameLength", "room %.32q... has %d bytes, %d are the most", name, len(name), opts.MaxNameLength)
		}
	}
	if !s.hasRoomFor(names, opts.MaxRooms) {
		return s.conn.exceed("MaxRooms", "a socket would be in more than %d rooms", opts.MaxRooms)
	}
	return nil
}

// hasRoomFor tells whether the socket would be in no more than so many rooms. Near the
// bound it asks for each of names whether it is in that already, for the socket's own
// list of rooms is long there, and a client may have this done for each of its events.
func (s *Socket) hasRoomFor(names []string, most int) bool {
	s.mu.Lock()
	in, absent := len(s.joined), s.absent
	s.mu.Unlock()
	if absent || in+len(names) <= most {
		return true
	}
	var fresh map[string]bool
	for _, name := range names {
		if name == s.id || fresh[name] || s.ns.rooms.in(s, name) {
			continue
		}
		if in++; in > most {
			return false
		}
		if fresh == nil {
			fresh = make(map[string]bool)
		}
		fresh[name] = true
	}
	return true
}
