package framework_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/internal/replay"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// sharedLog is a log that several servers have together, and their cluster: those that
// read it deliver what others have appended.
type sharedLog struct {
	*replay.Memory

	mu      sync.Mutex
	servers []*sharer
	reading sync.WaitGroup // what has been appended and not yet delivered everywhere
}

// sharer is one server's part. What it appends itself it delivers when it reads it, too:
// the order is the log's.
type sharer struct {
	adapter.Adapter // nil: nothing else is called
	*sharedLog
	local adapter.Local
	read  chan logEntry
	done  chan struct{}
}

type logEntry struct {
	p      adapter.Packet
	s      adapter.Selection
	offset string
}

func newSharedLog() *sharedLog {
	l := &sharedLog{Memory: replay.New(replay.Options{Keep: time.Minute, Retain: time.Minute, MaxBytes: 1 << 20, MaxSessions: 100})}
	l.Memory.Attended(true)
	return l
}

// join makes the adapters of one more server, for "/".
func (l *sharedLog) join(o *framework.Options) {
	o.NewAdapter = func(local adapter.Local) (adapter.Adapter, error) {
		s := &sharer{sharedLog: l, local: local, read: make(chan logEntry, 1000), done: make(chan struct{})}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.servers = append(l.servers, s)
		go func() {
			defer close(s.done)
			for e := range s.read {
				local.(adapter.Deliverer).Deliver(e.p, e.s, e.offset)
				l.reading.Done()
			}
		}()
		return s, nil
	}
}

func (s *sharer) Append(p adapter.Packet, to adapter.Selection) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	offset, err := s.Memory.Append(p, to)
	for _, server := range s.servers {
		s.reading.Add(1)
		server.read <- logEntry{p, to, offset}
	}
	return "", err
}

func (s *sharer) Attended(bool) {}

func (s *sharer) Broadcast(p adapter.Packet, to adapter.Selection, f adapter.Flags) error { return nil }

func (s *sharer) Close() error {
	close(s.read)
	<-s.done
	return nil
}

func TestAClientRecoversOnAnotherServer(t *testing.T) {
	log := newSharedLog()
	one, two := recovering(log.join), recovering(log.join)
	ann, bob := sockettest.Connect(t, one, "/"), sockettest.Connect(t, two, "/")
	ann.Call("join", "kitchen")
	one.Emit("news", "1")
	two.To("kitchen", "attic").Emit("news", "2")
	one.Local().Emit("here", "3")
	s, _ := one.Of("/").Socket(ann.ID())
	s.Emit("own", "4")
	s.Broadcast().Emit("others", "5")
	for _, want := range []string{"1", "2", "4"} {
		e := ann.Next()
		if e.Name == "here" { // which is not in the log's order
			e = ann.Next()
		}
		equal(t, "ann's", e.Args.String(0), want)
	}
	for _, want := range []string{"1", "5"} {
		equal(t, "bob's", bob.Next().Args.String(0), want)
	}

	one.cut(t, ann)
	two.To("kitchen").Emit("news", "6")
	one.Emit("news", "7")
	two.To("attic").Emit("news", "8")
	log.reading.Wait()                                 // Memory does not know how far they have read
	waitFor(t, func() bool { return log.Kept() == 1 }) // nor does two wait for one
	back := two.back(t, ann)
	recovered(t, back, true)
	equal(t, "id", back.ID(), ann.ID())
	hears(t, back, "news 6", "news 7")
	equal(t, "rooms", back.Call("rooms").JSON(), `[["`+ann.ID()+`","kitchen"]]`)
	one.To("kitchen").Emit("news", "9")
	equal(t, "then", back.Next().Args.String(0), "9")
	for _, srv := range []*away{one, two} {
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
	equal(t, "kept by Shutdown", log.Kept(), 2)
	log.Memory.Close()
}
