package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/igsend-exporter/igsend_exporter/config"
)

// Values that every deployment repeats and that must be the same everywhere.
const (
	configFile   = "/etc/igsend_exporter/igsend.yml"
	exporterPort = "10045"
	exporterUser = "65532"
)

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestDeploymentsAgree(t *testing.T) {
	dir := filepath.Dir(configFile)
	for path, says := range map[string][]string{
		"main.go":                               {`":` + exporterPort + `"`},
		"Dockerfile":                            {"EXPOSE " + exporterPort + "\n", "USER " + exporterUser + ":" + exporterUser + "\n", "CMD [\"--config.file=" + configFile + "\"]\n"},
		"deploy/systemd/igsend_exporter.socket": {"ListenStream=127.0.0.1:" + exporterPort + "\n"},
		"deploy/systemd/igsend_exporter.service": {
			"--config.file=" + configFile,
			"LoadCredential=public.key:" + dir + "/public.key\n", "BindReadOnlyPaths=%d/public.key:" + dir + "/public.key\n",
			"LoadCredential=private.key:" + dir + "/private.key\n", "BindReadOnlyPaths=%d/private.key:" + dir + "/private.key\n",
		},
		".goreleaser.yaml":                       {"dst: " + configFile + "\n"},
		"deploy/packaging/igsend_exporter.1.in":  {configFile},
		"deploy/kubernetes/base/deployment.yaml": {"--config.file=" + configFile + "\n"},
	} {
		content := read(t, path)
		for _, word := range says {
			if !strings.Contains(content, word) {
				t.Errorf("%s doesn't say %q", path, strings.TrimSpace(word))
			}
		}
	}

	deployment := find[appsv1.Deployment](t, build(t, "exporter alone"), "Deployment")
	pod := deployment.Spec.Template.Spec
	if got := pod.Containers[0].VolumeMounts[0].MountPath; got != dir {
		t.Errorf("the pod's configuration is in %s, want %s", got, dir)
	}
	if got := *pod.SecurityContext.FSGroup; got != 65532 {
		t.Errorf("the pod's group is %d, want %s", got, exporterUser)
	}
}

// The configuration that packages install and docs/install.md starts with is valid, and its
// keys are where every deployment puts them.
func TestDefaultConfiguration(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(repository, "deploy/igsend.yml"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(data, "/etc/igsend_exporter")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{filepath.Base(cfg.API.Keys.PublicFile), filepath.Base(cfg.API.Keys.PrivateFile), cfg.API.Environment}
	if diff := cmp.Diff([]string{"public.key", "private.key", "live"}, got); diff != "" {
		t.Errorf("keys and environment (-want +got):\n%s", diff)
	}
}

// Both use the interval that the rules are written for.
func TestOperatorScrapesAsPrometheusDoes(t *testing.T) {
	var prometheus struct {
		Global struct {
			ScrapeInterval string `json:"scrape_interval"`
		} `json:"global"`
		ScrapeConfigs []struct {
			JobName        string `json:"job_name"`
			ScrapeInterval string `json:"scrape_interval"`
		} `json:"scrape_configs"`
	}
	decode(t, "deploy/prometheus/prometheus.yml", &prometheus)
	var monitor struct {
		Spec struct {
			Endpoints []struct{ Interval string }
		}
	}
	decode(t, "deploy/kubernetes/prometheus-operator/objects/servicemonitor.yaml", &monitor)
	for _, job := range prometheus.ScrapeConfigs {
		if !strings.Contains(job.JobName, "igsend") {
			continue
		}
		want := job.ScrapeInterval
		if want == "" {
			want = prometheus.Global.ScrapeInterval
		}
		if got := monitor.Spec.Endpoints[0].Interval; got != want {
			t.Errorf("the operator's interval is %s, prometheus.yml's %s", got, want)
		}
		return
	}
	t.Error("prometheus.yml has no job for igsend_exporter")
}

// deploy/ names the release in one place. The documents name it too, and must agree.
func TestReleaseIsNamedAlike(t *testing.T) {
	var base struct {
		Images []struct{ NewName, NewTag string }
	}
	decode(t, "deploy/kubernetes/base/kustomization.yaml", &base)
	image := base.Images[0]
	if !strings.Contains(read(t, ".goreleaser.yaml"), "images: ["+image.NewName+"]") {
		t.Errorf("no release makes the image %s", image.NewName)
	}
	for _, document := range []string{"README.md", "docs/install.md", "SECURITY.md"} {
		for _, named := range regexp.MustCompile(regexp.QuoteMeta(image.NewName)+`:([\w.-]+)`).FindAllStringSubmatch(read(t, document), -1) {
			if named[1] != image.NewTag {
				t.Errorf("%s names release %s, want %s", document, named[1], image.NewTag)
			}
		}
		for _, named := range regexp.MustCompile(`charts/igsend-exporter:([\w.-]+)`).FindAllStringSubmatch(read(t, document), -1) {
			if "v"+named[1] != image.NewTag {
				t.Errorf("%s names the chart of release %s, want %s", document, named[1], image.NewTag)
			}
		}
	}
}
