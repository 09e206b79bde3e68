package framework_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/parlor-go/parlor/"

// Imports point one way: examples -> middleware -> framework -> transport -> gws.
func TestImportsPointOneWay(t *testing.T) {
	tests := []struct {
		of  string
		not []string
	}{
		{"transport", []string{module + "framework", module + "middleware", module + "examples"}},
		{"framework", []string{module + "middleware", module + "examples", "github.com/tinylib/"}},
		{"middleware", []string{module + "examples", module + "middleware/", "github.com/golang-jwt/", "github.com/go-playground/"}},
		{"framework/sockettest", []string{module + "framework", module + "transport", "github.com/"}},
	}
	for _, tt := range tests {
		self := module + tt.of
		for _, dep := range list(t, "-deps", self) {
			for _, not := range tt.not {
				if strings.HasPrefix(dep, not) && dep != self {
					t.Errorf("%s depends on %s", self, dep)
				}
			}
		}
	}
}

func TestOnlyTransportImportsGWS(t *testing.T) {
	allowed := map[string]bool{
		module + "transport":                     true,
		module + "examples/loadtest/servers/gws": true, // bare gws is what the comparison measures against
	}
	for _, pkg := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...") {
		name, imports, _ := strings.Cut(pkg, " ")
		if strings.Contains(imports, "lxzan/gws") && !allowed[name] {
			t.Errorf("%s imports gws", name)
		}
	}
}

func list(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-e"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
