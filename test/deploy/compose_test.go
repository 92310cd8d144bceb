package deploy

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

const composeDir = "deploy/compose"

// project loads the files as `docker compose` does, which checks them against the
// specification.
func project(t *testing.T, environment ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(repository, composeDir, "compose.yaml")},
		cli.WithEnv(environment), cli.WithConsistency(true), cli.WithInterpolation(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

var projects = map[string][]string{"demo": nil, "live": {"IGSEND=live"}}

func TestComposeServicesAreHardened(t *testing.T) {
	digest := regexp.MustCompile(`:v?[0-9]+\.[0-9.]+@sha256:[0-9a-f]{64}$`)
	for name, environment := range projects {
		for service, s := range project(t, environment...).Services {
			t.Run(name+" "+service, func(t *testing.T) {
				if !s.ReadOnly {
					t.Error("the root file system is writable")
				}
				if !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 || s.Privileged {
					t.Error("it has capabilities")
				}
				if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
					t.Error("it may get new privileges")
				}
				if s.Build == nil && !digest.MatchString(s.Image) {
					t.Errorf("image %s is not pinned", s.Image)
				}
				if s.Build == nil && s.HealthCheck == nil {
					t.Error("it has no health check")
				}
				for _, port := range s.Ports {
					if port.HostIP != "127.0.0.1" {
						t.Errorf("port %s is published on %q", port.Published, port.HostIP)
					}
				}
				if s.NetworkMode == "host" {
					t.Error("it uses the network of the host")
				}
				for _, volume := range s.Volumes {
					if volume.Type == types.VolumeTypeBind && !volume.ReadOnly {
						t.Errorf("it can write to %s", volume.Source)
					}
				}
			})
		}
	}
}

func TestComposeMountsWhatIsThere(t *testing.T) {
	for service, s := range project(t).Services {
		for _, volume := range s.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("%s: %v", service, err)
			}
		}
	}
}

func TestComposeTakesTheKeysAsSecrets(t *testing.T) {
	demo, live := project(t).Services["igsend-exporter"], project(t, "IGSEND=live")
	if diff := cmp.Diff(types.ShellCommand{"demo"}, demo.Command); diff != "" || len(demo.Secrets) > 0 || len(demo.Volumes) > 0 {
		t.Errorf("the demo has a command, secrets or volumes of its own:\n%s", diff)
	}
	exporter := live.Services["igsend-exporter"]
	if exporter.Command != nil {
		t.Errorf("command %q; want the image's own, which reads %s", exporter.Command, configFile)
	}
	got := map[string]string{}
	for _, secret := range exporter.Secrets {
		got[secret.Target] = live.Secrets[secret.Source].File
	}
	for _, volume := range exporter.Volumes {
		got[volume.Target] = volume.Source
	}
	want := map[string]string{}
	for _, file := range []string{"public.key", "private.key", "igsend.yml"} {
		want[filepath.Join(filepath.Dir(configFile), file)] = filepath.Join(repository, composeDir, "live", file)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files of the exporter (-want +got):\n%s", diff)
	}
	got, want = map[string]string{}, map[string]string{}
	for _, secret := range live.Services["alertmanager"].Secrets {
		got[secret.Target] = live.Secrets[secret.Source].File
	}
	for _, file := range regexp.MustCompile(`/etc/alertmanager/secrets/\w+`).FindAllString(read(t, "deploy/alertmanager/alertmanager.yml"), -1) {
		want[file] = filepath.Join(repository, composeDir, "live", filepath.Base(file))
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("secrets of Alertmanager (-want +got):\n%s", diff)
	}
	ignored, err := os.ReadFile(filepath.Join(repository, "deploy/.gitignore"))
	if err != nil || !slices.Contains(strings.Split(string(ignored), "\n"), "/compose/live/") {
		t.Error("git does not ignore the keys", err)
	}
}

// The names and ports by which services call each other agree across the files.
func TestComposeServicesFindEachOther(t *testing.T) {
	services := project(t).Services
	reachable := map[string]bool{"igsend-exporter:" + exporterPort: true}
	for name, service := range services {
		for _, port := range service.Ports {
			reachable[fmt.Sprintf("%s:%d", name, port.Target)] = true
			if port.Published != fmt.Sprint(port.Target) {
				t.Errorf("%s: port %d is published as %s", name, port.Target, port.Published)
			}
		}
	}

	type discovery struct {
		StaticConfigs []struct {
			Targets []string `json:"targets"`
		} `json:"static_configs"`
	}
	var prometheus struct {
		RuleFiles     []string    `json:"rule_files"`
		ScrapeConfigs []discovery `json:"scrape_configs"`
		Alerting      struct {
			Alertmanagers []discovery `json:"alertmanagers"`
		} `json:"alerting"`
	}
	decode(t, "deploy/prometheus/prometheus.yml", &prometheus)
	var targets []string
	for _, d := range append(prometheus.ScrapeConfigs, prometheus.Alerting.Alertmanagers...) {
		for _, static := range d.StaticConfigs {
			targets = append(targets, static.Targets...)
		}
	}
	for _, target := range targets {
		if !strings.HasPrefix(target, "localhost:") && !reachable[target] {
			t.Errorf("prometheus.yml: no service is %s", target)
		}
	}
	for _, needed := range []string{"igsend-exporter:" + exporterPort, "alertmanager:9093"} {
		if !slices.Contains(targets, needed) {
			t.Errorf("prometheus.yml does not know %s", needed)
		}
	}
	if len(prometheus.RuleFiles) == 0 {
		t.Error("prometheus.yml has no rules")
	}
	for _, pattern := range prometheus.RuleFiles {
		found, err := filepath.Glob(mountedFrom(t, services["prometheus"], "/etc/prometheus", pattern))
		if err != nil || len(found) == 0 {
			t.Errorf("prometheus.yml: rules %s are not in the container", pattern)
		}
	}

	var sources struct {
		Datasources []struct {
			URL       string `json:"url"`
			IsDefault bool   `json:"isDefault"`
		} `json:"datasources"`
	}
	decode(t, "deploy/grafana/provisioning/datasources/prometheus.yml", &sources)
	for _, source := range sources.Datasources {
		if !reachable[strings.TrimPrefix(source.URL, "http://")] {
			t.Errorf("data source: no service is %s", source.URL)
		}
	}
	var dashboards struct {
		Providers []struct {
			Options struct {
				Path string `json:"path"`
			} `json:"options"`
		} `json:"providers"`
	}
	decode(t, "deploy/grafana/provisioning/dashboards/igsend.yml", &dashboards)
	for _, pattern := range alertmanagerTemplates(t) {
		found, err := filepath.Glob(mountedFrom(t, services["alertmanager"], "/etc/alertmanager", pattern))
		if err != nil || len(found) == 0 {
			t.Errorf("alertmanager.yml: templates %s are not in the container", pattern)
		}
	}
	home := services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	for _, path := range []string{filepath.Join(dashboards.Providers[0].Options.Path, "igsend-exporter.json"), *home} {
		if _, err := os.Stat(mountedFrom(t, services["grafana"], "/", path)); err != nil {
			t.Errorf("dashboards: %v", err)
		}
	}
}

func alertmanagerTemplates(t *testing.T) []string {
	t.Helper()
	var alertmanager struct {
		Templates []string `json:"templates"`
	}
	decode(t, "deploy/alertmanager/alertmanager.yml", &alertmanager)
	return alertmanager.Templates
}

// mountedFrom returns the path outside a container of a path inside it.
func mountedFrom(t *testing.T, service types.ServiceConfig, workingDir, path string) string {
	t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(workingDir, path)
	}
	for _, volume := range service.Volumes {
		if rest, ok := strings.CutPrefix(path, volume.Target); ok && volume.Type == types.VolumeTypeBind {
			return volume.Source + rest
		}
	}
	t.Errorf("%s: nothing is mounted at %s", service.Name, path)
	return ""
}

// The images are the same releases that the tests of test/e2e run.
func TestComposeRunsWhatIsTested(t *testing.T) {
	services := project(t).Services
	var modules string
	err := filepath.WalkDir(filepath.Join(repository, "test"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "go.mod" && !strings.Contains(path, "/test/deploy/") {
			content, readErr := os.ReadFile(path)
			modules += string(content)
			err = readErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	tag := regexp.MustCompile(`:v([0-9]+)\.([0-9]+)\.([0-9]+)@`)
	prometheus := tag.FindStringSubmatch(services["prometheus"].Image)
	// Prometheus 3.11.3 is v0.311.3 as a module.
	if module := fmt.Sprintf("github.com/prometheus/prometheus v0.%s%02s.%s", prometheus[1], prometheus[2], prometheus[3]); !strings.Contains(modules, module) {
		t.Errorf("no test runs %s", module)
	}
	alertmanager := tag.FindStringSubmatch(services["alertmanager"].Image)
	if module := "github.com/prometheus/alertmanager v" + strings.Join(alertmanager[1:], "."); !strings.Contains(modules, module) {
		t.Errorf("no test runs %s", module)
	}
}
