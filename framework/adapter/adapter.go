// Package adapter is the contract between a namespace and what lets it span several
// servers: Redis, NATS, anything that carries bytes between processes.
//
// A namespace always serves its own sockets by itself. Its Adapter is the rest of the
// cluster: it is told what others have to know, once the namespace has done its own
// part, and it hands what others say to the namespace's Local. Without an Adapter
// there are no others, and nothing of this package is called.
//
//	srv := framework.New(framework.Options{
//		NewAdapter: func(local adapter.Local) (adapter.Adapter, error) {
//			return newRedis(client, local)
//		},
//	})
//
// Package adaptertest holds an implementation against the contract.
package adapter

import (
	"context"
	"slices"
)

// New makes the Adapter of one namespace. It is called once for each, when it is
// registered or, for the children of a pattern, made; it may use local at once, and
// from any goroutine until Close has returned.
type New func(local Local) (Adapter, error)

// Adapter is the other servers that have the same namespace. Its methods are called
// from any goroutine. What they are given is theirs to keep and not to change.
//
// A selection never names nobody, and what is meant for this process only is never
// passed on.
type Adapter interface {
	// Broadcast has an event sent to the selection's clients on other servers. It is
	// part of an emit, so it must not wait for the network: what it cannot queue is an
	// error. What one goroutine passes, here and to Join, Leave and Disconnect, arrives
	// at each server in that order.
	Broadcast(p Packet, s Selection, f Flags) error

	// Ask is Broadcast with an acknowledgement from each client, all of which it
	// reports to answers. It returns when every other server has said whom it asked and
	// each of these clients has answered or gone, with ctx's error when that ends
	// before, or with what kept it from reaching a server. answers is not used after.
	Ask(ctx context.Context, p Packet, s Selection, f Flags, answers Answers) error

	// Fetch lists the selection's clients on other servers. With an error it returns
	// what it has learned until then.
	Fetch(ctx context.Context, s Selection) ([]SocketInfo, error)

	// Count is how many clients Fetch would list.
	Count(ctx context.Context, s Selection) (int, error)

	// Join, Leave and Disconnect have other servers do the same as Local's. They
	// return when that is on its way; ctx may be one that never ends.
	Join(ctx context.Context, s Selection, rooms []string) error
	Leave(ctx context.Context, s Selection, rooms []string) error
	Disconnect(ctx context.Context, s Selection, closing bool) error

	// ServerEmit has other servers call Local.ServerEvent. If answers is not nil it waits
	// like Ask: each server is one of unknown id that is reached and then answers, or is
	// gone if ServerEvent failed there.
	ServerEmit(ctx context.Context, p Packet, answers Answers) error

	// Close leaves the cluster and returns when nothing of the adapter runs any more;
	// Asks and Fetches that wait then end with an error. It is called once, when the
	// namespace is gone or its server has been shut down.
	Close() error
}

// RoomWatcher is an Adapter that wants to know which rooms have members in this
// process, to hear only what is meant for them. Personal rooms, which are named by
// their socket's id, are not among them.
//
// Both are called in the order of what happens to a room, while that waits: they must
// return at once and must not call Local. A panic goes no further than the log.
type RoomWatcher interface {
	RoomOpened(room string) // its first member is joining
	RoomClosed(room string) // its last member has left
}

// Local is a namespace's own sockets: what an Adapter calls for other servers. Its
// methods may be called from any goroutine. What is wrong with what other servers
// sent is an error; whoever is not there is none. A Packet that it or Answers are given
// is not to be changed afterwards, but for Broadcast's: who reads it may keep parts of it.
type Local interface {
	// Path is the namespace's: "/" or "/chat".
	Path() string

	// Broadcast sends an event to the selection's clients in this process. Like an
	// emit it does not block. The packet may be changed once it has returned.
	Broadcast(p Packet, s Selection, f Flags) error

	// Ask sends an event to the selection's clients in this process and reports to
	// answers, on the caller's goroutine: first whom it reached, then each answer. It
	// returns nil when all have answered or gone, else ctx's error, or what is wrong with
	// the packet, and then nobody was asked.
	Ask(ctx context.Context, p Packet, s Selection, f Flags, answers Answers) error

	// Fetch lists the selection's connected clients in this process.
	Fetch(s Selection) []SocketInfo

	// Count is how many clients Fetch would list.
	Count(s Selection) int

	// Join and Leave have the selection's clients join and leave rooms.
	Join(s Selection, rooms []string)
	Leave(s Selection, rooms []string)

	// Disconnect makes the selection's clients leave the namespace, closing with their
	// connections.
	Disconnect(s Selection, closing bool)

	// Rooms lists the rooms that have members in this process, sorted, without the
	// personal ones.
	Rooms() []string

	// Has tells whether somebody in this process is in a room, or has that id.
	Has(room string) bool

	// ServerEvent handles what ServerEmit sent from another server, and waits for the
	// handler. It returns its results, or an error, which is logged and not meant for
	// others, if there is no handler or it failed.
	ServerEvent(ctx context.Context, p Packet) (Packet, error)
}

// Answers hears how an Ask goes. Its methods may be called from any goroutine, and in
// any order.
type Answers interface {
	// Reached says which clients were asked, and how many more whose ids are unknown.
	Reached(sids []string, unknown int)

	// Answered passes one client's answer. A second one of the same SID is ignored.
	Answered(a Answer)

	// Gone says that a client, "" for an unknown one, went before it had answered.
	Gone(sid string)
}

// Packet is an event, or the answer to one, as the text protocol has it.
type Packet struct {
	// Data is a JSON array: the name of the event, then its arguments; of an answer
	// only the arguments. A binary value in it stands as
	// {"_placeholder":true,"num":n}, for attachment n.
	Data []byte

	Attachments [][]byte
}

// Answer is what one client answered.
type Answer struct {
	SID string // "" if its server does not tell
	Packet
}

// Selection says whom something is for: the members of any of Rooms, or everybody if
// there are none, but for who is in one of Except. A socket's id is a room of its own.
type Selection struct {
	Rooms  []string `json:"rooms"`
	Except []string `json:"except"`
}

// Includes tells whether the selection reaches a client that is in rooms, its id among
// them.
func (s Selection) Includes(rooms []string) bool {
	in := func(room string) bool { return slices.Contains(rooms, room) }
	return (len(s.Rooms) == 0 || slices.ContainsFunc(s.Rooms, in)) && !slices.ContainsFunc(s.Except, in)
}

// Flags are how a packet is sent.
type Flags struct {
	Volatile bool // dropped where anything is queued
	Plain    bool // not compressed: the reference's "compress": false
}
