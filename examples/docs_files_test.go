package examples

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
	"github.com/parlor-go/parlor/transport/webtransport"
)

// A configuration in docs/ that tests use is a file, and has to be equal to it:
//
//	<!-- file testdata/interop/proxy/nginx.conf -->
var fileMarker = regexp.MustCompile("(?m)^<!-- file (\\S+) -->\n+```[a-z]+\n((?s:.*?))^```$")

func TestConfigurationsInTheDocsAreTheFilesThatTestsUse(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		matches := fileMarker.FindAllStringSubmatch(string(text), -1)
		if got := strings.Count(string(text), "<!-- file "); got != len(matches) {
			t.Errorf("%s: %d markers, of which %d stand above a snippet", page, got, len(matches))
		}
		for _, m := range matches {
			found++
			if want, err := os.ReadFile(filepath.Join("..", m[1])); err != nil || string(want) != m[2] {
				t.Errorf("%s: %s differs (%v)", page, m[1], err)
			}
		}
	}
	if found == 0 {
		t.Error("no marked file found: is the marker still spelled as this test wants it?")
	}
}

// Who runs a server looks for its bounds in docs/deploy.md: each number and time in the
// options of clients is in the table there.
func TestTheTableOfLimitsHasEveryBound(t *testing.T) {
	page, err := os.ReadFile("../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder // their first cells
	for line := range strings.Lines(string(page)) {
		if cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok && strings.HasPrefix(line, "| ") {
			rows.WriteString(cell + "\n")
		}
	}
	for _, options := range []any{transport.Options{}, framework.Options{}, framework.Recovery{}, webtransport.Options{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(options)) {
			switch field.Type.Kind() {
			case reflect.Int, reflect.Int64, reflect.Float64:
			default:
				continue
			}
			if field.Name == "CompressionThreshold" { // bounds nothing
				continue
			}
			if !regexp.MustCompile(`[.\x60]` + field.Name + `\x60`).MatchString(rows.String()) {
				t.Errorf("docs/deploy.md has no row for %T.%s", options, field.Name)
			}
		}
	}
}
