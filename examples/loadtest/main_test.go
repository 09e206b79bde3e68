package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/examples/loadtest/internal/load"
	"github.com/parlor-go/parlor/framework"
)

func start(t *testing.T) (url string) {
	t.Helper()
	srv := framework.New(framework.Options{})
	srv.On("echo", func(v any) any { return v })
	s := httptest.NewServer(srv)
	t.Cleanup(func() {
		_ = srv.Shutdown(t.Context())
		s.Close()
	})
	return s.URL
}

func TestDrivePrintsATable(t *testing.T) {
	var out strings.Builder
	args := []string{"-url", start(t), "-clients", "2", "-events", "50", "echo", "life"}
	if runtime.GOOS == "linux" {
		args = append([]string{"-pid", strconv.Itoa(os.Getpid())}, args...)
	}
	if err := drive(t.Context(), args, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "CPU µs/event") || !strings.Contains(lines[1], "echo") || !strings.Contains(lines[2], "life") {
		t.Errorf("got\n%s\nwant a head and two lines", out.String())
	}
}

func TestDrivePrintsJSON(t *testing.T) {
	var out strings.Builder
	if err := drive(t.Context(), []string{"-json", "-url", start(t), "-clients", "2", "-window", "3", "-events", "50"}, &out); err != nil {
		t.Fatal(err)
	}
	var got load.Result
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Scenario != "echo" || got.Clients != 2 || got.Window != 3 || got.Events != 50 {
		t.Errorf("got %+v, want 50 echoes of 2 clients with a window of 3", got)
	}
}

func TestDriveSaysWhatWasWrong(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown scenario", []string{"ecko"}, "no scenario is called"},
		{"flag behind the scenario", []string{"echo", "-clients", "3"}, "flags go before"},
		{"no server", []string{"-url", "http://127.0.0.1:1", "echo"}, "refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if err := drive(t.Context(), tt.args, &out); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
