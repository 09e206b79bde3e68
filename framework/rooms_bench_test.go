package framework

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// manySockets makes a namespace with so many sockets in it.
func manySockets(n int) (*rooms, []*Socket) {
	r := newRooms()
	sockets := make([]*Socket, n)
	for i := range sockets {
		sockets[i] = &Socket{id: newID()}
		r.add(sockets[i])
	}
	return &r, sockets
}

// touch stands for deliver: the socket's lock, and something written behind it.
func touch(s *Socket) {
	s.mu.Lock()
	s.size++
	s.mu.Unlock()
}

// beside runs broadcasts of the target without a pause until the benchmark ends.
func beside(b *testing.B, r *rooms, t target) {
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			r.each(&t, touch)
		}
	})
	b.Cleanup(func() {
		stop.Store(true)
		wg.Wait()
	})
}

func BenchmarkRoomsBesideABroadcast(b *testing.B) {
	const crowd = 10_000
	b.Run("join+leave", func(b *testing.B) {
		r, sockets := manySockets(crowd)
		for _, s := range sockets {
			r.join(s, []string{"everybody"})
		}
		beside(b, r, target{narrowed: true, rooms: []string{"everybody"}})
		var n atomic.Int32
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			i := n.Add(1)
			s, room := sockets[i], []string{fmt.Sprint("room ", i)}
			for pb.Next() {
				r.join(s, room)
				r.leave(s, room)
			}
		})
	})
	b.Run("connect+disconnect", func(b *testing.B) {
		r, _ := manySockets(crowd)
		beside(b, r, target{})
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				s := &Socket{id: newID()}
				r.add(s)
				r.remove(s)
			}
		})
	})
	b.Run("to a room of 10", func(b *testing.B) { // while another goroutine joins
		r, sockets := manySockets(crowd)
		for i, s := range sockets {
			r.join(s, []string{"everybody", fmt.Sprint("room ", i/10)})
		}
		beside(b, r, target{narrowed: true, rooms: []string{"everybody"}})
		var n atomic.Int32
		b.RunParallel(func(pb *testing.PB) {
			i := n.Add(1)
			t := target{narrowed: true, rooms: []string{fmt.Sprint("room ", i)}}
			s, own := sockets[crowd-int(i)], []string{fmt.Sprint("own ", i)}
			for pb.Next() {
				r.join(s, own)
				r.each(&t, touch)
				r.leave(s, own)
			}
		})
	})
}

func BenchmarkRoomsSelect(b *testing.B) {
	r, sockets := manySockets(10_000)
	for i, s := range sockets {
		r.join(s, []string{fmt.Sprint("hundred ", i/100)})
		if i%200 < 150 { // half of the next hundred, too
			r.join(s, []string{fmt.Sprint("more ", i/200)})
		}
	}
	tests := []struct {
		name      string
		target    target
		receivers int
	}{
		{"an id", target{narrowed: true, rooms: []string{sockets[7].id}}, 1},
		{"a room of 100", target{narrowed: true, rooms: []string{"hundred 7"}}, 100},
		{"a room of 100 but the sender", target{narrowed: true, rooms: []string{"hundred 7"}, sender: sockets[700]}, 99},
		{"2 rooms", target{narrowed: true, rooms: []string{"hundred 14", "more 7"}}, 150},
		{"8 rooms", target{narrowed: true, rooms: []string{"hundred 0", "hundred 1", "hundred 2", "hundred 3", "hundred 4", "hundred 5", "hundred 6", "hundred 7"}}, 800},
		{"all", target{}, 10_000},
		{"all but a room", target{except: []string{"hundred 3"}}, 9_900},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			reached := 0
			b.ReportAllocs()
			for b.Loop() {
				r.each(&tt.target, func(s *Socket) {
					touch(s)
					reached++
				})
			}
			if reached != tt.receivers*b.N {
				b.Fatalf("got %d receivers, want %d", reached/b.N, tt.receivers)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(reached), "ns/receiver")
		})
	}
}
