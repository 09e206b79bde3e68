package replay

import (
	"strconv"
	"strings"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

// log is packets in the order in which they were sent, numbered from 1. What is too old
// or too much is dropped at its beginning.
type log struct {
	epoch   string
	last    uint64  // the number of the last packet, logged or skipped
	entries []entry // the last of them has the number last
	bytes   int
	dropped time.Time // when the last of those was sent that are not there any more
}

type entry struct {
	at     time.Time
	packet adapter.Packet
	to     adapter.Selection
}

// entryOverhead is what an entry costs beside what it points to, in bytes.
const entryOverhead = 160

func (e *entry) size() int {
	n := entryOverhead + len(e.packet.Data)
	for _, b := range e.packet.Attachments {
		n += len(b)
	}
	for _, names := range [][]string{e.to.Rooms, e.to.Except} {
		for _, name := range names {
			n += len(name)
		}
	}
	return n
}

func newLog() log { return log{epoch: newEpoch()} }

func (l *log) add(e entry) {
	l.last++
	l.entries = append(l.entries, e)
	l.bytes += e.size()
}

// skip numbers a packet that nobody can ask for. Nothing is logged then.
func (l *log) skip(now time.Time) {
	l.last++
	l.dropped = now
}

// trim drops what was sent before a time, and the oldest of what is too much.
func (l *log) trim(before time.Time, most int) {
	n := 0
	for n < len(l.entries) && (l.entries[n].at.Before(before) || l.bytes > most) {
		l.bytes -= l.entries[n].size()
		n++
	}
	if n == 0 {
		return
	}
	l.dropped = l.entries[n-1].at
	clear(l.entries[:n]) // append may leave them where they are for a while
	if l.entries = l.entries[n:]; len(l.entries) == 0 {
		l.entries = nil
	}
}

func (l *log) clear(now time.Time) {
	if len(l.entries) > 0 {
		l.entries, l.bytes, l.dropped = nil, 0, now
	}
}

// first is the number of the oldest entry, or of the one that comes next.
func (l *log) first() uint64 { return l.last + 1 - uint64(len(l.entries)) }

// reaches tells whether all packets behind a number are there.
func (l *log) reaches(seq uint64) bool { return seq+1 >= l.first() }

func (l *log) position() string { return l.offset(l.last) }

func (l *log) offset(seq uint64) string { return l.epoch + strconv.FormatUint(seq, 36) }

// seq reads an offset. Others than this log's own are refused.
func (l *log) seq(offset string) (uint64, bool) {
	digits, ok := strings.CutPrefix(offset, l.epoch)
	if !ok {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 36, 64)
	if err != nil || seq > l.last {
		return 0, false
	}
	return seq, true
}

// number is seq where what is no offset of this log stands for its beginning.
func (l *log) number(offset string) uint64 {
	seq, _ := l.seq(offset)
	return seq
}

// floor finds the number up to which a session's client has all that was meant for it.
func (l *log) floor(s *adapter.Session, claimed string) (uint64, error) {
	floor := max(l.number(s.Since), l.number(claimed))
	switch {
	case floor >= l.number(s.Last):
		// Nothing was meant for it since: a quiet client, whose last packet may be long gone.
		floor = max(floor, l.number(s.Lost))
	case floor >= l.number(s.Before) && s.Turn.After(l.dropped):
		// What has been dropped was not meant for it.
		floor = max(floor, l.first()-1)
	}
	if !l.reaches(floor) || floor < l.number(s.Blurred) {
		return 0, adapter.ErrOverrun
	}
	return floor, nil
}

// missed lists what was meant for a session behind a number, which the log reaches.
func (l *log) missed(s *adapter.Session, behind uint64) (list []adapter.Missed) {
	if behind >= l.last {
		return nil
	}
	in := l.presence(s)
	first := l.first()
	for seq := behind + 1; seq <= l.last; seq++ {
		e := &l.entries[seq-first]
		if in.concerns(seq, e.to) {
			list = append(list, adapter.Missed{Packet: e.packet, Offset: l.offset(seq), At: e.at})
		}
	}
	return list
}

// presence is where a client was, and when.
type presence struct {
	joined uint64
	rooms  map[string][]span
}

// span is packets behind from, up to to.
type span struct{ from, to uint64 }

func (l *log) presence(s *adapter.Session) presence {
	in := presence{joined: l.number(s.Joined), rooms: make(map[string][]span, len(s.Rooms))}
	for _, stay := range s.Rooms {
		to := ^uint64(0)
		if stay.To != "" {
			to = l.number(stay.To)
		}
		in.rooms[stay.Room] = append(in.rooms[stay.Room], span{l.number(stay.From), to})
	}
	return in
}

// concerns tells whether a packet was or would have been delivered to the client.
func (in *presence) concerns(seq uint64, to adapter.Selection) bool {
	if len(to.Rooms) == 0 {
		return seq > in.joined && !in.anyOf(to.Except, seq)
	}
	return in.anyOf(to.Rooms, seq) && !in.anyOf(to.Except, seq)
}

func (in *presence) anyOf(rooms []string, seq uint64) bool {
	for _, room := range rooms {
		for _, span := range in.rooms[room] {
			if span.from < seq && seq <= span.to {
				return true
			}
		}
	}
	return false
}
