package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// line is one line of the table: a metric of one case, for each server.
type line struct {
	Row     string `json:"row"`
	Title   string `json:"title"`
	Unit    string `json:"unit"`
	Cells   []cell `json:"servers"`
	ofCase  string
	metric  metric
	compact string // the title without its case
}

type cell struct {
	Server string  `json:"server"`
	Median float64 `json:"median"`
	Ratio  float64 `json:"ratio,omitempty"` // to gws, or to the first server
	Spread float64 `json:"spread"`          // (max - min) / median
	Values sample  `json:"values"`          // by round; none if it failed
	P50    float64 `json:"p50_ms,omitempty"`
	P99    float64 `json:"p99_ms,omitempty"`
	Rate   float64 `json:"events_per_second,omitempty"`
}

// reference is the server that others are compared with.
const reference = "gws"

func allLines(all []measured) []line {
	var lines []line
	for _, m := range all {
		lines = append(lines, m.lines()...)
	}
	return lines
}

func (m measured) lines() []line {
	if len(m.servers) == 0 { // none of those chosen serves TLS
		return nil
	}
	var lines []line
	for i, tc := range m.cases {
		for _, metric := range m.metrics {
			l := line{Row: m.name, Title: m.title, Unit: metric.unit, ofCase: tc.label, metric: metric}
			if len(m.metrics) > 1 {
				l.Title += ", " + metric.title
			}
			l.compact = l.Title
			if tc.label != "" {
				l.Title += ": " + tc.label
			}
			for s, name := range m.servers {
				l.Cells = append(l.Cells, m.cell(i, s, name, metric))
			}
			l.compareTo()
			lines = append(lines, l)
		}
	}
	return lines
}

func (m measured) cell(i, s int, name string, metric metric) cell {
	c := cell{Server: name}
	var p50, p99, rate sample
	for _, r := range m.results[i][s] {
		if v, err := metric.of(r); err == nil {
			c.Values = append(c.Values, v)
			p50, p99, rate = append(p50, r.P50), append(p99, r.P99), append(rate, r.Rate)
		}
	}
	c.Median, c.Spread = c.Values.median(), c.Values.spread()
	c.P50, c.P99, c.Rate = p50.median(), p99.median(), rate.median()
	return c
}

func (l *line) compareTo() {
	base := l.Cells[0].Values
	for _, c := range l.Cells {
		if c.Server == reference {
			base = c.Values
		}
	}
	for i := range l.Cells {
		l.Cells[i].Ratio = l.Cells[i].Values.ratio(base)
	}
}

// setting is what figures were taken on and how.
type setting struct {
	Date     string `json:"date"`
	Go       string `json:"go"`
	System   string `json:"system"`
	CPU      string `json:"cpu,omitempty"`
	Cores    int    `json:"cores"`
	Pinned   bool   `json:"pinned"`
	Rounds   int    `json:"rounds"`
	Duration string `json:"duration"`
}

func (c *comparison) describe() setting {
	s := setting{
		Date:     time.Now().UTC().Format(time.DateOnly),
		Go:       runtime.Version(),
		System:   runtime.GOOS + "/" + runtime.GOARCH,
		Cores:    runtime.NumCPU(),
		Pinned:   c.pinServer != nil,
		Rounds:   c.rounds,
		Duration: c.duration.String(),
	}
	if release, err := exec.Command("uname", "-sr").Output(); err == nil {
		s.System += ", " + strings.TrimSpace(string(release))
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, model, _ := strings.Cut(string(info), "model name")
		model, _, _ = strings.Cut(model, "\n")
		s.CPU = strings.TrimLeft(model, "\t :")
	}
	return s
}

func (s setting) String() string {
	where := "not pinned"
	if s.Pinned {
		where = "server pinned to core 0, generator to core 1"
	}
	return fmt.Sprintf("%s, %s, %s, %d cores, %s; %s; a fresh server for each measurement of %s; medians of %s.",
		s.Date, s.Go, s.System, s.Cores, s.CPU, where, s.Duration, rounds(s.Rounds))
}

func writeMarkdown(w io.Writer, s setting, lines []line, all []measured) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nServer CPU (user and system) per event unless the row says otherwise. In parentheses the ratio to %s, then the spread (max-min)/median.\n\n", s, reference)
	servers := serverNames(lines)
	table(&b, servers, lines, func(l line, c cell) string {
		return fmt.Sprintf("%s %s (%.2fx, %.0f %%)", short(c.Median), l.Unit, c.Ratio, 100*c.Spread)
	})
	b.WriteString("\nLatency p50 / p99 in ms (broadcasts: from sending to the last delivery) and events per second, of the same runs.\n\n")
	var timed []line
	for _, l := range lines {
		if l.metric == cpuPerEvent {
			timed = append(timed, l)
		}
	}
	table(&b, servers, timed, func(_ line, c cell) string {
		return fmt.Sprintf("%s / %s, %s/s", short(c.P50), short(c.P99), thousands(int(c.Rate)))
	})
	for _, m := range all {
		for _, e := range m.errors {
			fmt.Fprintf(&b, "\nFailed: %s\n", e)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func serverNames(lines []line) []string {
	var names []string
	for _, l := range lines {
		for _, c := range l.Cells {
			if !slices.Contains(names, c.Server) {
				names = append(names, c.Server)
			}
		}
	}
	return names
}

func table(b *strings.Builder, servers []string, lines []line, show func(line, cell) string) {
	fmt.Fprintf(b, "| what | %s |\n|---%s|\n", strings.Join(servers, " | "), strings.Repeat("|---", len(servers)))
	for _, l := range lines {
		fmt.Fprintf(b, "| %s |", l.Title)
		for _, name := range servers {
			fmt.Fprintf(b, " %s |", l.text(name, show))
		}
		b.WriteByte('\n')
	}
}

func (l line) text(server string, show func(line, cell) string) string {
	for _, c := range l.Cells {
		switch {
		case c.Server != server:
		case len(c.Values) == 0:
			return "failed"
		default:
			return show(l, c)
		}
	}
	return "–"
}

func writeJSON(file string, s setting, lines []line, all []measured) error {
	failures := []string{}
	for _, m := range all {
		failures = append(failures, m.errors...)
	}
	data, err := json.MarshalIndent(struct {
		Setting  setting  `json:"setting"`
		Lines    []line   `json:"lines"`
		Failures []string `json:"failures"`
	}{s, lines, failures}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// writeCharts draws each row: its cases in one chart, its metrics in one each.
func writeCharts(dir string, count int, all []measured) error {
	for _, m := range all {
		charts := map[string]*chart{}
		var names []string
		for _, l := range m.lines() {
			name := strings.Trim(m.name+"-"+strings.ReplaceAll(l.metric.name, "_", "-"), "-")
			if charts[name] == nil {
				names = append(names, name)
				charts[name] = &chart{
					title: upperFirst(l.compact),
					about: fmt.Sprintf("%s in %s; lower is better; median and extremes of %s; in parentheses the ratio to %s",
						upperFirst(l.metric.title), l.Unit, rounds(count), reference),
				}
			}
			charts[name].groups = append(charts[name].groups, l.group())
		}
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name+".svg"), charts[name].svg(), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l line) group() group {
	g := group{label: l.ofCase}
	for _, c := range l.Cells {
		if len(c.Values) > 0 {
			g.bars = append(g.bars, bar{label: c.Server, values: c.Values,
				text: fmt.Sprintf("%s %s (%.2fx)", short(c.Median), l.Unit, c.Ratio)})
		}
	}
	return g
}

func rounds(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprintf("%d rounds", n)
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
