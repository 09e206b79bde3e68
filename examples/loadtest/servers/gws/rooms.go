package main

import (
	"slices"
	"sync"

	"github.com/lxzan/gws"
)

// everybody is the room that all clients are in.
const everybody = ""

// rooms is a map of slices: the cheapest to walk.
type rooms struct {
	mu      sync.RWMutex
	members map[string][]*gws.Conn
}

func newRooms() *rooms { return &rooms{members: map[string][]*gws.Conn{}} }

func (r *rooms) join(room string, c *gws.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[room] = append(r.members[room], c)
}

func (r *rooms) leave(room string, c *gws.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	members := r.members[room]
	i := slices.Index(members, c)
	if i < 0 {
		return
	}
	last := len(members) - 1
	members[i], members[last] = members[last], nil
	if r.members[room] = members[:last]; last == 0 {
		delete(r.members, room)
	}
}

// broadcast holds the lock throughout, so that all members see broadcasts in one
// order. gws only queues them here.
func (r *rooms) broadcast(room string, message []byte) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	b := gws.NewBroadcaster(gws.OpcodeText, message)
	defer b.Close()
	for _, c := range r.members[room] {
		_ = b.Broadcast(c)
	}
}
