package load

import (
	"context"
	"strings"
	"testing"
)

func TestPayloadIs64Bytes(t *testing.T) {
	if got := len(Payload); got != 64 {
		t.Errorf("echo: got %d bytes, want 64", got)
	}
	if got := len((&channel{}).payload(firstSeq)); got != 64 {
		t.Errorf("broadcast: got %d bytes, want 64", got)
	}
}

func TestRunRefusesWhatCannotWork(t *testing.T) {
	const url = "http://127.0.0.1:1"
	tests := []struct {
		name, scenario string
		o              Options
		want           string
	}{
		{"scenario", "ecko", Options{URL: url}, `no scenario is called "ecko"`},
		{"scheme", "echo", Options{URL: "127.0.0.1:3000"}, "-url"},
		{"host", "echo", Options{URL: "http:///x"}, "names no host"},
		{"window", "echo", Options{URL: url, Window: 20_000}, "-window"},
		{"size", "binary", Options{URL: url, Size: 3}, "-size"},
		{"clients", "echo", Options{URL: url, Clients: -1}, "-clients"},
		{"files", "idle", Options{URL: url, Clients: 1 << 31}, "do not fit"},
		{"rooms", "rooms", Options{URL: url, Clients: 10, Rooms: 20}, "cannot fill"},
		{"nobody there", "echo", Options{URL: url, Clients: 1}, "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Run(t.Context(), tt.scenario, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestInterruptedRunReturnsWhatWasMeasured(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := lying(t, "echo", func(*honest) any {
		return func(v any) any { cancel(); return v }
	})
	got, err := Run(ctx, "echo", Options{URL: url, Clients: 1, Events: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	if got.Events >= 1<<40 {
		t.Errorf("got %d events, want the few before the end", got.Events)
	}
}

func TestFlowDrainsOnceAllThatBeganHasEnded(t *testing.T) {
	f := newFlow(2)
	for i, want := range []bool{true, true, false} {
		if got := f.begin(); got != want {
			t.Fatalf("event %d begins: got %t, want %t", i+1, got, want)
		}
	}
	f.end()
	select {
	case <-f.drained:
		t.Fatal("drained while an event is under way")
	default:
	}
	f.end()
	<-f.drained
	f.stop() // twice is no matter
}
