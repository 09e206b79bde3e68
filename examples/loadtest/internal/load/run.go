// Package load drives a Socket.IO server over real connections and checks every
// answer. A wrong answer ends the run: a figure always belongs to right ones.
package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parlor-go/parlor/examples/internal/histogram"
)

var scenarios = map[string]func(*run, context.Context) (Result, error){
	"echo":      (*run).echo,
	"raw":       (*run).raw,
	"binary":    (*run).binary,
	"polling":   (*run).polling,
	"life":      (*run).life,
	"broadcast": (*run).broadcast,
	"beside":    (*run).beside,
	"rooms":     (*run).rooms,
	"idle":      (*run).idle,
	"vanish":    (*run).vanish,
}

// Scenarios lists the names that Run knows.
func Scenarios() []string { return slices.Sorted(maps.Keys(scenarios)) }

// Run drives one scenario. When ctx ends early it returns what was measured up
// to then.
func Run(ctx context.Context, scenario string, o Options) (Result, error) {
	serve, ok := scenarios[scenario]
	if !ok {
		return Result{}, fmt.Errorf("no scenario is called %q: want one of %q", scenario, Scenarios())
	}
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return Result{}, err
	}
	t, err := newTarget(o.URL, o.Path, scenario == "idle")
	if err != nil {
		return Result{}, err
	}
	r := &run{Options: o, scenario: scenario, target: t, flow: newFlow(o.Events)}
	result, err := serve(r, ctx)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", scenario, err)
	}
	result.Scenario, result.Clients = scenario, o.Clients
	return result, nil
}

type run struct {
	Options
	scenario string
	target   *target
	flow     *flow
	pings    atomic.Int64
}

// reading is the state of everything that is measured, at one moment.
type reading struct {
	at       time.Time
	answered int64
	latency  *histogram.Counts
	server   usage
	own      time.Duration
}

func (r *run) read() (reading, error) {
	now := reading{at: time.Now(), answered: r.flow.answered.Load(), latency: r.flow.latency.Snapshot(), own: ownCPU()}
	if r.PID == 0 {
		return now, nil
	}
	var err error
	now.server, err = readUsage(r.PID)
	return now, err
}

// measure calls start, which sets events going, and takes figures between the
// end of the warm-up and the end of the duration. It returns when all events
// that began are answered.
func (r *run) measure(ctx context.Context, start func() error) (Result, error) {
	before, err := r.read()
	if err != nil {
		return Result{}, err
	}
	if err := start(); err != nil {
		return Result{}, err
	}
	if r.Events == 0 {
		if err := r.wait(ctx, r.Warmup, nil); err != nil {
			return Result{}, err
		}
		if before, err = r.read(); err != nil {
			return Result{}, err
		}
		err = r.wait(ctx, r.Duration, nil)
	} else {
		err = r.wait(ctx, 0, r.flow.drained)
	}
	if err != nil {
		return Result{}, err
	}
	after, err := r.read()
	if err != nil {
		return Result{}, err
	}
	r.flow.stop()
	if err := r.wait(context.WithoutCancel(ctx), 0, r.flow.drained); err != nil {
		return Result{}, err
	}
	return r.between(before, after), nil
}

func (r *run) between(before, after reading) Result {
	events, took := after.answered-before.answered, after.at.Sub(before.at)
	latency := after.latency.Minus(before.latency)
	result := Result{
		Window:    r.Window,
		Events:    events,
		Seconds:   took.Seconds(),
		Rate:      float64(events) / took.Seconds(),
		P50:       millis(latency.Quantile(0.5)),
		P99:       millis(latency.Quantile(0.99)),
		Generator: micros(after.own-before.own, events),
	}
	if r.PID != 0 {
		user, system := after.server.user-before.server.user, after.server.system-before.server.system
		result.Server = &Cost{
			CPU:    micros(user+system, events),
			User:   micros(user, events),
			System: micros(system, events),
			RSS:    float64(after.server.rss) / mib,
		}
	}
	return result
}

// wait returns after d, or when done is closed; d of 0 is no bound. It fails when
// a client fails, and when nothing is answered for the timeout.
func (r *run) wait(ctx context.Context, d time.Duration, done <-chan struct{}) error {
	var end <-chan time.Time
	if d > 0 {
		end = time.After(d)
	}
	answered := r.flow.answered.Load()
	silence := time.NewTicker(r.Timeout)
	defer silence.Stop()
	for {
		select {
		case err := <-r.flow.failure:
			return err
		case <-done:
			return nil
		case <-end:
			return nil
		case <-ctx.Done():
			return nil
		case <-silence.C:
			now := r.flow.answered.Load()
			if now == answered && r.flow.underway.Load() > 0 {
				return fmt.Errorf("nothing was answered for %v; events under way: %d, answers before: %d",
					r.Timeout, r.flow.underway.Load(), now)
			}
			answered = now
		}
	}
}

// dialers is how many connections are opened at the same time: enough to keep a
// server busy, too few to overflow its queue.
const dialers = 16

// each calls f for the clients 0 to Clients-1, some beside each other, and
// returns the first error.
func (r *run) each(ctx context.Context, f func(id int) error) error {
	var (
		group sync.WaitGroup
		next  atomic.Int64
		first = make(chan error, dialers)
	)
	for range min(dialers, r.Clients) {
		group.Go(func() {
			for len(first) == 0 {
				id := int(next.Add(1)) - 1
				if id >= r.Clients {
					return
				}
				if ctx.Err() != nil {
					first <- errors.New("interrupted while connecting")
					return
				}
				if err := f(id); err != nil {
					first <- fmt.Errorf("client %d: %w", id, err)
					return
				}
			}
		})
	}
	group.Wait()
	select {
	case err := <-first:
		return err
	default:
		return nil
	}
}

// steady connects all clients, gives them to a driver and measures what start
// sets going. prepare is called for each between the two.
func (r *run) steady(ctx context.Context, prepare func(s *session, c *client) error, start func(clients []*client) error) (Result, error) {
	d, err := newDriver(r.Threads, r.target.secure, r.flow.fail)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	clients := make([]*client, r.Clients)
	err = r.each(ctx, func(id int) error {
		s, err := r.target.connect(time.Now().Add(r.Timeout))
		if err != nil {
			return err
		}
		c := &client{id: id, pings: &r.pings}
		clients[id] = c
		if err := prepare(s, c); err != nil {
			s.conn.Close()
			return err
		}
		return s.handOver(d, c)
	})
	if err != nil {
		return Result{}, err
	}
	return r.measure(ctx, func() error { return start(clients) })
}
