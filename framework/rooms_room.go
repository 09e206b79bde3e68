package framework

import (
	"slices"
	"sync"
)

// room is who is in it, in a dense slice.
type room struct {
	name string

	mu      sync.RWMutex
	gone    bool // its last member has left; whoever joins needs another
	watched bool // rooms.watch has been told of it
	members []*Socket
	index   map[*Socket]int // where in members; nil while they are few
}

// few is how many members are searched one by one: most rooms never have more, and
// then a map costs more than it saves.
const few = 8

// find returns the place of s in members, or -1.
func (rm *room) find(s *Socket) int {
	if rm.index == nil {
		return slices.Index(rm.members, s)
	}
	if i, in := rm.index[s]; in {
		return i
	}
	return -1
}

func (rm *room) add(s *Socket) {
	if rm.index == nil && len(rm.members) == few {
		rm.index = make(map[*Socket]int, 2*few)
		for i, m := range rm.members {
			rm.index[m] = i
		}
	}
	if rm.index != nil {
		rm.index[s] = len(rm.members)
	}
	rm.members = append(rm.members, s)
}

// drop takes out the member at place i; the last one takes it.
func (rm *room) drop(i int) {
	last := len(rm.members) - 1
	dropped, moved := rm.members[i], rm.members[last]
	rm.members[i], rm.members[last] = moved, nil
	rm.members = rm.members[:last]
	switch {
	case rm.index == nil:
	case last <= few/2: // what many left behind: a map never shrinks
		rm.index, rm.members = nil, slices.Clone(rm.members)
	case last <= cap(rm.members)/8:
		rm.members = slices.Clone(rm.members)
		rm.index = make(map[*Socket]int, len(rm.members))
		for i, m := range rm.members {
			rm.index[m] = i
		}
	default:
		rm.index[moved] = i
		delete(rm.index, dropped)
	}
}

// directory is the rooms of a shard by their names. Its lock is held for finding,
// making and forgetting a room, never while waiting for one. Its map is made with the
// first room.
type directory struct {
	mu    sync.RWMutex
	rooms map[string]*room
}

// find returns the room, or nil.
func (d *directory) find(name string) *room {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.rooms[name]
}

func (d *directory) findOrMake(name string) *room {
	if rm := d.find(name); rm != nil {
		return rm
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	rm := d.rooms[name]
	if rm == nil {
		rm = &room{name: name}
		if d.rooms == nil {
			d.rooms = make(map[string]*room)
		}
		d.rooms[name] = rm
	}
	return rm
}

// open returns the room, which it makes if need be, locked for a joiner. The caller
// calls done.
func (d *directory) open(name string) *room {
	for {
		rm := d.findOrMake(name)
		rm.mu.Lock()
		if !rm.gone {
			return rm
		}
		rm.mu.Unlock() // it went in between, and is no longer in the directory
	}
}

// done unlocks a room, and forgets it when nobody is in it any more.
func (d *directory) done(rm *room) {
	if len(rm.members) == 0 && !rm.gone {
		rm.gone = true
		d.forget(rm.name)
	}
	rm.mu.Unlock()
}

func (d *directory) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.rooms, name)
	if len(d.rooms) == 0 {
		d.rooms = nil // a map never shrinks
	}
}

func (d *directory) names(dst []string) []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for name := range d.rooms {
		dst = append(dst, name)
	}
	return dst
}
