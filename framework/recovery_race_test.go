package framework_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// Clients come and go while several goroutines emit: each client has each event that
// was for it once, and those of one goroutine in order.
func TestNothingIsLostOrComesTwiceWhileClientsComeAndGo(t *testing.T) {
	const clients, cuts, emitters, burst = 4, 15, 3, 4
	srv := recovering(func(o *framework.Options) { o.Logger = zerolog.Nop() })
	pace := make(chan struct{}, 100) // the clients set it, so that there is something to miss
	var connecting, emitting, coming, cutting sync.WaitGroup
	connecting.Add(clients)
	cutting.Add(clients)
	var sent [emitters]int
	for i := range emitters {
		emitting.Go(func() {
			for range pace {
				for range burst {
					n := sent[i]
					b := srv.Of("/").Except("nobody")
					if n%2 == 1 {
						b = srv.To("odd", "even")
					}
					if err := b.Emit("n", i, n); err != nil {
						t.Error(err)
					}
					sent[i]++
				}
			}
		})
	}
	seen := make([][]string, clients)
	for i := range clients {
		coming.Go(func() {
			s := sockettest.Connect(t, srv, "/")
			s.Call("join", []string{"even", "odd"}[i%2])
			connecting.Done()
			connecting.Wait()
			for range cuts {
				for range 1 + rand.N(10) {
					pace <- struct{}{}
					s.Conn().Refused("/nowhere") // time for packets to come
				}
				pace <- struct{}{}
				s.Conn().Cut()
				seen[i] = append(seen[i], numbers(s)...)
				s = sockettest.Dial(t, srv, sockettest.Options{}).Recover(s)
			}
			cutting.Done()
			emitting.Wait()
			s.Call("rooms") // behind all of it
			seen[i] = append(seen[i], numbers(s)...)
		})
	}
	cutting.Wait()
	close(pace)
	coming.Wait()
	equal(t, "recovered", srv.RecoveryStats().Recovered, clients*cuts)
	for i := range clients {
		var next [emitters]int
		for _, got := range seen[i] {
			var from, n int
			if _, err := fmt.Sscanf(got, "%d,%d,", &from, &n); err != nil {
				t.Fatalf("%q: %v", got, err)
			}
			if n != next[from] {
				t.Fatalf("client %d: got event %d of goroutine %d, want %d", i, n, from, next[from])
			}
			next[from]++
		}
		equal(t, "events", next, sent)
	}
}

// numbers lists the arguments of the events "n" that a connection has brought.
func numbers(s *sockettest.Socket) (list []string) {
	for _, f := range s.Conn().Frames() {
		if args, ok := strings.CutPrefix(f, `< 42["n",`); ok {
			list = append(list, args)
		}
	}
	return list
}
