package replay

import (
	"container/list"
	"context"
	"errors"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

// Save implements adapter.Recovery. It fails only once m is closed. Of too many sessions
// the one whose time would be over first is given up.
func (m *Memory) Save(_ context.Context, s *adapter.Session) error {
	given, err := m.save(s)
	if given != nil {
		m.expired(given)
	}
	return err
}

func (m *Memory) save(s *adapter.Session) (given *adapter.Session, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	if e := m.sessions[s.PID]; e != nil {
		m.order.Remove(e)
	}
	// Mostly the last: only a session that was handed out in vain is older.
	after := m.order.Back()
	for after != nil && after.Value.(*adapter.Session).LostAt.After(s.LostAt) {
		after = after.Prev()
	}
	if after == nil {
		m.sessions[s.PID] = m.order.PushFront(s)
	} else {
		m.sessions[s.PID] = m.order.InsertAfter(s, after)
	}
	if len(m.sessions) > m.opts.MaxSessions {
		first := m.order.Front()
		m.remove(first)
		given = first.Value.(*adapter.Session)
		m.telling.Add(1)
	}
	m.wait()
	return given, nil
}

// remove takes a session out. m.mu is held.
func (m *Memory) remove(e *list.Element) {
	m.order.Remove(e)
	delete(m.sessions, e.Value.(*adapter.Session).PID)
	if len(m.sessions) > 0 {
		return
	}
	m.sessions = make(map[string]*list.Element) // a map never shrinks
	m.wait()
	m.rest()
}

// wait sets the timer, or stops it. m.mu is held.
func (m *Memory) wait() {
	if m.timer != nil {
		m.timer.Stop()
		m.timer = nil
	}
	if first := m.order.Front(); first != nil {
		m.timer = time.AfterFunc(time.Until(m.expiry(first.Value.(*adapter.Session))), m.expire)
	}
}

func (m *Memory) expiry(s *adapter.Session) time.Time { return s.LostAt.Add(m.opts.Keep) }

// expire ends the sessions whose time is over.
func (m *Memory) expire() {
	for _, s := range m.overdue() {
		m.expired(s)
	}
}

func (m *Memory) overdue() (gone []*adapter.Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for e := m.order.Front(); e != nil; e = m.order.Front() {
		s := e.Value.(*adapter.Session)
		if m.expiry(s).After(now) {
			break
		}
		gone = append(gone, s)
		m.remove(e)
	}
	m.telling.Add(len(gone))
	m.wait()
	return gone
}

// expired tells of a session that m.telling counts.
func (m *Memory) expired(s *adapter.Session) {
	defer m.telling.Done()
	if m.opts.Expired != nil {
		m.opts.Expired(s)
	}
}

var errClosed = errors.New("closed: sessions are not kept any more")

// Close forgets all of it without a word, and returns how many sessions that were. What
// had expired before has been told when it returns.
func (m *Memory) Close() (sessions int) {
	defer m.telling.Wait()
	m.mu.Lock()
	defer m.mu.Unlock() // before that
	sessions = len(m.sessions)
	m.closed, m.attended = true, false
	m.order.Init()
	m.sessions = make(map[string]*list.Element)
	m.wait()
	m.rest()
	return sessions
}
