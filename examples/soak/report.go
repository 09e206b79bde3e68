package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// What may be left when all have gone: the runtime's own goroutines come and go, and a
// heap that is collected has pools and maps that do not shrink.
const (
	spareGoroutines = 4
	spareHeap       = 4 << 20
)

// atRest says what is there that was not.
func atRest(before, now stats) error {
	switch {
	case now.Open > 0:
		return fmt.Errorf("%d sockets had no OnDisconnect", now.Open)
	case now.Goroutines > before.Goroutines+spareGoroutines:
		return fmt.Errorf("%d goroutines are left, of which %d were there before", now.Goroutines, before.Goroutines)
	case now.Heap > before.Heap+spareHeap:
		return fmt.Errorf("%s of heap are left, of which %s were there before", mib(int64(now.Heap)), mib(int64(before.Heap)))
	case now.Recovery.Kept > 0:
		return fmt.Errorf("%d lost sessions are kept", now.Recovery.Kept)
	}
	return nil
}

// rssBound is what the server's resident set must not exceed. The collector lets the heap
// grow to twice what is live: what each client costs that is talking, what waits for
// those that stall, and the logs of the namespaces.
func rssBound(clients int, buffered int64, baseline stats) int64 {
	live := int64(clients)*clientCost + buffered + 2*logBound
	return baseline.RSS + 2*live
}

// clientCost is that of a client that is talking: its stacks, buffers of one that reads and
// of one that works, and a piece of 64 KiB that is being written.
const clientCost = 96 << 10

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func printHead(out io.Writer, o options, baseline stats) {
	fmt.Fprintf(out, "%d clients for %v, ping interval %v and timeout %v, sessions kept for %v, seed %d\n",
		o.Clients, o.Duration, o.Ping, o.timeout(), o.Keep, o.Seed)
	fmt.Fprintf(out, "before: %d goroutines, %s of heap, %s resident\n", baseline.Goroutines, mib(int64(baseline.Heap)), mib(baseline.RSS))
}

func (s *soak) printLine(out io.Writer, at time.Duration, now stats) {
	latency := s.latency.Snapshot()
	var received, lost, duplicated, missing int64
	for _, k := range s.classes()[:3] {
		received += k.received.Load()
		lost += k.lost.Load()
		duplicated += k.duplicated.Load()
		missing += k.missing.Load()
	}
	fmt.Fprintf(out, "%6s  clients %d  goroutines %d  heap %s  rss %s  sent %d  received %d  lost %d  duplicated %d  no ack %d  recovered %d  echo %.1f/%.1f ms\n",
		at.Round(time.Second), s.open.Load(), now.Goroutines, mib(int64(now.Heap)), mib(now.RSS), s.sent.Load(), received, lost, duplicated, missing,
		s.recoveries.Load(), millis(latency.Quantile(0.5)), millis(latency.Quantile(0.99)))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// report writes the table and the verdict.
func (s *soak) report(out io.Writer, r *outcome) bool {
	w := tabwriter.NewWriter(out, 0, 8, 1, ' ', 0)
	row := func(what string, format string, args ...any) {
		fmt.Fprintf(w, "| %s\t| "+format+"\t|\n", append([]any{what}, args...)...)
	}
	fmt.Fprintln(out)
	row("soak", "%v with %d clients", r.took.Round(time.Second), s.Clients)
	row("---", "---")
	row("lives, connections turned away for a while", "%s, %s", thousands(s.lives.Load()), thousands(s.turnedAway.Load()))
	row("events of clients, answered", "%s", thousands(s.sent.Load()))
	for _, k := range s.classes()[:3] {
		row("messages to "+k.name+" clients", "%s", thousands(k.received.Load()))
		row("... lost, twice; answers missing", "%s, %s; %s", thousands(k.lost.Load()), thousands(k.duplicated.Load()), thousands(k.missing.Load()))
	}
	row("sessions recovered, begun anew (too early)", "%s, %s (%s)", thousands(s.recoveries.Load()), thousands(s.begunAnew.Load()), thousands(s.tooEarly.Load()))
	row("missed by those that began anew", "%s", thousands(s.cutOff.lost.Load()))
	row("hostile connections, all closed by the server", "%s", thousands(s.hostileEnded.Load()))
	row("OnConnect; those without OnDisconnect", "%s; %s", thousands(r.final.Connects), thousands(r.final.Unpaired+int64(r.final.Open)))
	for _, reason := range slices.Sorted(maps.Keys(r.final.Reasons)) {
		row("OnDisconnect, "+string(reason), "%s", thousands(r.final.Reasons[reason]))
	}
	for _, option := range slices.Sorted(maps.Keys(r.final.Exceeded)) {
		row("beyond "+option, "%s", thousands(int64(r.final.Exceeded[option])))
	}
	latency := s.latency.Snapshot()
	row("echo, p50 / p99", "%.1f / %.1f ms", millis(latency.Quantile(0.5)), millis(latency.Quantile(0.99)))
	row("longest pause of generator, server", "%.0f, %.0f ms", millis(s.pauses.load()), millis(r.final.Pause))
	row("goroutines before, most, after", "%s, %s, %s", thousands(int64(r.baseline.Goroutines)), thousands(int64(r.worst.Goroutines)), thousands(int64(r.final.Goroutines)))
	row("heap before, most, after", "%s, %s, %s", mib(int64(r.baseline.Heap)), mib(int64(r.worst.Heap)), mib(int64(r.final.Heap)))
	row("heap left of each life", "%d bytes", (int64(r.final.Heap)-int64(r.baseline.Heap))/max(s.lives.Load(), 1))
	row("resident before, most, bound", "%s, %s, %s", mib(r.baseline.RSS), mib(r.worst.RSS), mib(rssBound(s.Clients, bufferBound, r.baseline)))
	row("at rest after", "%v", r.idle.Round(100*time.Millisecond))
	_ = w.Flush() // as out does
	return conclude(out, s.verdict(r))
}

func conclude(out io.Writer, err error) bool {
	if err != nil {
		fmt.Fprintf(out, "\nFAILED\n%v\n", err)
		return false
	}
	fmt.Fprintf(out, "\nok\n")
	return true
}

// verdict is everything that must not be.
func (s *soak) verdict(r *outcome) error {
	var wrong []error
	none := func(n int64, what string) {
		if n != 0 {
			wrong = append(wrong, fmt.Errorf("%s: %d", what, n))
		}
	}
	for _, k := range s.classes()[:3] {
		none(k.lost.Load(), "messages that "+k.name+" clients lost")
		none(k.duplicated.Load(), "messages that "+k.name+" clients got twice, or in another order")
		none(k.missing.Load(), "answers that "+k.name+" clients did not get")
	}
	none(s.tooEarly.Load(), "sessions that were given up too early")
	none(r.final.Unpaired, "OnConnect and OnDisconnect that make no pair")
	none(r.final.OutOfTurn, "messages of clients that came out of turn")
	none(r.final.Errors, "errors in the server's log")
	wrong = append(wrong, atRest(r.baseline, r.final))
	if bound := rssBound(s.Clients, bufferBound, r.baseline); r.worst.RSS > bound && !raceDetector {
		wrong = append(wrong, fmt.Errorf("%s resident, more than %s", mib(r.worst.RSS), mib(bound)))
	}
	return errors.Join(append(wrong, s.noted()...)...)
}

// noted are the problems.
func (s *soak) noted() (list []error) {
	const enough = 20
	for _, text := range s.order[:min(len(s.order), enough)] {
		list = append(list, fmt.Errorf("%d times: %s", s.problems[text], text))
	}
	if more := len(s.order) - enough; more > 0 {
		list = append(list, fmt.Errorf("and %d other problems", more))
	}
	return list
}

// thousands writes n as 1,234,567.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
