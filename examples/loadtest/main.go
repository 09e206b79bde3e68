// Command loadtest drives a Socket.IO server, checks every answer and says what
// that cost; its command compare does so with several servers, one beside the
// other. See README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/parlor-go/parlor/examples/loadtest/internal/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) > 1 && os.Args[1] == "compare" {
		err = compare(ctx, os.Args[2:], os.Stdout)
	} else {
		err = drive(ctx, os.Args[1:], os.Stdout)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

// drive runs scenarios against a server that is there already.
func drive(ctx context.Context, args []string, out io.Writer) error {
	o, asJSON, names, err := parse(args)
	if err != nil {
		return err
	}
	if err := load.RaiseFileLimit(); err != nil {
		return fmt.Errorf("raise the limit on open files: %w", err)
	}
	var results []load.Result
	var failure error
	for _, name := range names {
		result, err := load.Run(ctx, name, o)
		if err != nil {
			failure = err // to be shown below what was measured before it
			break
		}
		results = append(results, result)
		if ctx.Err() != nil {
			break
		}
	}
	if err := printResults(out, results, asJSON); err != nil {
		return err
	}
	return failure
}

func parse(args []string) (o load.Options, asJSON bool, names []string, err error) {
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	flags.StringVar(&o.URL, "url", "http://127.0.0.1:3000", "the server; the certificate of an https:// or wss:// is not verified")
	flags.StringVar(&o.Path, "path", "/socket.io/", "of the Engine.IO endpoint")
	flags.IntVar(&o.Clients, "clients", 100, "how many are connected")
	flags.IntVar(&o.Window, "window", 1, "events under way: for each client, or in all for broadcast and rooms")
	flags.IntVar(&o.Rooms, "rooms", 100, "for the scenario rooms")
	flags.IntVar(&o.Size, "size", 4096, "of binary's attachment, in `bytes`")
	flags.IntVar(&o.Threads, "threads", 1, "of the generator, on Linux and without TLS")
	flags.DurationVar(&o.Duration, "duration", 3*time.Second, "how long to measure")
	flags.DurationVar(&o.Warmup, "warmup", time.Second, "what goes before that")
	flags.Int64Var(&o.Events, "events", 0, "measure so many events in place of a duration, without a warm-up")
	flags.DurationVar(&o.Timeout, "timeout", 10*time.Second, "for connecting, and without any answer")
	flags.IntVar(&o.PID, "pid", 0, "the server's process on this machine: its CPU and memory are shown")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a scenario")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "usage: loadtest [flags] [scenario...]\n       loadtest compare [flags]\nscenarios: %s (default echo)\n",
			strings.Join(load.Scenarios(), ", "))
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, false, nil, err
	}
	if names = flags.Args(); len(names) == 0 {
		names = []string{"echo"}
	}
	for _, name := range names {
		if !slices.Contains(load.Scenarios(), name) {
			return o, false, nil, fmt.Errorf("no scenario is called %q (flags go before scenarios): want some of %s",
				name, strings.Join(load.Scenarios(), ", "))
		}
	}
	return o, asJSON, names, nil
}

func printResults(out io.Writer, results []load.Result, asJSON bool) error {
	if !asJSON {
		return printTable(out, results)
	}
	for _, r := range results {
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return err
		}
	}
	return nil
}
