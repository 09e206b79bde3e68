// Command soak keeps thousands of clients at a server for a while, checks what each is
// told, and looks at what is left of them. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if server, err := beServer(); server {
		exit(true, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	if err != nil {
		exit(false, err)
	}
	if o.Overload {
		exit(runOverload(ctx, o, os.Stdout, os.Stderr))
	}
	exit(run(ctx, o, os.Stdout, os.Stderr))
}

func exit(ok bool, err error) {
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	case !ok:
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.IntVar(&o.Clients, "clients", 2000, "how many live at a time")
	flags.DurationVar(&o.Duration, "duration", 3*time.Minute, "how long")
	flags.Float64Var(&o.Rate, "rate", 0.2, "what each client says, a second")
	flags.DurationVar(&o.Ping, "ping", 2*time.Second, "the heartbeat's interval; its timeout is four times that")
	flags.DurationVar(&o.Keep, "keep", 10*time.Second, "how long a lost session is kept")
	flags.Uint64Var(&o.Seed, "seed", 1, "of what the clients do")
	flags.DurationVar(&o.Report, "report", 10*time.Second, "between two lines")
	flags.BoolVar(&o.Overload, "overload", false, "twice as many clients as there is room for, who ask for more than they take")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("soak takes no arguments, got %q", flags.Args())
	case o.Clients < 1 || o.Clients > 100_000:
		return o, fmt.Errorf("-clients %d: want 1 to 100000", o.Clients)
	case o.Duration < time.Second || o.Ping < 100*time.Millisecond || o.Keep < time.Second || o.Report <= 0:
		return o, errors.New("-duration and -keep have to be at least 1s, -ping 100ms, -report more than 0")
	case o.Rate <= 0 || o.Rate > 1000:
		return o, fmt.Errorf("-rate %v: want more than 0, up to 1000", o.Rate)
	}
	return o, nil
}
