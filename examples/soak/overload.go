package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/parlor-go/parlor/examples/internal/histogram"
)

// What the server is allowed under overload: far less than what is asked of it.
const (
	overloadBuffered = 32 << 20
	calm             = 5 * time.Second // before the load, and after it, at most
)

// overload is a run in which twice as many clients come as there is room for, each asks
// for more than it takes, and those that are turned away come again at once.
type overload struct {
	*soak
	admitted, refused, silent atomic.Int64 // silent are refusals that do not say when to come again
	filled                    atomic.Int64 // bytes that were asked for
}

// runOverload starts a server, overloads it, and looks whether it bears that and whether
// it is as before when the load has gone.
func runOverload(ctx context.Context, o options, out, log io.Writer) (ok bool, err error) {
	server, err := startServer(serverOptions{
		Ping: o.Ping, Timeout: o.timeout(), Patience: 5 * o.Ping, Keep: o.Keep,
		MaxSessions: o.Clients, MaxBuffered: overloadBuffered,
	}, log)
	if err != nil {
		return false, err
	}
	defer func() {
		if ended := server.stop(); err == nil && ended != nil {
			ok, err = false, fmt.Errorf("the server's process: %w", ended)
		}
	}()
	v := &overload{soak: newSoak(o, server.addr)}
	if err := v.warmUp(ctx, server); err != nil {
		return false, err
	}
	r := outcome{}
	if r.baseline, err = settled(ctx, server); err != nil {
		return false, err
	}
	printHead(out, o, r.baseline)
	before, err := v.echoes(ctx)
	if err != nil {
		return false, fmt.Errorf("before the load: %w", err)
	}

	loading, cancel := context.WithTimeout(ctx, o.Duration)
	defer cancel()
	gone := make(chan struct{})
	go func() {
		v.load(loading)
		close(gone)
	}()
	if err := v.watch(ctx, server, gone, &r, func(at time.Duration, now stats) { v.printLine(out, at, now) }); err != nil {
		cancel()
		<-gone
		return false, err
	}
	// It is to recover by itself: what follows comes at once.
	ended := time.Now()
	after, err := v.recovered(ctx, before)
	if err != nil {
		return false, err
	}
	r.took = time.Since(ended)
	if err := v.comeToRest(ctx, server, &r); err != nil {
		return false, err
	}
	return v.report(out, &r, before, after), nil
}

// load has clients come until ctx ends.
func (v *overload) load(ctx context.Context) {
	var group sync.WaitGroup
	for slot := range 2 * v.Clients {
		group.Go(func() {
			l := &life{soak: v.soak, slot: slot, rand: rand.New(rand.NewPCG(v.Seed, uint64(slot)))}
			for ctx.Err() == nil {
				err := v.greedy(ctx, l)
				if refusal, ok := errors.AsType[*handshakeError](err); ok {
					v.refusal(refusal)
				}
				l.sleep(ctx, l.between(0, time.Second)) // sooner than it was asked to
			}
		})
	}
	group.Wait()
}

func (v *overload) refusal(e *handshakeError) {
	v.refused.Add(1)
	if e.status != http.StatusServiceUnavailable || e.retryAfter == "" {
		v.silent.Add(1)
		v.problem("refusal", e)
	}
}

// greedy comes, and asks for more and more. A third of those that do never read it.
func (v *overload) greedy(ctx context.Context, l *life) error {
	link, err := openWebSocket(v.addr)
	if err != nil {
		return err
	}
	v.admitted.Add(1)
	v.open.Add(1)
	c := newClient(link, &v.cutOff)
	defer l.gone(c)
	s, err := c.connect("/heavy", nil)
	if err != nil {
		return err
	}
	if l.slot%3 == 0 {
		link.shrink()
		c.hush()
	}
	for ctx.Err() == nil {
		const count = 16
		v.filled.Add(count * floodSize)
		if l.slot%3 == 0 {
			// It hears no answer.
			if err := link.send(message{data: fmt.Appendf(nil, `2/heavy,["fill",%d,%d]`, count, floodSize)}); err != nil {
				return err
			}
			l.sleep(ctx, 100*time.Millisecond)
			continue
		}
		if _, err := s.call(nil, "fill", count, floodSize); err != nil {
			return err
		}
	}
	return nil
}

// echoes measures what an echo takes for a few clients, which come for that.
func (v *overload) echoes(ctx context.Context) (*histogram.Counts, error) {
	var latency histogram.Histogram
	var group sync.WaitGroup
	failed := make(chan error, 10)
	ctx, cancel := context.WithTimeout(ctx, min(calm, v.Duration))
	defer cancel()
	for slot := range cap(failed) {
		group.Go(func() {
			l := &life{soak: v.soak, slot: slot, rand: rand.New(rand.NewPCG(v.Seed, uint64(slot)))}
			if err := v.echo(ctx, l, &latency); err != nil {
				failed <- err
			}
		})
	}
	group.Wait()
	if len(failed) > 0 {
		return nil, <-failed
	}
	return latency.Snapshot(), nil
}

func (v *overload) echo(ctx context.Context, l *life, latency *histogram.Histogram) error {
	link, err := openWebSocket(v.addr)
	if err != nil {
		return err
	}
	v.open.Add(1)
	c := newClient(link, &v.healthy)
	defer l.gone(c)
	s, err := c.connect("/", nil)
	for err == nil && ctx.Err() == nil {
		began := time.Now()
		_, err = s.call(nil, "echo", 1)
		latency.Add(time.Since(began))
		l.sleep(ctx, 5*time.Millisecond)
	}
	return err
}

// recovered measures echoes again until they take what they did before, or about.
func (v *overload) recovered(ctx context.Context, before *histogram.Counts) (*histogram.Counts, error) {
	deadline := time.Now().Add(v.notice() + 30*time.Second)
	for {
		after, err := v.echoes(ctx)
		refusal, refused := errors.AsType[*handshakeError](err)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case refused && time.Now().Before(deadline):
			v.refusal(refusal)
			time.Sleep(100 * time.Millisecond)
		case err != nil:
			return nil, fmt.Errorf("after the load: %w", err)
		case asBefore(before, after) || time.Now().After(deadline):
			return after, nil
		}
	}
}

// asBefore compares medians, roughly: the machine may have other things to do.
func asBefore(before, after *histogram.Counts) bool {
	return after.Quantile(0.5) <= 3*before.Quantile(0.5)+10*time.Millisecond
}

func (v *overload) printLine(out io.Writer, at time.Duration, now stats) {
	fmt.Fprintf(out, "%6s  clients %d  admitted %d  refused %d  goroutines %d  heap %s  rss %s  asked for %s\n",
		at.Round(time.Second), v.open.Load(), v.admitted.Load(), v.refused.Load(), now.Goroutines, mib(int64(now.Heap)), mib(now.RSS), mib(v.filled.Load()))
}

func (v *overload) report(out io.Writer, r *outcome, before, after *histogram.Counts) bool {
	w := tabwriter.NewWriter(out, 0, 8, 1, ' ', 0)
	row := func(what, format string, args ...any) {
		fmt.Fprintf(w, "| %s\t| %s\t|\n", what, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(out)
	row("overload", "%d clients where there is room for %d, for %v", 2*v.Clients, v.Clients, v.Duration)
	row("---", "---")
	row("admitted", "%s", thousands(v.admitted.Load()))
	row("refused with 503 and Retry-After, otherwise", "%s, %s", thousands(v.refused.Load()-v.silent.Load()), thousands(v.silent.Load()))
	row("asked for", "%s, where %s may wait", mib(v.filled.Load()), mib(overloadBuffered))
	for _, option := range slices.Sorted(maps.Keys(r.final.Exceeded)) {
		row("beyond "+option, "%s", thousands(int64(r.final.Exceeded[option])))
	}
	row("echo before, p50 / p99", "%.1f / %.1f ms", millis(before.Quantile(0.5)), millis(before.Quantile(0.99)))
	row("echo after, p50 / p99", "%.1f / %.1f ms", millis(after.Quantile(0.5)), millis(after.Quantile(0.99)))
	row("from the end of the load until echoes had been measured", "%v", r.took.Round(100*time.Millisecond))
	row("goroutines before, most, after", "%d, %d, %d", r.baseline.Goroutines, r.worst.Goroutines, r.final.Goroutines)
	row("heap before, most, after", "%s, %s, %s", mib(int64(r.baseline.Heap)), mib(int64(r.worst.Heap)), mib(int64(r.final.Heap)))
	row("resident before, most, bound", "%s, %s, %s", mib(r.baseline.RSS), mib(r.worst.RSS), mib(rssBound(v.Clients, overloadBuffered, r.baseline)))
	_ = w.Flush() // as out does

	wrong := []error{atRest(r.baseline, r.final)}
	if n := r.final.Errors; n > 0 {
		wrong = append(wrong, fmt.Errorf("errors in the server's log: %d", n))
	}
	if !asBefore(before, after) {
		wrong = append(wrong, errors.New("echoes take longer than before the load"))
	}
	if v.refused.Load() == 0 {
		wrong = append(wrong, errors.New("nobody was refused"))
	}
	if bound := rssBound(v.Clients, overloadBuffered, r.baseline); r.worst.RSS > bound && !raceDetector {
		wrong = append(wrong, fmt.Errorf("%s resident, more than %s", mib(r.worst.RSS), mib(bound)))
	}
	wrong = append(wrong, v.noted()...)
	return conclude(out, errors.Join(wrong...))
}
