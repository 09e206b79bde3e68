package middleware

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework"
)

func TestTheMemoryOfOnceKeepsItsBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perClient, most = 3, 10
		m := &memory{opts: OnceOptions{For: time.Minute, MaxPerClient: perClient, Max: most}, clients: make(map[string]*remembered)}
		random := rand.New(rand.NewPCG(1, 2))
		var running []*answer
		for range 10_000 {
			client := fmt.Sprint("client ", random.IntN(6))
			id := onceID(sha256.Sum256([]byte{byte(random.IntN(20))}))
			switch random.IntN(4) {
			case 0, 1:
				if a, _, _ := m.begin(client, id, &framework.Event{}); a != nil {
					running = append(running, a)
				}
			case 2:
				if len(running) == 0 {
					continue
				}
				i := random.IntN(len(running))
				a := running[i]
				running = append(running[:i], running[i+1:]...)
				switch random.IntN(4) {
				case 0:
					m.forget(a)
				case 1:
					m.await(a)
				case 2:
					m.await(a)
					m.keep(a, nil, nil) // an answer that could not be encoded
				default:
					m.keep(a, &framework.Args{}, nil)
				}
			case 3:
				time.Sleep(time.Duration(random.IntN(int(20 * time.Second))))
			}
			checkMemory(t, m, perClient, most)
		}
		for _, a := range running {
			m.forget(a)
		}
		time.Sleep(time.Minute)
		m.expire(time.Now())
		if len(m.clients) != 0 || m.kept.Len() != 0 {
			t.Errorf("%d clients and %d answers are left at the end", len(m.clients), m.kept.Len())
		}
	})
}

func checkMemory(t *testing.T, m *memory, perClient, most int) {
	t.Helper()
	kept := 0
	for name, c := range m.clients {
		if c.name != name || len(c.answers) == 0 || len(c.kept) > perClient || len(c.kept) > len(c.answers) {
			t.Fatalf("%s: %d answers, of which %d may go", name, len(c.answers), len(c.kept))
		}
		for _, a := range c.kept {
			if c.answers[a.id] != a || a.place == nil {
				t.Fatalf("%s: an answer that is not known", name)
			}
		}
		kept += len(c.kept)
	}
	if kept != m.kept.Len() || kept > most {
		t.Fatalf("the clients have %d answers, the memory %d, want at most %d", kept, m.kept.Len(), most)
	}
}
