// Package replay is the adapter.Recovery of a single process: a log of packets and the
// sessions of clients that are away, in memory and bounded.
package replay

import (
	"container/list"
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

// Options are a Memory's bounds. None has a default.
type Options struct {
	Keep        time.Duration // how long a session is kept
	Retain      time.Duration // how long a packet is logged, at least Keep
	MaxBytes    int           // of the log
	MaxSessions int
	Budget      *Budget // of several logs together; nil for none

	// Expired is called for each session that nobody will take any more, on some
	// goroutine and without a lock held. It must not block: Close waits for it.
	Expired func(*adapter.Session)
}

// Memory implements adapter.Recovery. Its methods are safe for concurrent use.
type Memory struct {
	opts Options

	mu       sync.Mutex
	log      log
	charged  int // to the budget, of the log's bytes
	attended bool
	closed   bool
	sessions map[string]*list.Element // of order, by pid
	order    list.List                // of *adapter.Session; the one whose time is over first comes first
	timer    *time.Timer              // until then; nil while no session is kept
	telling  sync.WaitGroup           // calls of Expired
}

// New makes a Memory.
func New(opts Options) *Memory {
	return &Memory{opts: opts, log: newLog(), sessions: make(map[string]*list.Element)}
}

// newEpoch tells one log from others, those of an earlier process among them.
func newEpoch() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:]) + "."
}

// Append implements adapter.Recovery. It never fails.
func (m *Memory) Append(p adapter.Packet, s adapter.Selection) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if !m.attended && len(m.sessions) == 0 {
		m.log.skip(now)
		return m.log.position(), nil
	}
	m.log.add(entry{at: now, packet: p, to: s})
	m.charge()
	m.trim(now)
	return m.log.position(), nil
}

// Position implements adapter.Recovery.
func (m *Memory) Position() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.position()
}

// Take implements adapter.Recovery.
func (m *Memory) Take(_ context.Context, pid, offset string) (*adapter.Restored, error) {
	s, r, err := m.take(pid, offset)
	if s != nil && err != nil {
		m.expired(s)
	}
	return r, err
}

func (m *Memory) take(pid, offset string) (*adapter.Session, *adapter.Restored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.sessions[pid]
	if e == nil {
		return nil, nil, adapter.ErrUnknownSession
	}
	s := e.Value.(*adapter.Session)
	now := time.Now()
	if m.expiry(s).Before(now) {
		return nil, nil, adapter.ErrUnknownSession // the timer sees to it
	}
	m.trim(now)
	floor, err := m.log.floor(s, offset)
	if err != nil {
		m.remove(e)
		m.telling.Add(1)
		return s, nil, err
	}
	r := &adapter.Restored{
		Session: s,
		Missed:  m.log.missed(s, floor),
		Since:   m.log.offset(floor),
		Upto:    m.log.position(),
	}
	m.remove(e) // which may empty the log
	return s, r, nil
}

// Rest implements adapter.Recovery.
func (m *Memory) Rest(r *adapter.Restored) ([]adapter.Missed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	upto, _ := m.log.seq(r.Upto)
	if !m.log.reaches(upto) {
		return nil, adapter.ErrOverrun
	}
	r.Upto = m.log.position()
	return m.log.missed(r.Session, upto), nil
}

// Attended implements adapter.Recovery.
func (m *Memory) Attended(anybody bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attended = anybody
	m.rest()
}

// rest forgets a log that nobody can ask for.
func (m *Memory) rest() {
	if !m.attended && len(m.sessions) == 0 {
		m.log.clear(time.Now())
		m.charge()
	}
}

// Logged returns how many bytes the log holds.
func (m *Memory) Logged() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.bytes
}

// Kept returns how many sessions are kept.
func (m *Memory) Kept() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.sessions)
}
