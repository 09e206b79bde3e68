package framework

import (
	"slices"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

// meant notes a packet that is for s. r.mu is held.
func (r *recovery) meant(s *Socket, offset string, now time.Time) {
	if now.Sub(s.rec.turn) > r.window {
		s.rec.before, s.rec.turn = s.rec.last, now
	}
	s.rec.last = offset
}

// entered notes that s is in a room. r.mu is held.
func (r *recovery) entered(s *Socket, room string) {
	open := func(stay adapter.Stay) bool { return stay.Room == room && stay.To == "" }
	if !slices.ContainsFunc(s.rec.stays, open) {
		s.rec.stays = append(s.rec.stays, adapter.Stay{Room: room, From: r.position(s)})
	}
}

// mostLeft is how many rooms are known that a client has left lately: a client may have
// handlers join and leave as fast as it likes.
const mostLeft = 256

// left notes that s has left a room. Packets from before may not have arrived, as long
// as they are logged. r.mu is held.
func (r *recovery) left(s *Socket, room string) {
	now, at := time.Now(), r.position(s)
	ended := 0
	s.rec.stays = slices.DeleteFunc(s.rec.stays, func(stay adapter.Stay) bool {
		if stay.To == "" {
			return stay.Room == room && stay.From == at // nothing was sent meanwhile
		}
		ended++
		return now.Sub(stay.Left) > r.retain()
	})
	for i := range s.rec.stays {
		if stay := &s.rec.stays[i]; stay.Room == room && stay.To == "" {
			stay.To, stay.Left = at, now
		}
	}
	if ended >= mostLeft {
		r.forgetStay(s)
	}
}

// forgetStay forgets the room that s left first. Who has not come further than that
// cannot be told any more what was for it.
func (r *recovery) forgetStay(s *Socket) {
	first := -1
	for i, stay := range s.rec.stays {
		if stay.To != "" && (first < 0 || stay.Left.Before(s.rec.stays[first].Left)) {
			first = i
		}
	}
	if first >= 0 {
		s.rec.blurred = s.rec.stays[first].To
		s.rec.stays = slices.Delete(s.rec.stays, first, first+1)
	}
}

// lost notes where the log was when s was taken away from delivery. r.mu is held.
func (r *recovery) lost(s *Socket) {
	s.rec.lost, s.rec.lostAt = r.position(s), time.Now()
}

// nowhere stands for a place in the log that the store could not tell.
const nowhere = "nowhere"

// position is where the log is. r.mu is held.
func (r *recovery) position(s *Socket) string {
	if at := r.store.Position(); at != "" {
		return at
	}
	s.rec.astray = true
	return nowhere
}
