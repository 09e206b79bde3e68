package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/parlor-go/parlor/examples/loadtest/internal/load"
)

// printTable writes a table for people, then what only single scenarios have.
func printTable(out io.Writer, results []load.Result) error {
	if len(results) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "scenario\tclients\twindow\tevents\tevents/s\tp50 ms\tp99 ms\tCPU µs/event\tuser\tsystem\tRSS MiB\tgenerator µs\t")
	for _, r := range results {
		cost := "-\t-\t-\t-"
		if s := r.Server; s != nil {
			cost = fmt.Sprintf("%s\t%s\t%s\t%.1f", short(s.CPU), short(s.User), short(s.System), s.RSS)
		}
		latency := "-\t-"
		if r.P99 > 0 {
			latency = short(r.P50) + "\t" + short(r.P99)
		}
		window := "-"
		if r.Window > 0 {
			window = strconv.Itoa(r.Window)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%.0f\t%s\t%s\t%s\t\n",
			r.Scenario, r.Clients, window, r.Events, r.Rate, latency, cost, short(r.Generator))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		for _, f := range r.Figures {
			if f.Unit == "" { // a count
				fmt.Fprintf(out, "%s: %s %.0f\n", r.Scenario, f.Name, f.Value)
				continue
			}
			fmt.Fprintf(out, "%s: %s %s %s\n", r.Scenario, f.Name, short(f.Value), f.Unit)
		}
		for _, note := range r.Notes {
			fmt.Fprintf(out, "%s: %s\n", r.Scenario, note)
		}
	}
	return nil
}

// short writes three significant digits, and no fewer before the point.
func short(v float64) string {
	switch abs := max(v, -v); {
	case abs >= 100:
		return fmt.Sprintf("%.0f", v)
	case abs >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
