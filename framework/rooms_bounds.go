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
	if most := opts.MaxRooms; s.roomsWith(names, most) > most {
		return s.conn.exceed("MaxRooms", "a socket would be in more than %d rooms", most)
	}
	return nil
}

// roomsWith returns in how many rooms the socket would be. If that cannot be more than
// enough it is not counted out.
func (s *Socket) roomsWith(names []string, enough int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.absent {
		return 0
	}
	if most := len(s.joined) + len(names); most <= enough {
		return most
	}
	in := map[string]bool{s.id: true}
	for _, name := range s.joined {
		in[name] = true
	}
	for _, name := range names {
		in[name] = true
	}
	return len(in) - 1
}
