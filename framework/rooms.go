package framework

import (
	"slices"
	"sort"
	"sync"
)

// rooms knows who is in a namespace and in its rooms, in this process. Members
// stand in dense slices, which a broadcast walks without copying; the personal
// room of a socket is its entry in byID, so it costs nothing.
//
// Lock order: rooms.mu, then Socket.mu, then the session's.
type rooms struct {
	mu     sync.RWMutex
	byID   map[string]*Socket
	all    []*Socket
	byName map[string]*room
}

type room struct {
	name    string
	members []*Socket
	index   map[*Socket]int
}

func newRooms() rooms {
	return rooms{byID: make(map[string]*Socket), byName: make(map[string]*room)}
}

// add makes s a receiver of broadcasts.
func (r *rooms) add(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.absent || s.present {
		return
	}
	s.present = true
	s.place = len(r.all)
	r.all = append(r.all, s)
	r.byID[s.id] = s
}

// remove takes s out of the namespace and out of every room. s keeps the names,
// for its OnDisconnect.
func (r *rooms) remove(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.absent {
		return
	}
	s.absent = true
	for _, name := range s.joined {
		r.drop(name, s)
	}
	if !s.present {
		return
	}
	last := len(r.all) - 1
	moved := r.all[last]
	r.all[s.place], moved.place = moved, s.place
	r.all[last] = nil
	r.all = r.all[:last]
	delete(r.byID, s.id)
}

// join is inert once s has departed, as in the reference.
func (r *rooms) join(s *Socket, names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.absent {
		return
	}
	for _, name := range names {
		if name == s.id {
			continue
		}
		rm := r.byName[name]
		if rm == nil {
			rm = &room{name: name, index: make(map[*Socket]int)}
			r.byName[name] = rm
		}
		if _, in := rm.index[s]; in {
			continue
		}
		rm.index[s] = len(rm.members)
		rm.members = append(rm.members, s)
		s.joined = append(s.joined, name)
	}
}

func (r *rooms) leave(s *Socket, names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.absent {
		return
	}
	for _, name := range names {
		if i := slices.Index(s.joined, name); i >= 0 {
			s.joined = slices.Delete(s.joined, i, i+1)
			r.drop(name, s)
		}
	}
}

func (r *rooms) close(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rm := r.byName[name]
	if rm == nil {
		return
	}
	for _, s := range rm.members {
		if i := slices.Index(s.joined, name); i >= 0 {
			s.joined = slices.Delete(s.joined, i, i+1)
		}
	}
	delete(r.byName, name)
}

// drop takes s out of a room's slice and the room away with its last member.
func (r *rooms) drop(name string, s *Socket) {
	rm := r.byName[name]
	if rm == nil {
		return
	}
	i, in := rm.index[s]
	if !in {
		return
	}
	last := len(rm.members) - 1
	moved := rm.members[last]
	rm.members[i], rm.index[moved] = moved, i
	rm.members[last] = nil
	rm.members = rm.members[:last]
	delete(rm.index, s)
	if last == 0 {
		delete(r.byName, name)
	}
}

func (r *rooms) of(s *Socket) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(s.joined)
}

func (r *rooms) socket(sid string) *Socket {
	r.mu.RLock()
	s := r.byID[sid]
	r.mu.RUnlock()
	if s == nil || !s.Connected() {
		return nil
	}
	return s
}

// sockets lists who is connected, without those whose OnConnect still runs.
func (r *rooms) sockets(dst []*Socket) []*Socket {
	r.mu.RLock()
	dst = append(dst, r.all...)
	r.mu.RUnlock()
	return slices.DeleteFunc(dst, func(s *Socket) bool { return !s.Connected() })
}

func (r *rooms) names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := make([]string, 0, len(r.byName))
	for name := range r.byName {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// each calls f for every socket that the target selects, once, under the lock:
// f only appends to the socket's buffer.
func (r *rooms) each(t *target, f func(*Socket)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t.only != nil {
		f(t.only)
		return
	}
	if !t.narrowed {
		for _, s := range r.all {
			if !r.excepted(s, t) {
				f(s)
			}
		}
		return
	}
	for i, name := range t.rooms {
		if s := r.byID[name]; s != nil && !r.inAny(s, t.rooms[:i]) && !r.excepted(s, t) {
			f(s)
		}
		rm := r.byName[name]
		if rm == nil {
			continue
		}
		for _, s := range rm.members {
			if s.id != name && !r.inAny(s, t.rooms[:i]) && !r.excepted(s, t) {
				f(s)
			}
		}
	}
}

func (r *rooms) excepted(s *Socket, t *target) bool {
	return s == t.sender || len(t.except) > 0 && r.inAny(s, t.except)
}

func (r *rooms) inAny(s *Socket, names []string) bool {
	for _, name := range names {
		if name == s.id {
			return true
		}
		if rm := r.byName[name]; rm != nil {
			if _, in := rm.index[s]; in {
				return true
			}
		}
	}
	return false
}
