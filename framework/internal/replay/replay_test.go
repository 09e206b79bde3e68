package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

var ctx = context.Background()

func newMemory(set ...func(*Options)) *Memory {
	opts := Options{Keep: time.Minute, Retain: 2 * time.Minute, MaxBytes: 1 << 20, MaxSessions: 100}
	for _, f := range set {
		f(&opts)
	}
	m := New(opts)
	m.Attended(true)
	return m
}

// send logs a packet and returns its offset.
func send(m *Memory, name string, rooms ...string) string {
	offset, _ := m.Append(packet(name), adapter.Selection{Rooms: rooms})
	return offset
}

func packet(name string) adapter.Packet { return adapter.Packet{Data: fmt.Appendf(nil, "[%q]", name)} }

// session is of a client that connected at since, and was lost at this moment.
func session(m *Memory, pid, since string, stays ...adapter.Stay) *adapter.Session {
	return &adapter.Session{
		PID: pid, SID: "sid of " + pid, Since: since, Joined: since, Before: since, Last: since,
		Rooms: append(stays, adapter.Stay{Room: "sid of " + pid, From: since}),
		Lost:  m.Position(), LostAt: time.Now(),
	}
}

func names(missed []adapter.Missed) string {
	var list []string
	for _, p := range missed {
		list = append(list, strings.Trim(string(p.Data), `["]`))
	}
	return strings.Join(list, " ")
}

func entries(m *Memory) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.log.entries)
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestTakeListsWhatWasForTheClient(t *testing.T) {
	m := newMemory()
	start := m.Position()
	send(m, "received", "red")
	got := send(m, "last", "red")
	joined := m.Position()
	s := session(m, "p", start, adapter.Stay{Room: "red", From: start}, adapter.Stay{Room: "late", From: joined},
		adapter.Stay{Room: "left", From: start, To: joined})
	s.Last = got
	m.Save(ctx, s)
	for i, to := range []adapter.Selection{
		{}, {Rooms: []string{"red"}}, {Rooms: []string{"blue"}}, {Rooms: []string{"blue", "late"}}, {Rooms: []string{"left"}},
		{Rooms: []string{s.SID}}, {Except: []string{s.SID}}, {Rooms: []string{"red"}, Except: []string{"late"}}, {Except: []string{"left"}},
	} {
		m.Append(packet(fmt.Sprint(i)), to)
	}
	r, err := m.Take(ctx, "p", got)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "missed", names(r.Missed), "0 1 3 5 8")
	equal(t, "since", r.Since, joined)
	send(m, "more", "red")
	send(m, "not for it", "blue")
	for _, want := range []string{"more", ""} {
		rest, err := m.Rest(r)
		equal(t, "rest", names(rest), want)
		equal(t, "error", err, nil)
	}
	_, err = m.Take(ctx, "p", got)
	equal(t, "a second time", err, adapter.ErrUnknownSession)
}

func TestWhereAClientHasComeTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tests := []struct {
			name    string
			claimed string        // of the packets 1 to 5, the first three of which were sent before the loss
			last    string        // the last that was for it; "" means 3
			before  string        // the last that was before the pause; "" means none
			pause   time.Duration // between 2 and 3
			want    string        // what it missed; "overrun"
		}{
			{name: "as it says", claimed: "2", want: "3 4 5"},
			{name: "the beginning of the session", want: "1 2 3 4 5"},
			{name: "an offset of another log", claimed: "other", want: "1 2 3 4 5"},
			{name: "nothing was for it since", claimed: "2", last: "2", want: "4 5"},
			{name: "nothing was for it since, and that is long ago", claimed: "2", last: "2", pause: time.Hour, want: "4 5"},
			{name: "what was for it is gone", claimed: "1", pause: time.Hour, want: "overrun"},
			{name: "what is gone was not for it", claimed: "1", before: "1", pause: time.Hour, want: "3 4 5"},
			{name: "what is gone was for it", before: "1", pause: time.Hour, want: "overrun"},
		}
		for _, tt := range tests {
			m := newMemory()
			start := m.Position()
			offsets := map[string]string{"": "", "other": newMemory().log.epoch + "1"}
			offsets["1"], offsets["2"] = send(m, "1"), send(m, "2")
			time.Sleep(tt.pause)
			turn := time.Now()
			offsets["3"] = send(m, "3")
			s := session(m, "p", start)
			s.Last = offsets[cmp.Or(tt.last, "3")]
			if tt.before != "" {
				s.Before, s.Turn = offsets[tt.before], turn
			}
			m.Save(ctx, s)
			send(m, "4")
			send(m, "5")
			r, err := m.Take(ctx, "p", offsets[tt.claimed])
			got := "overrun"
			if err == nil {
				got = names(r.Missed)
			} else if !errors.Is(err, adapter.ErrOverrun) {
				got = err.Error()
			}
			equal(t, tt.name, got, tt.want)
			m.Close()
		}
	})
}

func TestALogIsBoundedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(func(o *Options) { o.MaxBytes = 10 * (entryOverhead + 100) })
		for range 1000 {
			send(m, strings.Repeat("x", 96))
		}
		equal(t, "entries", entries(m), 10)
		equal(t, "bytes", m.Logged(), 10*(entryOverhead+100))
		time.Sleep(3 * time.Minute)
		send(m, "new")
		equal(t, "entries", entries(m), 1)

		m.Save(ctx, session(m, "p", m.Position()))
		m.Attended(false)
		send(m, "for who is away")
		equal(t, "entries", entries(m), 2)
		time.Sleep(2 * time.Minute) // it expires
		synctest.Wait()
		equal(t, "logged", m.Logged(), 0)
		before := m.Position()
		send(m, "for nobody")
		equal(t, "logged", m.Logged(), 0)
		equal(t, "a place of its own", m.Position() != before, true)
		m.mu.Lock()
		defer m.mu.Unlock()
		equal(t, "timer", m.timer, nil)
	})
}

func TestSessionsExpireInTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expired := make(chan string, 10)
		m := newMemory(func(o *Options) { o.Expired = func(s *adapter.Session) { expired <- s.PID } })
		first := session(m, "first", "")
		time.Sleep(20 * time.Second)
		second := session(m, "second", "")
		time.Sleep(20 * time.Second)
		m.Save(ctx, second)
		m.Save(ctx, first) // which was handed out in vain
		m.Save(ctx, first)
		equal(t, "kept", m.Kept(), 2)
		time.Sleep(21 * time.Second)
		synctest.Wait()
		equal(t, "kept", m.Kept(), 1)
		equal(t, "expired", <-expired, "first")
		time.Sleep(20 * time.Second)
		synctest.Wait()
		equal(t, "expired", <-expired, "second")
		_, err := m.Take(ctx, "second", "")
		equal(t, "error", err, adapter.ErrUnknownSession)
		late := session(m, "late", "")
		late.LostAt = time.Now().Add(-time.Hour)
		m.Save(ctx, late)
		synctest.Wait()
		equal(t, "expired", <-expired, "late")
		m.Save(ctx, session(m, "last", ""))
		m.Close()
		m.Save(ctx, session(m, "after", ""))
		time.Sleep(time.Hour)
		synctest.Wait()
		equal(t, "expired after Close", len(expired), 0)
		equal(t, "kept", m.Kept(), 0)
	})
}

func TestARestIsOverrunToo(t *testing.T) {
	m := newMemory(func(o *Options) { o.MaxBytes = 1000 })
	m.Save(ctx, session(m, "p", m.Position()))
	r, err := m.Take(ctx, "p", "")
	equal(t, "error", err, nil)
	for range 100 {
		send(m, "much")
	}
	_, err = m.Rest(r)
	equal(t, "error", err, adapter.ErrOverrun)
}

// Whatever a client says, it gets only what was for it.
func FuzzTake(f *testing.F) {
	m := newMemory()
	start := m.Position()
	for i := range 50 {
		send(m, fmt.Sprint("room", i%2), fmt.Sprint("room", i%2))
	}
	s := session(m, "p", start, adapter.Stay{Room: "room1", From: start})
	s.Last = m.Position()
	for _, offset := range []string{"", start, m.Position(), m.log.offset(1 << 40), m.log.epoch, m.log.epoch + "+1", "other.1"} {
		f.Add(offset)
	}
	f.Fuzz(func(t *testing.T, offset string) {
		kept := *s
		kept.LostAt = time.Now()
		m.Save(ctx, &kept)
		r, err := m.Take(ctx, "p", offset)
		if err != nil {
			t.Fatalf("%q: %v", offset, err)
		}
		seq, ours := m.log.seq(offset)
		if !ours && len(r.Missed) != 25 {
			t.Errorf("%q: got %d packets, want all 25", offset, len(r.Missed))
		}
		for _, p := range r.Missed {
			if got := m.log.number(p.Offset); names([]adapter.Missed{p}) != "room1" || got <= seq {
				t.Errorf("%q: got packet %d, %s", offset, got, p.Data)
			}
		}
	})
}
