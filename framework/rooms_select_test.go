package framework

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestSelectionsReachEachReceiverOnce(t *testing.T) {
	r := newRooms()
	sockets := make(map[string]*Socket)
	letters := make(map[*Socket]string)
	for _, letter := range []string{"A", "B", "C", "D"} {
		s := &Socket{id: strings.Repeat(letter, idLen)}
		r.add(s)
		sockets[letter], letters[s] = s, letter
	}
	a, d := sockets["A"].id, sockets["D"].id
	r.join(sockets["A"], []string{"one", "both", a})
	r.join(sockets["B"], []string{"both", "two", "two", a}) // a room of that name
	r.join(sockets["C"], []string{"two", ""})

	tests := []struct {
		name   string
		target target
		want   string
	}{
		{"everybody", target{}, "A B C D"},
		{"everybody but the sender", target{sender: sockets["B"]}, "A C D"},
		{"one", target{only: sockets["B"]}, "B"},
		{"a room", to("both"), "A B"},
		{"a room without the sender", target{narrowed: true, rooms: []string{"both"}, sender: sockets["A"]}, "B"},
		{"a room whose name is empty", to(""), "C"},
		{"no room", to(), ""},
		{"no room but one", target{narrowed: true, except: []string{"one"}}, ""},
		{"an unknown room", to("nowhere"), ""},
		{"an id", to(a), "A B"},
		{"the sender's id", target{narrowed: true, rooms: []string{a}, sender: sockets["A"]}, "B"},
		{"an unknown id", to(strings.Repeat("E", idLen)), ""},
		{"rooms that overlap", to("both", "two", "one"), "A B C"},
		{"one room twice", to("two", "two"), "B C"},
		{"ids", to(d, a, d), "A B D"},
		{"an id and its room", to("one", a), "A B"},
		{"ids and rooms", to(d, "both", a, "nowhere"), "A B D"},
		{"rooms without the sender", target{narrowed: true, rooms: []string{"both", "two", d}, sender: sockets["D"]}, "A B C"},
		{"a room but one", target{narrowed: true, rooms: []string{"two"}, except: []string{"both"}}, "C"},
		{"a room but an id", target{narrowed: true, rooms: []string{"both"}, except: []string{a}}, ""},
		{"an id but its room", target{narrowed: true, rooms: []string{a}, except: []string{"one"}}, "B"},
		{"a room but itself", target{narrowed: true, rooms: []string{"two", "one"}, except: []string{"two"}}, "A"},
		{"everybody but rooms and ids", target{except: []string{"one", d, "nowhere", "one"}}, "B C"},
		{"everybody but all", target{except: []string{"both", "two", d}}, ""},
		{"everybody but one without the sender", target{except: []string{"one"}, sender: sockets["B"]}, "C D"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			r.each(&tt.target, func(s *Socket) { got = append(got, letters[s]) })
			slices.Sort(got)
			equals(t, "reached", strings.Join(got, " "), tt.want)
		})
	}
}

// TestASelectionIsOfOneMoment stops a broadcast between finding its rooms and reading
// them: it has locked "a" and waits for "b", while somebody moves on.
func TestASelectionIsOfOneMoment(t *testing.T) {
	tests := []struct {
		name   string
		target target
		in     []string // at first
		move   func(r *rooms, b *room, s *Socket)
		want   int
	}{
		{"to a room made meanwhile", to("a", "b", "x"), []string{"b"}, func(r *rooms, b *room, s *Socket) {
			r.join(s, []string{"x"})
			b.drop(b.find(s))
		}, 1},
		{"from one made meanwhile to another", to("a", "b", "x", "y"), []string{"b"}, func(r *rooms, b *room, s *Socket) {
			r.join(s, []string{"y"})
			b.drop(b.find(s))
			r.join(s, []string{"x"})
			r.leave(s, []string{"y"})
		}, 1},
		{"back to a room that went meanwhile", to("a", "b", "x"), []string{"x"}, func(r *rooms, b *room, s *Socket) {
			b.add(s)
			r.leave(s, []string{"x"})
			r.join(s, []string{"x"})
			b.drop(b.find(s))
		}, 1},
		{"behind being excepted", target{narrowed: true, rooms: []string{"a", "b"}, except: []string{"x"}}, nil, func(r *rooms, b *room, s *Socket) {
			r.join(s, []string{"x"})
			b.add(s)
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, sockets := manySockets(2)
			s := sockets[0]
			r.join(s, tt.in)
			r.join(sockets[1], []string{"a", "b"})
			a := r.directory("a").find("a")
			b := r.directory("b").find("b")

			b.mu.Lock()
			got := make(map[*Socket]int)
			var sending sync.WaitGroup
			sending.Go(func() { r.each(&tt.target, func(s *Socket) { got[s]++ }) })
			await(t, "nobody reads the first room", func() bool {
				if a.mu.TryLock() {
					a.mu.Unlock()
					return false
				}
				return true
			})
			tt.move(r, b, s)
			b.mu.Unlock()
			ends(t, "broadcast", sending.Wait)
			equals(t, "messages to who moves", got[s], tt.want)
			equals(t, "messages to who stays", got[sockets[1]], 1)
		})
	}
}

// naive is what rooms does, one map and no lock. A socket's rooms are in order of
// joining; who is gone keeps them.
type naive struct {
	present, absent map[*Socket]bool
	joined          map[*Socket][]string
}

func (m *naive) in(s *Socket, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return m.present[s] && s.id == name || !m.absent[s] && slices.Contains(m.joined[s], name)
	})
}

func (m *naive) reached(s *Socket, t *target) bool {
	switch {
	case s == t.sender || m.in(s, t.except):
		return false
	case t.narrowed:
		return m.in(s, t.rooms)
	}
	return m.present[s]
}

func (m *naive) join(s *Socket, names []string) {
	for _, name := range names {
		if !m.absent[s] && name != s.id && !slices.Contains(m.joined[s], name) {
			m.joined[s] = append(m.joined[s], name)
		}
	}
}

func (m *naive) leave(s *Socket, names []string) {
	if !m.absent[s] {
		m.joined[s] = slices.DeleteFunc(m.joined[s], func(name string) bool { return slices.Contains(names, name) })
	}
}

func (m *naive) names() []string {
	names := []string{}
	for s, joined := range m.joined {
		if !m.absent[s] {
			names = append(names, joined...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestRoomsAreWhatANaiveModelIs does random things to both, of which each is given
// by the seed.
func TestRoomsAreWhatANaiveModelIs(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			r := newRooms()
			m := &naive{make(map[*Socket]bool), make(map[*Socket]bool), make(map[*Socket][]string)}
			names := []string{"", "a", "b", "c", "d", strings.Repeat("r", idLen)}
			var sockets []*Socket
			some := func(most int) []string {
				picked := make([]string, rnd.IntN(most+1))
				for i := range picked {
					if picked[i] = names[rnd.IntN(len(names))]; rnd.IntN(4) == 0 && len(sockets) > 0 {
						picked[i] = sockets[rnd.IntN(len(sockets))].id
					}
				}
				return picked
			}
			for step := range 600 {
				if len(sockets) == 0 || rnd.IntN(25) == 0 {
					sockets = append(sockets, &Socket{id: fmt.Sprintf("%0*d", idLen, len(sockets)), state: connected})
				}
				s := sockets[rnd.IntN(len(sockets))]
				switch list := some(3); rnd.IntN(12) {
				case 0, 1:
					r.add(s)
					m.present[s] = !m.absent[s]
				case 2:
					if rnd.IntN(3) == 0 { // or nobody would ever be there
						r.remove(s)
						m.present[s], m.absent[s] = false, true
					}
				case 3:
					name := names[rnd.IntN(len(names))]
					r.close(name)
					for s := range m.joined {
						m.leave(s, []string{name})
					}
				case 4, 5, 6:
					r.leave(s, list)
					m.leave(s, list)
				default:
					r.join(s, list)
					m.join(s, list)
				}

				target := target{narrowed: rnd.IntN(4) > 0, except: some(rnd.IntN(3)), rooms: some(1 + rnd.IntN(12))}
				if rnd.IntN(2) == 0 {
					target.sender = s
				}
				got := make(map[*Socket]int)
				r.each(&target, func(s *Socket) { got[s]++ })
				present := 0
				for i, s := range sockets {
					want := 0
					if m.reached(s, &target) {
						want = 1
					}
					if got[s] != want {
						t.Fatalf("step %d: %+v reaches socket %d %d times, want %d", step, target, i, got[s], want)
					}
					if got, want := r.of(s), m.joined[s]; !slices.Equal(got, want) {
						t.Fatalf("step %d: rooms of socket %d: got %q, want %q", step, i, got, want)
					}
					if got := r.socket(s.id); (got == s) != m.present[s] {
						t.Fatalf("step %d: socket %d by its id: got %v, want %t", step, i, got, m.present[s])
					}
					if m.present[s] {
						present++
					}
				}
				equals(t, "sockets", len(r.sockets(nil)), present)
				if got, want := r.names(), m.names(); !slices.Equal(got, want) {
					t.Fatalf("step %d: rooms: got %q, want %q", step, got, want)
				}
			}
			for _, s := range sockets {
				r.remove(s)
			}
			empty(t, &r)
		})
	}
}

func TestSelectionsDoNotAllocate(t *testing.T) {
	r, sockets := manySockets(100)
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for i, s := range sockets {
		r.join(s, names[i%8:])
	}
	selections := map[string]target{
		"everybody": {},
		"an id":     to(sockets[0].id),
		"a room":    to("a"),
		"8 rooms":   to(names...),
		"8 names, all but 8": {
			narrowed: true, rooms: append([]string{sockets[0].id}, names[1:]...),
			except: append([]string{sockets[1].id}, names[:7]...),
		},
	}
	for name, target := range selections {
		if got := testing.AllocsPerRun(10, func() { r.each(&target, touch) }); got > 0 {
			t.Errorf("%s: got %v allocations, want none", name, got)
		}
	}
}

func TestIDsHaveTheLengthThatRoomsLookFor(t *testing.T) {
	equals(t, "length", len(newID()), idLen)
}
