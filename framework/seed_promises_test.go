package framework_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const seedPromises = 118

var (
	seedTest   = regexp.MustCompile(`(?m)^func (TestSeed((?:_?\d{3})+)[A-Z]\w*)\(`)
	seedRow    = regexp.MustCompile(`(?m)^\| (\d+) \| [^|]+ \| ([^|]+) \|$`)
	seedQuoted = regexp.MustCompile("`(TestSeed\\w+)`")
)

// TestEveryPromiseOfTheSeedHasATestOrAReason holds the table at the end of
// docs/from-flask-socketio.md against the tests there are.
func TestEveryPromiseOfTheSeedHasATestOrAReason(t *testing.T) {
	tests := seedTests(t)
	page, err := os.ReadFile("../docs/from-flask-socketio.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := seedRow.FindAllStringSubmatch(string(page), -1)
	if len(rows) != seedPromises {
		t.Errorf("the table has %d rows, want %d", len(rows), seedPromises)
	}
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) {
			t.Fatalf("row %d has the number %s", i+1, row[1])
		}
		var named []string
		for _, m := range seedQuoted.FindAllStringSubmatch(row[2], -1) {
			named = append(named, m[1])
		}
		if got, want := named, tests[i+1]; !slices.Equal(got, want) {
			t.Errorf("promise %d: the page names the tests %q, there are %q", i+1, got, want)
		}
		if len(named) == 0 && !strings.HasPrefix(row[2], "Python only: ") {
			t.Errorf("promise %d has neither a test nor a reason", i+1)
		}
	}
}

// seedTests lists the tests of each promise, in the order of the files.
func seedTests(t *testing.T) map[int][]string {
	t.Helper()
	files, err := filepath.Glob("seed_*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := make(map[int][]string)
	for _, file := range append(files, "../framework_test.go") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range seedTest.FindAllStringSubmatch(string(text), -1) {
			for number := range strings.SplitSeq(m[2], "_") {
				n, err := strconv.Atoi(number)
				if err != nil {
					t.Fatal(err)
				}
				tests[n] = append(tests[n], m[1])
			}
		}
	}
	return tests
}
