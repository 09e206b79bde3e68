package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// TestMain is the server where run starts this program once more.
func TestMain(m *testing.M) {
	if server, err := beServer(); server {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestASoakOfAFewSecondsIsClean(t *testing.T) {
	var out, log strings.Builder
	o := options{Clients: 100, Duration: 3 * time.Second, Rate: 2, Ping: time.Second, Keep: 2 * time.Second, Seed: 1, Report: time.Second}
	ok, err := run(t.Context(), o, &out, &log)
	if err != nil || !ok {
		t.Fatalf("%v\n%s\n%s", err, out.String(), log.String())
	}
	for _, want := range []string{"\nok\n", "messages to healthy clients", "| goroutines"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got no %q in\n%s", want, out.String())
		}
	}
}

func TestAServerBearsOverloadAndRecovers(t *testing.T) {
	var out, log strings.Builder
	o := options{Clients: 40, Duration: 2 * time.Second, Rate: 1, Ping: time.Second, Keep: time.Second, Seed: 1, Report: time.Second}
	ok, err := runOverload(t.Context(), o, &out, &log)
	if err != nil || !ok {
		t.Fatalf("%v\n%s\n%s", err, out.String(), log.String())
	}
	if want := "| beyond MaxSessions"; !strings.Contains(out.String(), want) {
		t.Errorf("got no %q in\n%s", want, out.String())
	}
}

// careless loses some messages, and says others twice.
type careless struct{ chat }

func (c *careless) OnSay(name string, n int64, text string) (int64, error) {
	r := c.room(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	for range n % 3 {
		if err := c.To(name).Emit("said", name, r.seq, text); err != nil {
			return 0, err
		}
	}
	return r.seq, nil
}

func TestASoakFindsWhatIsLostAndWhatComesTwice(t *testing.T) {
	o := options{Clients: 20, Rate: 20, Ping: time.Second, Keep: time.Second, Seed: 1}
	counts := newTally()
	srv := framework.New(serverOptions{Ping: o.Ping, Timeout: o.timeout(), Patience: 5 * o.Ping, Keep: o.Keep}.framework(counts))
	srv.Register("/", &lobby{tally: counts})
	srv.Register("/chat", &careless{chat{tally: counts, rooms: map[string]*room{}}})
	srv.Register("/heavy", &chat{tally: counts, rooms: map[string]*room{}})
	srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) { return &lobby{tally: counts}, nil })
	web := httptest.NewServer(srv)
	defer web.Close()

	s := newSoak(o, web.Listener.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	s.drive(ctx)
	if lost, duplicated := s.healthy.lost.Load(), s.healthy.duplicated.Load(); lost == 0 || duplicated == 0 {
		t.Errorf("got %d lost and %d duplicated, want some of both", lost, duplicated)
	}
	text := fmt.Sprint(s.verdict(&outcome{}))
	for _, want := range []string{"messages that healthy clients lost", "messages that healthy clients got twice"} {
		if !strings.Contains(text, want) {
			t.Errorf("the verdict has no %q:\n%s", want, text)
		}
	}
}

func TestASequenceTellsWhatIsMissing(t *testing.T) {
	tests := []struct {
		name       string
		base, end  int64 // what joining and leaving are answered with
		early      int   // how many come before the answer to joining
		seqs       []int64
		lost, more int64
	}{
		{"nothing", 7, 7, 0, nil, 0, 0},
		{"all", 7, 10, 0, []int64{8, 9, 10}, 0, 0},
		{"from the first message on", 0, 2, 0, []int64{1, 2}, 0, 0},
		{"before the answer", 7, 9, 2, []int64{8, 9}, 0, 0},
		{"the first is lost", 7, 9, 0, []int64{9}, 1, 0},
		{"the first is lost before the answer", 7, 9, 1, []int64{9}, 1, 0},
		{"one in the middle", 7, 10, 0, []int64{8, 10}, 1, 0},
		{"the last", 7, 10, 0, []int64{8}, 2, 0},
		{"all of them", 7, 10, 0, nil, 3, 0},
		{"twice", 7, 9, 0, []int64{8, 8, 9}, 0, 1},
		{"in another order", 7, 9, 0, []int64{9, 8}, 1, 1},
		{"from before joining", 7, 8, 0, []int64{7, 8}, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var q sequence
			var lost, more int64
			for i, seq := range tt.seqs {
				if i == tt.early {
					lost += q.joined(tt.base)
				}
				missing, again := q.take(seq)
				if lost += missing; again {
					more++
				}
			}
			if len(tt.seqs) <= tt.early {
				lost += q.joined(tt.base)
			}
			lost += q.left(tt.end)
			if lost != tt.lost || more != tt.more {
				t.Errorf("got %d lost and %d too many, want %d and %d", lost, more, tt.lost, tt.more)
			}
		})
	}
}

func TestFlagsThatCannotWorkAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-clients", "0"}, {"-duration", "1ms"}, {"-rate", "0"}, {"-ping", "1ms"}, {"-report", "0"}, {"more"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q: got no error", args)
		}
	}
}
