package testclients

import (
	"os/exec"
	"testing"
)

// Program finds a program that a test runs beside the clients, such as a proxy: by its
// name, or where Debian has it. Without it the test is skipped, or fails where clients
// are required.
func Program(t *testing.T, name string, elsewhere ...string) string {
	t.Helper()
	for _, candidate := range append([]string{name}, elsewhere...) {
		if bin, err := exec.LookPath(candidate); err == nil {
			return bin
		}
	}
	missing(t, name+" is not installed: install Debian's package "+name)
	return ""
}
