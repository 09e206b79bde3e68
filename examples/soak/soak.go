package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parlor-go/parlor/examples/internal/histogram"
)

// options say how many clients there are, for how long, and what they do.
type options struct {
	Clients  int
	Duration time.Duration
	Rate     float64       // what each client says, a second
	Ping     time.Duration // the heartbeat's interval, and the unit of the clients' lives
	Keep     time.Duration // Recovery.MaxDisconnection
	Seed     uint64
	Report   time.Duration // between two lines
	Overload bool
}

// timeout is what a pong may take: long enough for a machine that is busy with other
// things.
func (o options) timeout() time.Duration { return 4 * o.Ping }

// notice is how long it may take until the server knows that a client is silent.
func (o options) notice() time.Duration { return o.Ping + o.timeout() }

// soak is one run: the generator's side of it. Its counters are safe for concurrent use.
type soak struct {
	options
	addr    string
	http    *http.Client
	dialing chan struct{} // how many open a connection at a time

	healthy   class
	recovered class // on connections that had taken up a lost one's session
	stalled   class // that read again
	cutOff    class // what these miss they may miss

	open         atomic.Int64 // connections now
	turnedAway   atomic.Int64 // for want of room, with a Retry-After
	lives        atomic.Int64
	sent         atomic.Int64 // events of healthy clients that were answered
	latency      histogram.Histogram
	recoveries   atomic.Int64
	begunAnew    atomic.Int64
	tooEarly     atomic.Int64 // of those, while the session ought to have been there
	hostileEnded atomic.Int64

	mu       sync.Mutex
	pauses   pauses
	problems map[string]int
	order    []string // of the problems, as they came first
}

// dialers is how many connections are opened at the same time, at most.
const dialers = 32

func newSoak(o options, addr string) *soak {
	return &soak{
		options: o,
		addr:    addr,
		http: &http.Client{Transport: &http.Transport{
			MaxIdleConnsPerHost: 4 * o.Clients, IdleConnTimeout: o.Ping / 2, DisableCompression: true,
		}},
		dialing:  make(chan struct{}, dialers),
		problems: map[string]int{},
	}
}

func (s *soak) classes() []*class {
	s.healthy.name, s.recovered.name, s.stalled.name, s.cutOff.name = "healthy", "recovered", "stalled", "cut off"
	return []*class{&s.healthy, &s.recovered, &s.stalled, &s.cutOff}
}

func (s *soak) rooms() int { return max(s.Clients/20, 2) }

// problem notes what must not be: a healthy client was closed, a wrong answer came.
func (s *soak) problem(kind string, err error) {
	text := fmt.Sprintf("%s: %v", kind, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problems[text] == 0 {
		s.order = append(s.order, text)
	}
	s.problems[text]++
}

// drive has all clients live until ctx ends, and returns when all have gone.
func (s *soak) drive(ctx context.Context) {
	var group sync.WaitGroup
	for slot := range s.Clients {
		group.Go(func() {
			l := &life{soak: s, slot: slot, rand: rand.New(rand.NewPCG(s.Seed, uint64(slot)))}
			l.run(ctx)
		})
	}
	group.Wait()
	s.http.CloseIdleConnections()
}

// outcome is what a run has come to.
type outcome struct {
	baseline, worst, final stats // worst has the most of each
	took                   time.Duration
	idle                   time.Duration // until all was as in the beginning
}

// run starts a server, soaks it, and writes what it sees.
func run(ctx context.Context, o options, out, log io.Writer) (ok bool, err error) {
	server, err := startServer(serverOptions{Ping: o.Ping, Timeout: o.timeout(), Patience: 5 * o.Ping, Keep: o.Keep, MaxBuffered: bufferBound}, log)
	if err != nil {
		return false, err
	}
	defer func() {
		if ended := server.stop(); err == nil && ended != nil {
			ok, err = false, fmt.Errorf("the server's process: %w", ended)
		}
	}()
	s := newSoak(o, server.addr)
	result := outcome{}
	if err := s.warmUp(ctx, server); err != nil {
		return false, err
	}
	if result.baseline, err = settled(ctx, server); err != nil {
		return false, err
	}
	printHead(out, o, result.baseline)
	began := time.Now()
	stop := make(chan struct{})
	defer close(stop)
	go s.pauses.watch(stop)
	driving, cancel := context.WithTimeout(ctx, o.Duration)
	defer cancel()
	gone := make(chan struct{})
	go func() {
		s.drive(driving)
		close(gone)
	}()
	if err := s.watch(ctx, server, gone, &result, func(at time.Duration, now stats) { s.printLine(out, at, now) }); err != nil {
		cancel()
		<-gone
		return false, err
	}
	result.took = time.Since(began)
	if err := s.comeToRest(ctx, server, &result); err != nil {
		return false, err
	}
	return s.report(out, &result), nil
}

// warmUp has some clients come and go, so that what a server makes once is there.
func (s *soak) warmUp(ctx context.Context, server *process) error {
	o := s.options
	o.Clients, o.Duration = min(o.Clients, 100), 0
	w := newSoak(o, server.addr)
	var group sync.WaitGroup
	for slot := range o.Clients {
		group.Go(func() {
			l := &life{soak: w, slot: slot, rand: rand.New(rand.NewPCG(s.Seed+1, uint64(slot)))}
			m, err := l.member(&w.healthy, true)
			if err == nil {
				defer l.gone(m.client)
				err = l.leave(m, nil)
			}
			if err != nil {
				w.problem("warm-up", err)
			}
		})
	}
	group.Wait()
	w.http.CloseIdleConnections()
	for text := range w.problems {
		return fmt.Errorf("%s", text)
	}
	return ctx.Err()
}

// settled looks until nothing becomes less any more.
func settled(ctx context.Context, server *process) (stats, error) {
	last, err := server.stats(ctx, true)
	for err == nil {
		time.Sleep(500 * time.Millisecond)
		var now stats
		if now, err = server.stats(ctx, true); err == nil && now.Goroutines >= last.Goroutines && now.Open == 0 {
			return now, nil
		}
		last = now
	}
	return last, err
}

// watch looks at the server each second until the clients have gone, and tells now and
// then how it is.
func (s *soak) watch(ctx context.Context, server *process, gone <-chan struct{}, r *outcome, tell func(at time.Duration, now stats)) error {
	look := time.NewTicker(min(time.Second, s.Report))
	defer look.Stop()
	next := time.Now().Add(s.Report)
	began := time.Now()
	for {
		select {
		case <-gone:
			return nil
		case <-server.exited:
			return fmt.Errorf("the server's process ended: %v", server.err)
		case <-look.C:
		}
		told := time.Now().After(next)
		now, err := server.stats(context.WithoutCancel(ctx), told)
		if err != nil {
			return fmt.Errorf("ask the server how it is: %w", err)
		}
		r.worst.Goroutines = max(r.worst.Goroutines, now.Goroutines)
		r.worst.RSS = max(r.worst.RSS, now.RSS)
		r.worst.Open = max(r.worst.Open, now.Open)
		if told {
			r.worst.Heap = max(r.worst.Heap, now.Heap)
			tell(time.Since(began), now)
			next = next.Add(s.Report)
		}
	}
}

// comeToRest waits until the server is as it was, within the tolerance, or for as long as
// anything may be kept.
func (s *soak) comeToRest(ctx context.Context, server *process, r *outcome) error {
	began := time.Now()
	// A session is kept from when silence is noticed, and the log reaches back twice that
	// further.
	patience := 2*(s.Keep+3*s.notice()) + 10*time.Second
	for {
		now, err := server.stats(context.WithoutCancel(ctx), true)
		if err != nil {
			return fmt.Errorf("ask the server how it is: %w", err)
		}
		r.final, r.idle = now, time.Since(began)
		if atRest(r.baseline, now) == nil || r.idle > patience {
			return nil
		}
		time.Sleep(500 * time.Millisecond)
	}
}
