package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/examples/loadtest/internal/load"
)

func TestSamples(t *testing.T) {
	tests := []struct {
		name                  string
		s                     sample
		median, spread, ratio float64 // the ratio is to 2
	}{
		{"none", nil, 0, 0, 0},
		{"one", sample{4}, 4, 0, 2},
		{"odd", sample{9, 1, 4}, 4, 2, 2},
		{"even", sample{3, 1}, 2, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.s.median(); got != tt.median {
				t.Errorf("median: got %v, want %v", got, tt.median)
			}
			if got := tt.s.spread(); got != tt.spread {
				t.Errorf("spread: got %v, want %v", got, tt.spread)
			}
			if got := tt.s.ratio(sample{2}); got != tt.ratio {
				t.Errorf("ratio: got %v, want %v", got, tt.ratio)
			}
		})
	}
	if got := (sample{1}).ratio(nil); got != 0 {
		t.Errorf("ratio to nothing: got %v, want 0", got)
	}
}

func TestShortKeepsThreeDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0.00", 1.2345: "1.23", 12.345: "12.3", 1234.5: "1234", 0.001: "0.00"} {
		if got := short(v); got != want {
			t.Errorf("short(%v): got %s, want %s", v, got, want)
		}
	}
}

func TestThousandsAreSeparated(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 19_000: "19,000", 1_002_003: "1,002,003"} {
		if got := thousands(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRowsAreChosenByName(t *testing.T) {
	all, err := chooseRows("")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range all {
		if seen[r.name] || len(r.cases) == 0 || len(r.metrics) == 0 {
			t.Errorf("row %q: twice, or without a case or a metric", r.name)
		}
		seen[r.name] = true
	}
	two, err := chooseRows("idle,echo-1")
	if err != nil || len(two) != 2 || two[0].name != "idle" {
		t.Errorf("got %v, %v, want idle and echo-1", two, err)
	}
	if _, err := chooseRows("ecko"); err == nil || !strings.Contains(err.Error(), `"ecko"`) {
		t.Errorf("got %v, want an error that names ecko", err)
	}
	if _, err := chooseContenders("gws,rust"); err == nil || !strings.Contains(err.Error(), `"rust"`) {
		t.Errorf("got %v, want an error that names rust", err)
	}
}

func result(cpu float64) load.Result {
	return load.Result{Scenario: "echo", P50: 1, P99: 2, Rate: 1000, Server: &load.Cost{CPU: cpu}}
}

// twoRows is an echo over TLS of two servers, one of which failed once, and
// broadcasts of three, one of which always failed.
func twoRows(t *testing.T) []measured {
	t.Helper()
	rows, err := chooseRows("echo-1-tls,growth")
	if err != nil {
		t.Fatal(err)
	}
	rows[1].cases = rows[1].cases[:2]
	return []measured{
		{row: rows[0], servers: []string{"parlor", "gws"}, results: [][][]load.Result{
			{{result(12), result(14), result(13)}, {result(10), result(11)}},
		}, errors: []string{"gws fell over"}},
		{row: rows[1], servers: []string{"parlor", "gws", "node"}, results: [][][]load.Result{
			{{result(4)}, {result(8)}, nil},
			{{result(3)}, {result(8)}, nil},
		}},
	}
}

func TestMarkdownShowsMediansRatiosAndFailures(t *testing.T) {
	var out strings.Builder
	all := twoRows(t)
	if err := writeMarkdown(&out, setting{Rounds: 3}, allLines(all), all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| what | parlor | gws | node |\n|---|---|---|---|\n",
		"| echo with ack, W=1, over TLS | 13.0 µs (1.24x, 15 %) | 10.5 µs (1.00x, 10 %) | – |\n",
		"| broadcast by receivers, W=4, per delivery: 1,000 receivers | 3.00 µs (0.38x, 0 %) | 8.00 µs (1.00x, 0 %) | failed |\n",
		"1.00 / 2.00, 1,000/s",
		"Failed: gws fell over",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant it to have %s", out.String(), want)
		}
	}
}

func TestChartsAreXMLWithABarForEachServer(t *testing.T) {
	dir := t.TempDir()
	if err := writeCharts(dir, 3, twoRows(t)); err != nil {
		t.Fatal(err)
	}
	for name, bars := range map[string]int{"echo-1-tls.svg": 2, "growth.svg": 4} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		checkXML(t, data)
		if got := strings.Count(string(data), `<rect class="bar`); got != bars {
			t.Errorf("%s: got %d bars, want %d", name, got, bars)
		}
	}
}

func TestChartEscapesItsTexts(t *testing.T) {
	c := chart{title: `a < b & "c"`, groups: []group{{label: "<g>", bars: []bar{{"]]>", sample{0}, "&"}}}}}
	checkXML(t, c.svg())
}

func checkXML(t *testing.T, data []byte) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(data)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
	}
}
