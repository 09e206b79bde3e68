// Package examples keeps the documentation true to the programs in its folders.
package examples

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A Go snippet in README.md or docs/ that is a region of a program says so in
// the line above it, and has to be equal to it:
//
//	<!-- region hello of examples/hello/main.go -->
var marker = regexp.MustCompile("(?m)^<!-- region ([a-z0-9-]+) of (\\S+) -->\n+```go\n((?s:.*?))^```$")

func TestSnippetsInTheDocsAreRegionsOfTheExamples(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		matches := marker.FindAllStringSubmatch(string(text), -1)
		if got := strings.Count(string(text), "<!-- region "); got != len(matches) {
			t.Errorf("%s: %d markers, of which %d stand above a Go snippet", page, got, len(matches))
		}
		for _, m := range matches {
			found++
			if want := region(t, filepath.Join("..", m[2]), m[1]); m[3] != want {
				t.Errorf("%s: region %s of %s differs; the snippet should be\n%s", page, m[1], m[2], want)
			}
		}
	}
	if found == 0 {
		t.Error("no marked snippet found: is the marker still spelled as this test wants it?")
	}
}

// region returns the lines between "// region name" and "// endregion", without
// their common indent.
func region(t *testing.T, file, name string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "// region "+name+"\n")
	if !ok {
		t.Fatalf("%s has no region %s", file, name)
	}
	body, _, ok := strings.Cut(rest, "// endregion")
	if !ok {
		t.Fatalf("%s: region %s does not end", file, name)
	}
	lines := strings.Split(strings.TrimRight(strings.TrimLeft(body, "\n"), " \t\n"), "\n")
	indent := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], "\t"))]
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, indent)
	}
	return strings.Join(lines, "\n") + "\n"
}

var (
	code = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`") // where brackets are no link
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

func TestRelativeLinksOfTheDocsLeadSomewhere(t *testing.T) {
	found := 0
	for _, pattern := range []string{"../*.md", "../docs/*.md", "*/README.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(string(text), ""), -1) {
				to, _, _ := strings.Cut(m[1], "#")
				if to == "" || strings.Contains(to, ":") {
					continue // within the page, or on the web
				}
				found++
				if _, err := os.Stat(filepath.Join(filepath.Dir(page), to)); err != nil {
					t.Errorf("%s: link to %s: %v", page, m[1], err)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no relative link found: does this test still know what one is?")
	}
}

// docs/conformance*.md say which test of ours holds what the reference's own tests
// check, and SECURITY.md which hold what it promises, as `transport.TestUpgrade`, the package first, or as `upgrade.mjs`, one of the
// scripts in testdata/interop.
var (
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)[A-Z]\w*)\(`)
	namedTest = regexp.MustCompile(`(?:\b([a-z][\w/]*)\.|\b)((?:Test|Fuzz|Example)[A-Z]\w*)`)
	script    = regexp.MustCompile("`([\\w-]+\\.(?:mjs|py))`")
	emptyCell = regexp.MustCompile(`(?m)^\|(?:.*\|)?[ \t]*\|.*$`)
)

func TestWhatTheConformanceTablesNameExists(t *testing.T) {
	pages, err := filepath.Glob("../docs/conformance*.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testsByName(t)
	found := 0
	for _, page := range append(pages, "../SECURITY.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range namedTest.FindAllStringSubmatch(string(text), -1) {
			found++
			if pkg, name := m[1], m[2]; !slices.ContainsFunc(tests[name], func(dir string) bool { return isPackage(dir, pkg) }) {
				t.Errorf("%s: package %q has no %s; folders that have one: %q", page, pkg, name, tests[name])
			}
		}
		for _, m := range script.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("../testdata/interop", m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
		for _, row := range emptyCell.FindAllString(string(text), -1) {
			t.Errorf("%s: a cell is empty: %s", page, row)
		}
	}
	if found == 0 {
		t.Error("no test found in the tables: are they still spelled as this test wants it?")
	}
}

// testsByName returns the folders that have a test of that name.
func testsByName(t *testing.T) map[string][]string {
	t.Helper()
	tests := make(map[string][]string)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel("..", filepath.Dir(path))
		for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = append(tests[m[1]], filepath.ToSlash(dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// isPackage tells whether dir may be called pkg: by its last elements, the module's
// root by the module's name.
func isPackage(dir, pkg string) bool {
	if dir == "." {
		dir = "parlor"
	}
	return strings.HasSuffix("/"+dir, "/"+pkg)
}

func TestEveryProgramHasAReadmeAndIsListed(t *testing.T) {
	programs, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		folder := filepath.Dir(program)
		if _, err := os.Stat(filepath.Join(folder, "README.md")); err != nil {
			t.Errorf("examples/%s: %v", folder, err)
		}
		if want := "(examples/" + folder + ")"; !strings.Contains(string(readme), want) {
			t.Errorf("README.md has no link %s", want)
		}
	}
}
