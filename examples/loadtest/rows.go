package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parlor-go/parlor/examples/loadtest/internal/load"
)

// row is one subject of the comparison: it is measured in one go and drawn in
// one chart, or in one for each metric.
type row struct {
	name    string
	title   string
	cases   []testCase
	metrics []metric
	tls     bool // which only the servers in Go serve
}

// testCase is one measurement, for which a server is started.
type testCase struct {
	label    string // among the cases of the row; "" if it is the only one
	scenario string
	clients  int
	window   int
	hold     time.Duration // in place of -duration
	ping     time.Duration // 0 means the server's default
}

// metric is what is compared of a result.
type metric struct {
	name  string // of a figure, or "p50"; "" is the CPU per event
	title string
	unit  string
}

var cpuPerEvent = metric{title: "server CPU", unit: "µs"}

func (m metric) of(r load.Result) (float64, error) {
	if m.name == "" {
		if r.Server == nil {
			return 0, fmt.Errorf("%s: CPU of the server is not available", r.Scenario)
		}
		return r.Server.CPU, nil
	}
	if m.name == "p50" {
		return r.P50, nil
	}
	v, ok := r.Figure(m.name)
	if !ok {
		return 0, fmt.Errorf("%s: no figure is called %q: %s", r.Scenario, m.name, strings.Join(r.Notes, "; "))
	}
	return v, nil
}

func allRows() []row {
	one := func(name, title, scenario string, clients, window int) row {
		return row{name: name, title: title, metrics: []metric{cpuPerEvent},
			cases: []testCase{{scenario: scenario, clients: clients, window: window}}}
	}
	overTLS := func(r row) row {
		r.name, r.title, r.tls = r.name+"-tls", r.title+", over TLS", true
		return r
	}
	echo1 := one("echo-1", "echo with ack, W=1", "echo", 100, 1)
	echo16 := one("echo-16", "echo with ack, W=16", "echo", 100, 16)
	broadcast := one("broadcast-1k", "broadcast to 1,000, W=4, per delivery", "broadcast", 1000, 4)
	growth := row{name: "growth", title: "broadcast by receivers, W=4, per delivery", metrics: []metric{cpuPerEvent}}
	for _, receivers := range []int{100, 1000, 10_000, 19_000} {
		growth.cases = append(growth.cases, testCase{
			label: thousands(receivers) + " receivers", scenario: "broadcast", clients: receivers, window: 4})
	}
	return []row{
		echo1,
		one("raw-1", "echo with ack, not decoded, W=1", "raw", 100, 1),
		echo16,
		one("raw-16", "echo with ack, not decoded, W=16", "raw", 100, 16),
		one("binary", "attachment of 4 KiB and back, W=1", "binary", 100, 1),
		one("polling", "long polling: POST an event, GET its ack", "polling", 100, 1),
		one("life", "connect, join, echo, leave", "life", 100, 0),
		broadcast,
		one("broadcast-10k", "broadcast to 10,000, W=4, per delivery", "broadcast", 10_000, 4),
		one("broadcast-1k-1", "broadcast to 1,000, W=1, per delivery", "broadcast", 1000, 1),
		one("rooms", "100 rooms of 100, W=32, per delivery", "rooms", 10_000, 32),
		{
			name: "idle", title: "10,000 idle clients",
			// Two heartbeats of everybody.
			cases: []testCase{{scenario: "idle", clients: 10_000, hold: 10 * time.Second, ping: 5 * time.Second}},
			metrics: []metric{
				{"rss_per_client", "memory per client", "KiB"},
				{"cpu_per_accept", "CPU per accept", "µs"},
				{"cpu_per_heartbeat", "CPU per heartbeat", "µs"},
			},
		},
		growth,
		{
			name: "beside", title: "an emit to one while 10,000 get broadcasts, W=1",
			cases:   []testCase{{scenario: "beside", clients: 10_000, window: 1}},
			metrics: []metric{{"p50", "median latency", "ms"}},
		},
		overTLS(echo1),
		overTLS(echo16),
		overTLS(broadcast),
	}
}

// chooseRows picks rows by name, all if names is empty.
func chooseRows(names string) ([]row, error) {
	all := allRows()
	if names == "" {
		return all, nil
	}
	var known []string
	for _, r := range all {
		known = append(known, r.name)
	}
	var chosen []row
	for name := range strings.SplitSeq(names, ",") {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, fmt.Errorf("no row is called %q: want some of %s", name, strings.Join(known, ","))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
