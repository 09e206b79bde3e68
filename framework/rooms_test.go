package framework

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// to selects the members of rooms.
func to(rooms ...string) target { return target{narrowed: true, rooms: rooms} }

// ends fails the test if f does not return.
func ends(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("%s: still waiting after a minute", what)
	}
}

// empty fails the test unless r is as it was before anybody came.
func empty(t *testing.T, r *rooms) {
	t.Helper()
	for i := range r.byName {
		if n := len(r.byName[i].rooms); n > 0 {
			t.Errorf("directory %d: %d rooms are left", i, n)
		}
	}
	for i := range r.byID {
		if c := &r.byID[i]; len(c.all) > 0 || len(c.byID) > 0 {
			t.Errorf("crowd %d: %d sockets are left, %d by their id", i, len(c.all), len(c.byID))
		}
	}
}

// inbox is what a socket has got: the number of the next message of each sender.
type inbox struct {
	next    [senders]int
	gaps    bool // it need not get every message
	nothing bool // it must not get any of the last sender
	wrong   string
}

const (
	senders  = 5
	messages = 400
)

// get notes a message. Broadcasts take Socket.mu in deliver, and so does this.
func (in *inbox) get(sender, n int) {
	switch {
	case in.nothing && sender == senders-1:
		in.wrong = fmt.Sprintf("sender %d: got message %d, want none", sender, n)
	case n != in.next[sender] && !in.gaps || n < in.next[sender]:
		in.wrong = fmt.Sprintf("sender %d: got message %d, want %d", sender, n, in.next[sender])
	}
	in.next[sender] = n + 1
}

// TestRoomsKeepTheirPromisesUnderLoad joins, leaves, closes rooms, connects and
// disconnects beside broadcasts.
func TestRoomsKeepTheirPromisesUnderLoad(t *testing.T) {
	r := newRooms()
	boxes := make(map[*Socket]*inbox)
	var all []*Socket
	connect := func(in inbox, rooms ...string) *Socket {
		s := &Socket{id: newID()}
		r.add(s)
		r.join(s, rooms)
		boxes[s], all = &in, append(all, s)
		return s
	}

	var stay []*Socket
	for i := range 40 { // in "a", in "b" and in both
		stay = append(stay, connect(inbox{}, [][]string{{"a"}, {"b"}, {"b", "a"}}[i%3]...))
	}
	named := stay[0]
	want := func(s *Socket) [senders]int { // messages a sender, for who stays
		n := [senders]int{messages, messages, 0, messages, messages}
		if rooms := r.of(s); !slices.Contains(rooms, "a") {
			n[0] = 0
		}
		return n
	}
	targets := [senders]target{
		to("a"),
		to("b", "closed", "a", named.id, "nowhere"),
		to("x", "y", "z"),
		{},
		{except: []string{"muted", "x", "deaf"}},
	}
	movers := []*Socket{connect(inbox{nothing: true}, "x"), connect(inbox{nothing: true}, "y", "x")}
	mute := connect(inbox{nothing: true}, "muted")
	churn := make([]*Socket, 4)
	for i := range churn {
		churn[i] = connect(inbox{gaps: true})
	}

	var stop atomic.Bool
	var sending, moving sync.WaitGroup
	busy := func(f func(i int)) {
		moving.Go(func() {
			for i := 0; !stop.Load(); i++ {
				f(i)
			}
		})
	}
	for _, s := range churn { // rooms that are walked, close, come and go
		busy(func(i int) {
			names := []string{[]string{"a", "b", "closed", "muted", "z"}[i%5], "closed"}
			r.join(s, names)
			r.leave(s, names[:1+i%2])
		})
	}
	busy(func(int) { r.close("closed") })
	busy(func(i int) { // connects, and is in rooms when it goes
		s := &Socket{id: newID()}
		r.add(s)
		moving.Go(func() { r.join(s, []string{"a", "late"}) })
		r.join(s, []string{"b", "closed"})
		r.remove(s)
		r.join(s, []string{"too late"})
		if s := r.known(s.id); s != nil {
			t.Error("a socket that is gone is found by its id")
		}
	})
	// Always in one of the rooms that sender 2 reaches, which come and go with them, and
	// in one that sender 4 leaves out: "deaf" is for when they are not in "x".
	for _, s := range movers {
		busy(func(i int) {
			round := []string{"x", "y", "z"}
			if s == movers[0] {
				round = []string{"x", "z", "y"}
			}
			switch from, next := round[i%3], round[(i+1)%3]; {
			case from == "x":
				r.join(s, []string{"deaf", next})
				r.leave(s, []string{"x"})
			case next == "x":
				r.join(s, []string{"x"})
				r.leave(s, []string{from, "deaf"})
			default:
				r.join(s, []string{next})
				r.leave(s, []string{from})
			}
		})
	}
	busy(func(i int) { // always in an excepted room
		rooms := []string{"muted", "deaf"}
		r.join(mute, rooms[(i+1)%2:][:1])
		r.leave(mute, rooms[i%2:][:1])
	})
	for sender := range senders {
		sending.Go(func() {
			for n := range messages {
				r.each(&targets[sender], func(s *Socket) {
					if in := boxes[s]; in != nil { // nil: just connected
						s.mu.Lock()
						in.get(sender, n)
						s.mu.Unlock()
					}
				})
			}
		})
	}
	ends(t, "broadcasts", sending.Wait)
	stop.Store(true)
	ends(t, "movements", moving.Wait)

	for i, s := range all {
		if in := boxes[s]; in.wrong != "" {
			t.Errorf("socket %d: %s", i, in.wrong)
		}
	}
	for i, s := range stay {
		if got := boxes[s].next; got != want(s) {
			t.Errorf("socket %d stayed in %q: got %v messages, want %v", i, r.of(s), got, want(s))
		}
	}
	for i, s := range movers {
		if got := boxes[s].next[2]; got != messages {
			t.Errorf("mover %d: got %d messages, want %d", i, got, messages)
		}
	}
	for i, s := range all {
		if i%2 == 0 {
			r.leave(s, r.of(s))
			equals(t, "rooms after leaving", len(r.of(s)), 0)
		}
		r.remove(s)
	}
	empty(t, &r)
}

func equals[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestWhoStaysInARoomIsReachedWhileOthersLeave(t *testing.T) {
	for _, members := range []int{few, few + 1, 200} { // with an index and without
		r, sockets := manySockets(members)
		for _, s := range sockets {
			r.join(s, []string{"room", "other"})
		}
		stay := sockets[:members/3]
		var leaving sync.WaitGroup
		leaving.Go(func() {
			for i, s := range sockets[len(stay):] {
				if i%2 == 0 {
					r.leave(s, []string{"room"})
				} else {
					r.remove(s)
				}
			}
		})
		got := make(map[*Socket]int)
		const walks = 50
		room := to("room")
		for range walks {
			r.each(&room, func(s *Socket) { got[s]++ })
		}
		leaving.Wait()
		for i, s := range stay {
			equals(t, fmt.Sprintf("%d members: messages to number %d", members, i), got[s], walks)
		}
		clear(got)
		r.each(&room, func(s *Socket) { got[s]++ })
		equals(t, "members at last", len(got), len(stay))
		r.close("room")
		r.close("other")
		for _, s := range sockets {
			r.remove(s)
		}
		empty(t, r)
	}
}

// TestABroadcastHoldsUpNobodyElsewhere stops one in the middle of its walk.
func TestABroadcastHoldsUpNobodyElsewhere(t *testing.T) {
	tests := []struct {
		name   string
		target target
	}{
		{"to a room", to("big")},
		{"to rooms", to("big", "big too", "nowhere")},
		{"to everybody", target{}},
		{"to everybody but a room", target{except: []string{"big"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, sockets := manySockets(100)
			for _, s := range sockets[:50] {
				r.join(s, []string{"big", "big too"})
			}
			walked, hold, gate := make(chan *Socket, len(sockets)), new(atomic.Bool), make(chan struct{})
			hold.Store(true)
			var waiting sync.WaitGroup
			waiting.Go(func() {
				r.each(&tt.target, func(s *Socket) {
					walked <- s
					if hold.CompareAndSwap(true, false) {
						<-gate
					}
				})
			})
			at := r.crowd((<-walked).id) // where it stands

			others := sockets[50:]
			ends(t, "join and leave another room", func() {
				r.join(others[0], []string{"small", "tiny"})
				r.leave(others[0], []string{"tiny"})
			})
			ends(t, "close another room", func() { r.close("tiny") })
			small := to("small")
			ends(t, "broadcast to another room", func() { r.each(&small, touch) })
			ends(t, "connect and disconnect", func() {
				for range 100 {
					s := &Socket{id: newID()}
					if r.crowd(s.id) == at {
						continue
					}
					r.add(s)
					r.join(s, []string{"small"})
					r.remove(s)
				}
			})

			// Who wants to join the room has to wait, but alone.
			waiting.Go(func() { r.join(others[1], []string{"big"}) })
			waiting.Go(func() { r.remove(sockets[0]) })
			if tt.name != "to everybody" {
				rm := r.directory("big").find("big")
				await(t, "nobody waits to write", func() bool {
					if rm.mu.TryRLock() {
						rm.mu.RUnlock()
						return false
					}
					return true
				})
			}
			ends(t, "the same behind one who waits", func() {
				r.join(others[2], []string{"small", "tiny"})
				r.each(&small, touch)
				r.leave(others[2], []string{"tiny"})
			})
			close(gate)
			ends(t, "the broadcast and who waited", waiting.Wait)
			equals(t, "new member", slices.Contains(r.of(others[1]), "big"), true)
			equals(t, "removed", r.known(sockets[0].id) == nil, true)
		})
	}
}

// TestBroadcastsToTheSameRoomsDoNotBlockEachOther names them in every order, while
// members come and go.
func TestBroadcastsToTheSameRoomsDoNotBlockEachOther(t *testing.T) {
	r, sockets := manySockets(8)
	names := []string{"a", "b", "c", sockets[0].id}
	orders := [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b", "a", "b", "c", "c"}, {"c", sockets[0].id, "a"}}
	var running sync.WaitGroup
	for _, order := range orders {
		running.Go(func() {
			for range 500 {
				both := target{narrowed: true, rooms: order, except: order[:1]}
				all, but := to(order...), target{except: order}
				r.each(&both, touch)
				r.each(&all, touch)
				r.each(&but, touch)
			}
		})
	}
	for i, s := range sockets {
		running.Go(func() {
			for n := range 500 {
				r.join(s, names[(i+n)%2:])
				r.leave(s, names)
			}
		})
	}
	ends(t, "all of it", running.Wait)
	for _, s := range sockets {
		r.remove(s)
	}
	empty(t, r)
}

// await returns once it holds.
func await(t *testing.T, otherwise string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal(otherwise, "within a minute")
		}
	}
}
