package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The programs under test. Each is built from what go.mod pins, unless the environment names one.
var programs = map[string]struct{ variable, dir, pkg string }{
	"prometheus":      {"E2E_PROMETHEUS", ".", "github.com/prometheus/prometheus/cmd/prometheus"},
	"promtool":        {"E2E_PROMTOOL", ".", "github.com/prometheus/prometheus/cmd/promtool"},
	"alertmanager":    {"E2E_ALERTMANAGER", ".", "github.com/prometheus/alertmanager/cmd/alertmanager"},
	"amtool":          {"E2E_AMTOOL", ".", "github.com/prometheus/alertmanager/cmd/amtool"},
	"igsend_exporter": {"E2E_EXPORTER", "../..", "."},
	"simulator":       {"E2E_SIMULATOR", "../..", "./test/simulator"},
}

func TestMain(m *testing.M) {
	for name, p := range programs {
		if os.Getenv(p.variable) != "" {
			continue
		}
		// The tag leaves out cloud service discovery, which is most of the code and not needed here.
		build := exec.Command("go", "build", "-tags", "remove_all_sd", "-o", bin(name), p.pkg)
		build.Dir, build.Stdout, build.Stderr = p.dir, os.Stdout, os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n", name, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func bin(name string) string {
	path, err := filepath.Abs(filepath.Join("bin", name))
	if err != nil {
		panic(err)
	}
	return path
}

func program(name string) string {
	if path := os.Getenv(programs[name].variable); path != "" {
		return path
	}
	return bin(name)
}

// output runs a program and returns its output.
func output(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program(name), args...).CombinedOutput()
	return string(out), err
}
