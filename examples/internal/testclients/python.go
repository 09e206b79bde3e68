package testclients

import (
	"os/exec"
	"testing"
)

// RunPython is Run for a script of Python's client. It takes Debian's packages
// python3-socketio, python3-requests, python3-websocket and python3-msgpack, or the
// same from PyPI.
func RunPython(t *testing.T, name string, args ...string) {
	t.Helper()
	launch(t, python(t), scripts(t), nil, name, args).Finish()
}

// python finds an interpreter that has the client: of several, Debian's may not be
// the first.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if bin, err := exec.LookPath(name); err == nil &&
			exec.Command(bin, "-c", "import socketio, requests, websocket, msgpack").Run() == nil {
			return bin
		}
	}
	missing(t, "the Python client is not installed: install Debian's packages python3-socketio, python3-requests, python3-websocket and python3-msgpack")
	return ""
}
