package framework

import (
	"runtime"
	"slices"
	"strings"
)

// each calls f for every socket that the target selects, once. It holds the locks of
// what it walks meanwhile: f only appends to the socket's buffer.
//
// What is selected by several rooms is so at one moment: who moves from one to
// another, and joins before it leaves, is reached. To everybody is one shard after
// the other; nobody moves between those.
func (r *rooms) each(t *target, f func(*Socket)) {
	switch {
	case t.only != nil:
		f(t.only)
	case t.narrowed && len(t.rooms) == 0: // nobody
	case len(t.except) > 0 || len(t.rooms) > 1:
		r.eachPicked(t, f)
	case t.narrowed:
		r.eachIn(t.rooms[0], t.sender, f)
	default:
		r.eachOfAll(nil, t.sender, f)
	}
}

// eachIn reaches the socket with that id, and walks the room of that name. A room that
// goes after it was found was empty, and that is what is walked.
func (r *rooms) eachIn(name string, sender *Socket, f func(*Socket)) {
	if s := r.known(name); s != nil && s != sender {
		f(s)
	}
	rm := r.directory(name).find(name)
	if rm == nil {
		return
	}
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	for _, s := range rm.members {
		if s != sender {
			f(s)
		}
	}
}

// eachOfAll walks everybody, but for the sender and whom picks leave out.
func (r *rooms) eachOfAll(picks []pick, sender *Socket, f func(*Socket)) {
	for i := range r.byID {
		r.byID[i].each(picks, sender, f)
	}
}

func (c *crowd) each(picks []pick, sender *Socket, f func(*Socket)) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, s := range c.all {
		if s != sender && !skip(picks, 0, s) {
			f(s)
		}
	}
}

// pick is one name of a selection of several, and what it stands for: a socket, a
// room, both (others may join a room that is named like a socket), or nothing.
type pick struct {
	name   string
	except bool // its sockets are left out, rather than reached
	socket *Socket
	room   *room
}

// manyPicks is more names than selections mostly have; up to here they stay on the
// stack.
const manyPicks = 16

// mostTries is how often a selection is found anew before it is taken as it is, so that
// nothing can keep a broadcast for ever. A room of those names has to come or go between
// each two steps for that; others get their turn to be done with it after fewTries.
const (
	fewTries  = 8
	mostTries = 1000
)

func (r *rooms) eachPicked(t *target, f func(*Socket)) {
	var some [manyPicks]pick
	picks := pickNames(some[:0], t)
	for tries := 1; !r.hold(picks) && tries < mostTries; tries++ {
		release(picks)
		if tries >= fewTries {
			runtime.Gosched()
		}
	}
	defer release(picks)
	if len(picks) > manyPicks {
		r.eachOfMany(picks, t, f)
		return
	}
	if !t.narrowed {
		r.eachOfAll(picks, t.sender, f)
		return
	}
	for i := range picks {
		if picks[i].except {
			continue
		}
		picks[i].each(func(s *Socket) {
			if s != t.sender && !skip(picks, i, s) {
				f(s)
			}
		})
	}
}

// eachOfMany is eachPicked with a map, for names of which so many are not to be looked
// through for each socket.
func (r *rooms) eachOfMany(picks []pick, t *target, f func(*Socket)) {
	over := map[*Socket]bool{t.sender: true} // left out, or reached
	once := func(s *Socket) {
		if !over[s] {
			over[s] = true
			f(s)
		}
	}
	leave := func(s *Socket) { over[s] = true }
	for i := range picks {
		if picks[i].except {
			picks[i].each(leave)
		}
	}
	if !t.narrowed {
		r.eachOfAll(nil, t.sender, once)
		return
	}
	for i := range picks {
		if !picks[i].except {
			picks[i].each(once)
		}
	}
}

// each calls f for the sockets that the name stands for.
func (p *pick) each(f func(*Socket)) {
	if p.socket != nil {
		f(p.socket)
	}
	if p.room != nil {
		for _, s := range p.room.members {
			f(s)
		}
	}
}

// pickNames lists the target's names, each once, in their order, which is that of the
// locks. What is both reached and left out is left out: it comes first among equals.
func pickNames(picks []pick, t *target) []pick {
	for _, name := range t.except {
		picks = append(picks, pick{name: name, except: true})
	}
	for _, name := range t.rooms {
		picks = append(picks, pick{name: name})
	}
	slices.SortStableFunc(picks, func(a, b pick) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(picks, func(a, b pick) bool { return a.name == b.name })
}

// hold finds what the names stand for and locks the rooms for reading. It reports
// whether all was so at the moment when the last lock was taken: no room had gone by
// then, and none had come to be where there was none. If not, the caller releases them
// and tries again.
func (r *rooms) hold(picks []pick) bool {
	for i := range picks {
		p := &picks[i]
		p.socket = r.known(p.name)
		p.room = r.directory(p.name).find(p.name)
	}
	for i := range picks {
		if rm := picks[i].room; rm != nil {
			rm.mu.RLock()
		}
	}
	for i := range picks {
		if !r.stands(&picks[i]) {
			return false
		}
	}
	return true
}

func (r *rooms) stands(p *pick) bool {
	if p.room != nil {
		return !p.room.gone
	}
	return r.directory(p.name).find(p.name) == nil
}

func release(picks []pick) {
	for i := range picks {
		if rm := picks[i].room; rm != nil {
			rm.mu.RUnlock()
			picks[i].room = nil
		}
	}
}

// skip tells whether s is left out, or was reached by one of the first n picks.
func skip(picks []pick, n int, s *Socket) bool {
	for i := range picks {
		if p := &picks[i]; (p.except || i < n) && p.has(s) {
			return true
		}
	}
	return false
}

func (p *pick) has(s *Socket) bool {
	return p.socket == s || p.room != nil && p.room.find(s) >= 0
}
