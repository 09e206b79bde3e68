// Package loadcheck runs all scenarios against a server, briefly: the test that
// the comparison's servers share.
package loadcheck

import (
	"context"
	"testing"
	"time"

	"github.com/parlor-go/parlor/examples/loadtest/internal/load"
)

// The heartbeat that a server under check has to have: short enough for idle and
// vanish to see it.
const (
	PingInterval = 100 * time.Millisecond
	PingTimeout  = time.Second
)

// Scenarios checks that each scenario of the generator passes at url, and that it
// counts what it did.
func Scenarios(t *testing.T, url string) {
	const few, events = 8, 200
	tests := []struct {
		name   string
		o      load.Options
		events int64 // wanted; 0 is at least one
	}{
		{"echo", load.Options{}, events},
		{"echo", load.Options{Window: 16, Threads: 2}, events},
		{"raw", load.Options{Window: 4}, events},
		{"binary", load.Options{Window: 2}, events},
		{"binary", load.Options{Size: 100_000}, events},
		{"polling", load.Options{}, events},
		{"life", load.Options{Events: 20}, 20},
		{"broadcast", load.Options{}, events * few},
		{"broadcast", load.Options{Window: 4, Threads: 2}, events * few},
		{"rooms", load.Options{Rooms: 4, Window: 3}, events * few / 4},
		{"beside", load.Options{Window: 2}, 0},
		{"idle", load.Options{Duration: 10 * PingInterval}, 0},
		{"vanish", load.Options{}, few},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := tt.o
			o.URL, o.Clients = url, few
			if o.Events == 0 {
				o.Events = events
			}
			got, err := load.Run(context.Background(), tt.name, o)
			if err != nil {
				t.Fatal(err)
			}
			if tt.events == 0 && got.Events > 0 {
				return
			}
			if got.Events != tt.events {
				t.Errorf("got %d events, want %d", got.Events, tt.events)
			}
		})
	}
}
