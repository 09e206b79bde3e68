package testclients

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Python is an installation of Python's client.
type Python string

const (
	// Debian is that of the system: Debian's packages python3-socketio,
	// python3-aiohttp, python3-requests, python3-websocket and python3-msgpack, or
	// the same from elsewhere.
	Debian Python = "Debian"

	// PyPI is the newest: testdata/interop/python/venv, a virtual environment with
	// what requirements.txt beside it says.
	PyPI Python = "PyPI"
)

// Run is Run for a script in testdata/interop/python.
func (p Python) Run(t *testing.T, name string, args ...string) {
	t.Helper()
	p.Start(t, name, args...).Finish()
}

// Start is Start for a script in testdata/interop/python.
func (p Python) Start(t *testing.T, name string, args ...string) *Script {
	t.Helper()
	dir := filepath.Join(scripts(t), "python")
	return launch(t, p.find(t, dir), dir, []string{"PYTHONDONTWRITEBYTECODE=1"}, name, args)
}

// find finds the interpreter that has the client.
func (p Python) find(t *testing.T, dir string) string {
	t.Helper()
	if p == PyPI {
		bin := filepath.Join(dir, "venv/bin/python")
		if _, err := os.Stat(bin); err != nil {
			missing(t, "the newest Python client is not installed: see Real clients in docs/conformance.md")
		}
		return bin
	}
	for _, name := range []string{"/usr/bin/python3", "python3"} { // the first in PATH may have no client
		if bin, err := exec.LookPath(name); err == nil &&
			exec.Command(bin, "-c", "import socketio, aiohttp, requests, websocket, msgpack").Run() == nil {
			return bin
		}
	}
	missing(t, "the system's Python client is not installed: see Real clients in docs/conformance.md")
	return ""
}
