package main

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// Person is somebody who is online. Two may have the same name, so clients tell
// them apart by the id.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Message is what somebody said in a room.
type Message struct {
	From Person    `json:"from"`
	Text string    `json:"text"`
	Time time.Time `json:"time"`
}

// Room is a row of the list of rooms.
type Room struct {
	Name   string `json:"name"`
	People int    `json:"people"`
}

// Chat serves all rooms. Everybody has a name, and is in one room at a time.
//
// It emits "people" (a room's name and who is there, to a newcomer), "joined"
// and "left" (a person), "typing" (a person, bool), "said" (a message), and
// "rooms" (the list of rooms, to everybody).
type Chat struct {
	framework.Namespace

	// mu keeps what clients are told in step with who is where. Emitting under
	// it is fine: Emit never blocks.
	mu    sync.Mutex
	rooms map[string][]Person // in order of arrival
}

// What a socket carries with it.
var (
	personKey = framework.NewKey[Person]("person")
	roomKey   = framework.NewKey[string]("room") // set by the socket's own handlers only
)

// OnConnect lets somebody in who says a name: io("/chat", {auth: {name: "Ann"}}).
func (c *Chat) OnConnect(s *framework.Socket, auth struct{ Name string }) error {
	name, err := clean("name", auth.Name, maxName)
	if err != nil {
		return err
	}
	personKey.Set(s, Person{ID: s.ID(), Name: name})
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.Emit("rooms", c.list())
}

// OnJoin moves the client to a room, which comes into being by that.
func (c *Chat) OnJoin(s *framework.Socket, room string) error {
	room, err := clean("room", room, maxRoom)
	if err != nil {
		return err
	}
	if current, _ := roomKey.Get(s); current == room {
		return nil
	}
	me, _ := personKey.Get(s)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave(s)
	if c.rooms == nil {
		c.rooms = make(map[string][]Person)
	}
	c.rooms[room] = append(c.rooms[room], me)
	roomKey.Set(s, room)
	_ = s.Join(room) // one at a time, with a short name: within all bounds
	_ = s.To(room).Emit("joined", me)
	_ = c.Emit("rooms", c.list())
	return s.Emit("people", room, c.rooms[room])
}

// OnSay sends a text to everybody in the room, the sender included.
func (c *Chat) OnSay(s *framework.Socket, text string) error {
	room, ok := roomKey.Get(s)
	if !ok {
		return errNoRoom
	}
	text, err := cleanText(text)
	if err != nil {
		return err
	}
	me, _ := personKey.Get(s)
	return c.To(room).Emit("said", Message{From: me, Text: text, Time: time.Now().UTC()})
}

// OnTyping tells the others in the room that the client is, or is not, typing.
func (c *Chat) OnTyping(s *framework.Socket, typing bool) error {
	room, ok := roomKey.Get(s)
	if !ok {
		return errNoRoom
	}
	me, _ := personKey.Get(s)
	return s.To(room).Emit("typing", me, typing)
}

// OnDisconnect tells the room.
func (c *Chat) OnDisconnect(s *framework.Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leave(s) {
		_ = c.Emit("rooms", c.list())
	}
}

// leave takes the client out of its room, if it is in one. mu is held.
func (c *Chat) leave(s *framework.Socket) bool {
	room, ok := roomKey.Get(s)
	if !ok {
		return false
	}
	me, _ := personKey.Get(s)
	s.Leave(room)
	_ = s.To(room).Emit("left", me)
	c.rooms[room] = slices.DeleteFunc(c.rooms[room], func(p Person) bool { return p.ID == me.ID })
	if len(c.rooms[room]) == 0 {
		delete(c.rooms, room)
	}
	return true
}

// maxList bounds the list of rooms, which everybody gets.
const maxList = 50

// list returns the rooms, the fullest first. mu is held.
func (c *Chat) list() []Room {
	rooms := make([]Room, 0, len(c.rooms))
	for name, people := range c.rooms {
		rooms = append(rooms, Room{Name: name, People: len(people)})
	}
	slices.SortFunc(rooms, func(a, b Room) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Name, b.Name))
	})
	return rooms[:min(len(rooms), maxList)]
}
