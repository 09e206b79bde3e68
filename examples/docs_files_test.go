package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
