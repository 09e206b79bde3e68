package adapter

import (
	"context"
	"errors"
	"time"
)

// Recovery is what lets clients whose connection was lost come back to where they
// were: a log of what was sent in a namespace, and the sessions of those who are away.
// Without an Adapter that implements it each process keeps its own, in memory, and a
// client finds its session where it left it. With one, Append takes the place of the
// Adapter's Broadcast for what is logged.
//
// Offsets are places in the log. They mean nothing to others, are never empty, and
// hold nothing that JSON escapes.
//
// A method that panics has failed: with its error, or else with a line in the log. The session
// of a client for whom Position did is not kept.
//
// Socket.IO reference server, "connectionStateRecovery".
type Recovery interface {
	// Append logs a packet and returns its offset, which goes to clients as the packet's
	// last argument. It must not block. Calls of Append, Position and Rest come one at
	// a time, and what is appended first is delivered first.
	//
	// "" says that the Recovery sees to the delivery of the packet, in this process as
	// in others: of a log that several processes append to the order is known when it is
	// read. It then calls Deliverer.
	Append(p Packet, s Selection) (offset string, err error)

	// Position is the offset of the packet that was logged last, or where the log
	// begins.
	Position() string

	// Save keeps a session until it is taken or its time is over.
	Save(ctx context.Context, s *Session) error

	// Take hands out a kept session, once, with what its client has missed. offset is
	// what the client says that it has come to. It is not to be trusted: "", another
	// log's and one that has not been given out yet say that it has received nothing
	// since it connected.
	//
	// The error is ErrUnknownSession, ErrOverrun, or what kept the Recovery from
	// looking.
	Take(ctx context.Context, pid, offset string) (*Restored, error)

	// Rest lists what the client of a restored session has missed since Take, or since
	// the last Rest. It must not block. The error is ErrOverrun.
	Rest(r *Restored) ([]Missed, error)

	// Attended says whether clients of this process are connected from now on. With
	// none, and no session kept, there is nobody to log for.
	Attended(anybody bool)
}

// Deliverer is the Local of a namespace whose Adapter is a Recovery. With what is
// delivered by it, Position and Rest go no further than that: the rest is on its way.
type Deliverer interface {
	// Deliver sends a logged packet to the selection's clients in this process. Calls
	// come in the order of the log.
	Deliver(p Packet, s Selection, offset string) error
}

var (
	// ErrUnknownSession says that no session is kept under an id: there never was one,
	// its time is over, its client has left, or it was taken already.
	ErrUnknownSession = errors.New("unknown session")

	// ErrOverrun says that the log does not reach back to where a client was.
	ErrOverrun = errors.New("log overrun")
)

// Session is what is kept of a client whose connection was lost. It does not change
// once it was saved.
type Session struct {
	PID string // by which its client finds it again, and nobody else should
	SID string // the socket's id

	// Rooms are those that the client is in, the one that is named by its id among
	// them, and those that it has left while packets to them may not have arrived.
	Rooms []Stay

	// Places in the log.
	Since  string // the client has received everything up to here
	Joined string // from here on it is among everybody
	Lost   string // where the log was when the connection was lost
	Last   string // the last packet that was meant for the client until then
	Before string // the last one that was meant for it before Turn

	// Blurred is "", or up to where Rooms do not tell any more what was for the client:
	// one that has not come as far has nothing to recover, which is ErrOverrun.
	Blurred string

	Turn   time.Time
	LostAt time.Time // its time begins

	// Values are what handlers have stored on the socket. They make sense to the
	// process that saved them.
	Values any
}

// Stay is that a client is or was in a room: packets behind From are for it, as far as
// To.
type Stay struct {
	Room     string
	From, To string    // To is "" while it lasts
	Left     time.Time // when it ended
}

// Restored is a session whose client has come back.
type Restored struct {
	Session *Session
	Missed  []Missed
	Since   string // everything up to here the client has
	Upto    string // Missed ends here
}

// Missed is a packet that a client missed.
type Missed struct {
	Packet
	Offset string
	At     time.Time // when it was logged
}
