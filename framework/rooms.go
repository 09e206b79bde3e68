package framework

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parlor-go/parlor/framework/adapter"
)

// rooms knows who is in a namespace and in its rooms, in this process. Sockets are
// spread over shards by their id, rooms over directories by their name, and each
// room has a lock of its own: a broadcast keeps nobody waiting but who joins or
// leaves what it walks. The personal room of a socket is its entry in byID, so it
// costs nothing.
//
// Lock order: room.mu, of several in the order of their names; then one crowd.mu or
// directory.mu; then Socket.mu; then the session's. Only a broadcast holds several
// rooms, and it only reads them; whoever writes holds one and waits for no other.
// So a writer who waits for readers, and whom later readers wait for in turn, is
// never part of a circle. Nobody reads one lock twice, for the same reason. Where
// clients may recover, recovery.mu comes before all of them.
type rooms struct {
	seed    maphash.Seed
	lengths atomic.Uint64 // bit n%64 for each length n that an id has had
	byID    [shards]crowd
	byName  [shards]directory
	feed    *feed               // is told who comes and goes; nil without
	watch   adapter.RoomWatcher // nil unless somebody wants to know

	recovery *recovery // if clients may recover: orders who is where with what is sent
}

const shards = 16

// crowd is the sockets of a shard, in a dense slice, which a broadcast walks
// without copying. Its map is made when somebody comes.
type crowd struct {
	mu   sync.RWMutex
	byID map[string]*Socket
	all  []*Socket
}

// order is for who changes who is where: until ordered nothing is sent to clients that
// may recover.
func (r *rooms) order() {
	if r.recovery != nil {
		r.recovery.mu.Lock()
	}
}

func (r *rooms) ordered() {
	if r.recovery != nil {
		r.recovery.mu.Unlock()
	}
}

func newRooms() rooms { return rooms{seed: maphash.MakeSeed()} }

func (r *rooms) crowd(sid string) *crowd {
	return &r.byID[maphash.String(r.seed, sid)%shards]
}

func (r *rooms) directory(name string) *directory {
	return &r.byName[maphash.String(r.seed, name)%shards]
}

// add makes s a receiver of broadcasts. If remove comes meanwhile, it either is seen
// here or waits for the lock and then finds s present. It is false if another socket
// has the id.
func (r *rooms) add(s *Socket) bool {
	c := r.crowd(s.id)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.present || s.removed() {
		return true
	}
	if c.byID[s.id] != nil {
		return false
	}
	if c.byID == nil {
		c.byID = make(map[string]*Socket)
	}
	if bit := lengthBit(s.id); r.lengths.Load()&bit == 0 {
		r.lengths.Or(bit)
	}
	s.present = true
	s.place = int32(len(c.all))
	c.all = append(c.all, s)
	c.byID[s.id] = s
	r.feed.joined(s, s.id)
	return true
}

// remove takes s out of every room and out of the namespace. s keeps the rooms'
// names, for its OnDisconnect: nobody writes joined once s is absent.
func (r *rooms) remove(s *Socket) {
	r.order()
	defer r.ordered()
	s.mu.Lock()
	before := s.absent
	s.absent = true
	id, joined := s.id, s.joined
	s.mu.Unlock()
	if before {
		return
	}
	if r.recovery != nil {
		r.recovery.lost(s)
	}
	for _, name := range joined {
		r.quit(s, name)
	}
	r.crowd(id).drop(s, r.feed)
}

func (c *crowd) drop(s *Socket, f *feed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.present {
		return
	}
	f.left(s, s.id)
	last := len(c.all) - 1
	moved := c.all[last]
	c.all[s.place], moved.place = moved, s.place
	c.all[last] = nil
	c.all = c.all[:last]
	delete(c.byID, s.id)
	if cap(c.all) > few && last <= cap(c.all)/8 { // what many left behind: a map never shrinks
		c.all = slices.Clone(c.all)
		c.byID = make(map[string]*Socket, last)
		for _, s := range c.all {
			c.byID[s.id] = s
		}
	}
}

// join is inert once s has departed, as in the reference.
func (r *rooms) join(s *Socket, names []string) {
	if s.removed() {
		return // or its rooms would be listed for a moment
	}
	r.order()
	defer r.ordered()
	for _, name := range names {
		if name != s.id {
			r.enter(s, name)
		}
	}
}

func (r *rooms) enter(s *Socket, name string) {
	d := r.directory(name)
	rm := d.open(name)
	defer r.done(d, rm)
	if rm.find(s) >= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.absent {
		return
	}
	if r.watch != nil && !rm.watched {
		rm.watched = true
		r.watch.RoomOpened(name)
	}
	rm.add(s)
	s.joined = append(s.joined, name)
	r.feed.joined(s, name)
	if r.recovery != nil {
		r.recovery.entered(s, name)
	}
}

func (r *rooms) leave(s *Socket, names []string) {
	r.order()
	defer r.ordered()
	for _, name := range names {
		r.quit(s, name)
	}
}

// quit takes s out of a room, if it is in it.
func (r *rooms) quit(s *Socket, name string) {
	d := r.directory(name)
	rm := d.find(name)
	if rm == nil {
		return
	}
	rm.mu.Lock()
	defer r.done(d, rm)
	if i := rm.find(s); i >= 0 {
		rm.drop(i)
		s.forgetRoom(name)
		r.feed.left(s, name)
	}
}

// close makes all members leave.
func (r *rooms) close(name string) {
	r.order()
	defer r.ordered()
	d := r.directory(name)
	rm := d.find(name)
	if rm == nil {
		return
	}
	rm.mu.Lock()
	defer r.done(d, rm)
	for _, s := range rm.members {
		s.forgetRoom(name)
		r.feed.left(s, name)
	}
	rm.members, rm.index = nil, nil
}

// done unlocks a room. Who watches hears of its end before another of that name may be.
func (r *rooms) done(d *directory, rm *room) {
	if rm.watched && len(rm.members) == 0 && !rm.gone {
		r.watch.RoomClosed(rm.name)
	}
	d.done(rm)
}

// in tells whether s is in a room.
func (r *rooms) in(s *Socket, name string) bool {
	rm := r.directory(name).find(name)
	if rm == nil {
		return false
	}
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return rm.find(s) >= 0
}

func (r *rooms) of(s *Socket) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.joined)
}

// forgetRoom is what leaving a room, whose lock the caller holds, does to the
// socket's own list.
func (s *Socket) forgetRoom(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.absent {
		return
	}
	if i := slices.Index(s.joined, name); i >= 0 {
		s.joined = slices.Delete(s.joined, i, i+1)
	}
	if s.rec != nil {
		s.ns.recovery.left(s, name)
	}
}

func (s *Socket) removed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.absent
}

// known finds who has been added, by the id. Other names cost no lock, as a rule: ids
// are all of one length, or with AllowEIO3 and Options.NewID of a few.
func (r *rooms) known(sid string) *Socket {
	if r.lengths.Load()&lengthBit(sid) == 0 {
		return nil
	}
	c := r.crowd(sid)
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byID[sid]
}

func lengthBit(sid string) uint64 { return 1 << (len(sid) % 64) }

func (r *rooms) socket(sid string) *Socket {
	s := r.known(sid)
	if s == nil || !s.Connected() {
		return nil
	}
	return s
}

// sockets lists who is connected, without those whose OnConnect still runs.
func (r *rooms) sockets(dst []*Socket) []*Socket {
	for i := range r.byID {
		c := &r.byID[i]
		c.mu.RLock()
		dst = append(dst, c.all...)
		c.mu.RUnlock()
	}
	return slices.DeleteFunc(dst, func(s *Socket) bool { return !s.Connected() })
}

// names lists the rooms, sorted.
func (r *rooms) names() []string {
	names := []string{}
	for i := range r.byName {
		names = r.byName[i].names(names)
	}
	slices.Sort(names)
	return names
}
