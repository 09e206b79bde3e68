package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// asChild makes this test's program what a comparison starts: the generator, or
// a server if it is told where to listen.
const asChild = "LOADTEST_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		sockettest.Main(m)
		return
	}
	if err := child(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(args []string) error {
	i := slices.Index(args, "-addr")
	if i < 0 {
		return drive(context.Background(), args, os.Stdout)
	}
	srv := framework.New(framework.Options{})
	srv.On("echo", func(v any) any { return v })
	return http.ListenAndServe(args[i+1], srv)
}

// A comparison of a server that works with one that ends at once.
func TestCompareGoesOnWhenAServerFails(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("the CPU of a server is not available on this system")
	}
	t.Setenv(asChild, "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := comparison{
		rounds: 2, duration: 50 * time.Millisecond, warmup: 50 * time.Millisecond,
		generator: self, log: io.Discard,
		servers: []*contender{
			{name: "gws", command: []string{self}, args: goArgs},
			{name: "broken", command: []string{self, "-nonsense"}, args: func(string, time.Duration, bool) []string { return nil }},
		},
	}
	rows, err := chooseRows("echo-1,echo-1-tls")
	if err != nil {
		t.Fatal(err)
	}
	rows[0].cases[0].clients = 2
	var all []measured
	for _, r := range rows {
		all = append(all, c.measure(t.Context(), r))
	}
	m := all[0]
	if got := len(m.results[0][0]); got != 2 {
		t.Errorf("the working server: got %d results, want 2; errors: %q", got, m.errors)
	}
	if got := len(m.results[0][1]); got != 0 || len(m.errors) != 2 || !strings.Contains(m.errors[0], "echo-1, round 1, broken: start broken") {
		t.Errorf("the broken server: got %d results and the errors %q, want none and two", got, m.errors)
	}
	lines := allLines(all)
	if len(lines) != 1 || len(lines[0].Cells[1].Values) != 0 {
		t.Errorf("got %+v, want a line of two servers, one without values; nobody serves TLS", lines)
	}
}

func TestContendersAreToldWhereToListen(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  []string
		want string
	}{
		{"go", goArgs("a:1", 0, false), "-addr a:1"},
		{"go, all", goArgs("a:1", 5*time.Second, true), "-addr a:1 -ping 5s -tls"},
		{"script", scriptArgs("a:1", 0, false), "a:1"},
		{"script, ping", scriptArgs("a:1", 500*time.Millisecond, false), "a:1 0.5"},
	} {
		if got := strings.Join(tt.got, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
