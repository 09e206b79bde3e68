package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parlor-go/parlor/examples/loadtest/internal/load"
)

// comparison measures servers beside each other: each measurement with a fresh
// process, rounds of all servers in turn, and each round with another first one.
type comparison struct {
	rounds    int
	duration  time.Duration
	warmup    time.Duration
	servers   []*contender
	generator string   // this program, which is started anew for each measurement
	pinServer []string // in front of the server's command
	pinLoad   []string // in front of the generator's
	log       io.Writer
}

// measured is a row with its results: by case, then server, then round.
type measured struct {
	row
	servers []string
	results [][][]load.Result
	errors  []string
}

func compare(ctx context.Context, args []string, out io.Writer) error {
	c := comparison{log: os.Stderr}
	flags := flag.NewFlagSet("loadtest compare", flag.ContinueOnError)
	flags.IntVar(&c.rounds, "rounds", 3, "of which the medians are shown")
	flags.DurationVar(&c.duration, "duration", 3*time.Second, "of one measurement")
	flags.DurationVar(&c.warmup, "warmup", time.Second, "what goes before that")
	servers := flags.String("servers", "gws,parlor,node,flask", "which to compare; ratios are to gws, or else to the first")
	rows := flags.String("rows", "", "which rows to measure, separated by commas (default all)")
	dir := flags.String("out", "", "the folder for results.json and the charts; \"\" is none")
	venv := flags.String("venv", "", "the virtual environment for flask (default in the user's cache)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || c.rounds < 1 || c.duration <= 0 {
		return fmt.Errorf("compare takes flags only, and -rounds and -duration have to be positive")
	}
	chosen, err := chooseRows(*rows)
	if err != nil {
		return err
	}
	if c.servers, err = chooseContenders(*servers); err != nil {
		return err
	}
	if err := load.RaiseFileLimit(); err != nil { // the servers inherit it
		return fmt.Errorf("raise the limit on open files: %w", err)
	}
	bin, err := os.MkdirTemp("", "loadtest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	if err := c.prepare(ctx, bin, *venv); err != nil {
		return err
	}
	var all []measured
	for _, r := range chosen {
		if ctx.Err() != nil {
			break // and show what there is
		}
		all = append(all, c.measure(ctx, r))
	}
	lines := allLines(all)
	if err := writeMarkdown(out, c.describe(), lines, all); err != nil {
		return err
	}
	if *dir == "" {
		return nil
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(*dir, "results.json"), c.describe(), lines, all); err != nil {
		return err
	}
	return writeCharts(*dir, c.rounds, all)
}

// prepare builds the servers, and decides where everything runs.
func (c *comparison) prepare(ctx context.Context, bin, venv string) error {
	var err error
	if c.generator, err = os.Executable(); err != nil {
		return err
	}
	taskset, err := exec.LookPath("taskset")
	switch {
	case err != nil:
		fmt.Fprintln(c.log, "taskset is not there: server and generator share all cores, and disturb each other")
	case runtime.NumCPU() < 2:
		fmt.Fprintln(c.log, "there is a single core: server and generator share it, and disturb each other")
	default:
		c.pinServer, c.pinLoad = []string{taskset, "-c", "0"}, []string{taskset, "-c", "1"}
	}
	b, err := newBuilder(ctx, bin, venv, c.log)
	if err != nil {
		return err
	}
	for _, s := range c.servers {
		if s.command, err = s.prepare(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// measure goes on when a server fails: the table will say so.
func (c *comparison) measure(ctx context.Context, r row) measured {
	m := measured{row: r}
	var servers []*contender
	for _, s := range c.servers {
		if s.tls || !r.tls {
			servers = append(servers, s)
			m.servers = append(m.servers, s.name)
		}
	}
	for range r.cases {
		m.results = append(m.results, make([][]load.Result, len(servers)))
	}
	for round := range c.rounds {
		for i, tc := range r.cases {
			for k := range servers {
				s := (k + round) % len(servers)
				if ctx.Err() != nil {
					return m
				}
				what := fmt.Sprintf("%s, round %d, %s", strings.TrimSpace(r.name+" "+tc.label), round+1, servers[s].name)
				result, err := c.once(ctx, servers[s], tc, r.tls)
				if err != nil {
					fmt.Fprintf(c.log, "%s: %v\n", what, err)
					m.errors = append(m.errors, fmt.Sprintf("%s: %v", what, err))
					continue
				}
				m.results[i][s] = append(m.results[i][s], result)
				fmt.Fprintf(c.log, "%s: %s\n", what, summary(r, result))
			}
		}
	}
	return m
}

func summary(r row, result load.Result) string {
	var s string
	for _, m := range r.metrics {
		if v, err := m.of(result); err == nil {
			s += fmt.Sprintf("%s %s %s; ", m.title, short(v), m.unit)
		}
	}
	return s + fmt.Sprintf("generator %s µs, %.0f events/s", short(result.Generator), result.Rate)
}

// patience is what a measurement may take beyond its duration: connecting 19,000
// clients to the slowest server.
const patience = 90 * time.Second

// once measures one case of one server.
func (c *comparison) once(ctx context.Context, s *contender, tc testCase, secure bool) (load.Result, error) {
	server, err := s.start(ctx, c.pinServer, tc.ping, secure)
	if err != nil {
		return load.Result{}, err
	}
	defer server.stop()
	duration := c.duration
	if tc.hold > 0 {
		duration = tc.hold
	}
	scheme := "http"
	if secure {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, c.warmup+duration+patience)
	defer cancel()
	command := slices.Concat(c.pinLoad, []string{c.generator, "-json",
		"-url", scheme + "://" + server.addr,
		"-pid", strconv.Itoa(server.cmd.Process.Pid),
		"-clients", strconv.Itoa(tc.clients),
		"-window", strconv.Itoa(max(tc.window, 1)),
		"-duration", duration.String(),
		"-warmup", c.warmup.String(),
		tc.scenario})
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return load.Result{}, fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	var result load.Result
	if err := json.Unmarshal(out, &result); err != nil {
		return load.Result{}, fmt.Errorf("read the generator's result: %w", err)
	}
	return result, ctx.Err() // one that was cut short would not compare
}
