package deploy

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A packaged chart renders as a checkout does, and has files where that has links.
func TestPackagedChart(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(filepath.Join(repository, "deploy/helm/package"), dir, "1.2.3-rc.1")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	archive := filepath.Join(dir, "igsend-exporter-1.2.3-rc.1.tgz")
	listing, err := exec.Command("tar", "--list", "--verbose", "--file", archive).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, listing)
	}
	for line := range strings.Lines(string(listing)) {
		if !strings.HasPrefix(line, "-") {
			t.Errorf("not a regular file: %s", line)
		}
	}
	args := []string{"--values=testdata/values/operator.yaml"}
	if out, stderr, err := helm(t, append([]string{"lint", "--strict", archive}, args...)...); err != nil {
		t.Errorf("helm lint: %v: %s%s", err, out, stderr)
	}
	packaged := template(t, archive, args...)
	if !strings.Contains(packaged, "image: \"ghcr.io/igsend-exporter/igsend_exporter:v1.2.3-rc.1\"\n") {
		t.Error("the packaged chart runs another release")
	}
	unpackaged := strings.NewReplacer("igsend-exporter-0.0.0", "igsend-exporter-1.2.3-rc.1", "version: latest", "version: v1.2.3-rc.1",
		"igsend_exporter:latest", "igsend_exporter:v1.2.3-rc.1").Replace(template(t, chart, args...))
	if diff := cmp.Diff(unpackaged, packaged); diff != "" {
		t.Errorf("rendered (-checkout +package):\n%s", diff)
	}
}

// A checkout without symbolic links has text in their place. The chart says so, instead of
// installing no alerts.
func TestChartWithoutItsLinks(t *testing.T) {
	copied := t.TempDir()
	err := filepath.WalkDir(chart, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(chart, path)
		target := filepath.Join(copied, relative)
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		case entry.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, []byte(link), 0o600)
		default:
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, content, 0o600)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"prometheusRule", "dashboards"} {
		_, stderr, err := helm(t, "template", "a", copied, "--set=existingConfigMap=a", "--set="+part+".enabled=true")
		if err == nil || !strings.Contains(stderr, "use the packaged chart") {
			t.Errorf("%s: error %v, stderr %q", part, err, stderr)
		}
	}
}
