// Package testclients runs the official Socket.IO clients, in Node.js and in
// Chromium, and the one in Python against a server that a Go test has started. The
// scripts are in testdata/interop.
//
// A script writes JSON lines: {"check":name,"ok":bool}, with "got" and "want" if
// not ok; {"step":name}, which Script.Await waits for; {"done":true} at its end.
package testclients

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// timeout bounds a script, browser and all, on a slow machine.
const timeout = 60 * time.Second

// Script is a script that runs.
type Script struct {
	t     *testing.T
	name  string
	lines chan line // closed at the end of the output
	wait  func() error
}

// line is what a script reports.
type line struct {
	Check     string
	OK        bool
	Got, Want string
	Step      string
	Done      bool
}

// Run runs the script named name with args to its end. Each check in it that
// does not hold fails the test, and so does a script that does not get there.
func Run(t *testing.T, name string, args ...string) {
	t.Helper()
	Start(t, name, args...).Finish()
}

// Start starts a script, for tests that have a part in it. Without Node.js and
// the clients the test is skipped, or fails where they are required.
func Start(t *testing.T, name string, args ...string) *Script {
	t.Helper()
	return start(t, nil, name, args)
}

// RunBrowser is Run for a script that drives Chromium.
func RunBrowser(t *testing.T, name string, args ...string) {
	t.Helper()
	start(t, []string{"CHROMIUM=" + chromium(t)}, name, args).Finish()
}

func start(t *testing.T, env []string, name string, args []string) *Script {
	t.Helper()
	node, dir := node(t)
	return launch(t, node, dir, env, name, args)
}

// launch starts a script with the interpreter bin in dir.
func launch(t *testing.T, bin, dir string, env []string, name string, args []string) *Script {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	cmd := exec.CommandContext(ctx, bin, append([]string{name}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 5 * time.Second // a browser of a killed script may hold its output open
	var complaints limited
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("testclients: %s: %v", name, err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("testclients: %s: %v", name, err)
	}

	s := &Script{t: t, name: name, lines: make(chan line, 1000)}
	bad := make(chan string, 1)
	go func() {
		defer close(s.lines)
		bad <- read(stdout, s.lines)
	}()
	ended := false
	s.wait = func() error {
		if ended {
			return nil
		}
		ended = true
		garbage := <-bad
		err := cmd.Wait()
		cancel()
		if err != nil || garbage != "" {
			return fmt.Errorf("%w: %s%s", err, garbage, complaints.data)
		}
		return nil
	}
	t.Cleanup(func() {
		cancel()
		_ = s.wait() // Finish has told what there is to tell
	})
	return s
}

// read passes the lines on, and returns what is none.
func read(from io.Reader, to chan<- line) (garbage string) {
	in := bufio.NewScanner(from)
	for in.Scan() {
		var l line
		if json.Unmarshal(in.Bytes(), &l) != nil {
			garbage += in.Text() + "\n"
			continue
		}
		to <- l
	}
	return garbage
}

// Await waits until the script has come to step.
func (s *Script) Await(step string) {
	s.t.Helper()
	for l := range s.lines {
		if l.Step == step {
			return
		}
		s.report(l)
	}
	s.t.Fatalf("%s ended before %q: %v", s.name, step, s.wait())
}

// Finish waits for the end of the script.
func (s *Script) Finish() {
	s.t.Helper()
	done, checks := false, 0
	for l := range s.lines {
		s.report(l)
		done = done || l.Done
		if l.Check != "" {
			checks++
		}
	}
	if err := s.wait(); err != nil || !done {
		s.t.Fatalf("%s did not come to its end: %v", s.name, err)
	}
	if checks == 0 {
		s.t.Fatalf("%s has checked nothing", s.name)
	}
}

func (s *Script) report(l line) {
	s.t.Helper()
	if l.Check != "" && !l.OK {
		s.t.Errorf("%s: %s: got %s, want %s", s.name, l.Check, l.Got, l.Want)
	}
}

// node finds Node.js and the folder of the scripts.
func node(t *testing.T) (bin, dir string) {
	t.Helper()
	bin, err := exec.LookPath("node")
	if err != nil {
		missing(t, "Node.js is not installed: install version 20 or later")
	}
	dir = scripts(t)
	for _, name := range packages(t, dir) {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", name)); err != nil {
			missing(t, name+" is not installed: run npm ci in testdata/interop")
		}
	}
	return bin, dir
}

// packages lists what npm has to install: after a change some may be missing.
func packages(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatalf("package.json: %v", err)
	}
	return slices.Sorted(maps.Keys(file.Dependencies))
}

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if bin, err := exec.LookPath(name); err == nil {
			return bin
		}
	}
	missing(t, "Chromium is not installed: install Debian's package chromium")
	return ""
}

// missing skips the test, or fails it where PARLOR_REQUIRE_CLIENTS is 1.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PARLOR_REQUIRE_CLIENTS") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// scripts finds testdata/interop from the folder of any package of the module.
func scripts(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata/interop")
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("testclients: there is no go.mod above the working directory")
		}
		dir = up
	}
}

// limited keeps the first of what a script complains about.
type limited struct{ data []byte }

func (l *limited) Write(p []byte) (int, error) {
	if room := 4000 - len(l.data); room > 0 {
		l.data = append(l.data, p[:min(room, len(p))]...)
	}
	return len(p), nil
}
