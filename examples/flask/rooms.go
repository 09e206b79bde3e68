package main

import "github.com/parlor-go/parlor/framework"

// Rooms: clients come into a room and leave it.
//
// region rooms
type Member struct{ Username, Room string }

func (c *Chat) OnJoin(s *framework.Socket, in Member) error {
	if err := s.Join(in.Room); err != nil {
		return err
	}
	return c.To(in.Room).Send(in.Username + " has entered the room.")
}

func (c *Chat) OnLeave(s *framework.Socket, in Member) error {
	s.Leave(in.Room)
	return c.To(in.Room).Send(in.Username + " has left the room.")
}

// endregion
