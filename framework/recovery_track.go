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
		s.rec.stays = append(s.rec.stays, adapter.Stay{Room: room, From: r.store.Position()})
	}
}

// left notes that s has left a room. Packets from before may not have arrived, as long
// as they are logged. r.mu is held.
func (r *recovery) left(s *Socket, room string) {
	now := time.Now()
	for i := range s.rec.stays {
		if stay := &s.rec.stays[i]; stay.Room == room && stay.To == "" {
			stay.To, stay.Left = r.store.Position(), now
		}
	}
	s.rec.stays = slices.DeleteFunc(s.rec.stays, func(stay adapter.Stay) bool {
		return stay.To != "" && now.Sub(stay.Left) > r.retain()
	})
}

// lost notes where the log was when s was taken away from delivery. r.mu is held.
func (r *recovery) lost(s *Socket) {
	s.rec.lost, s.rec.lostAt = r.store.Position(), time.Now()
}
