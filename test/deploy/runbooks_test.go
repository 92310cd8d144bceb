package deploy

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
)

// The commands in runbooks.md name what the installations install. The test of the main module runs those that run the
// exporter.
func TestRunbooksNameWhatIsInstalled(t *testing.T) {
	text := read(t, "deploy/runbooks.md")
	names := func(pattern string) []string {
		t.Helper()
		var found []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found = append(found, strings.Fields(strings.Join(m[1:], " "))...)
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	deployment := find[appsv1.Deployment](t, build(t, "exporter alone"), "Deployment")
	sources := deployment.Spec.Template.Spec.Volumes[0].Projected.Sources
	var labels []string
	for name, value := range deployment.Spec.Selector.MatchLabels {
		labels = append(labels, name+"="+value)
	}
	units, err := filepath.Glob(filepath.Join(repository, "deploy/systemd/igsend_exporter.*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range units {
		units[i] = filepath.Base(units[i])
	}
	var services []string
	for name := range project(t, "IGSEND=live").Services {
		services = append(services, name)
	}
	container := regexp.MustCompile(`docker run .*--name (\S+)`).FindStringSubmatch(read(t, "docs/install.md"))[1]
	for what, test := range map[string]struct{ named, installed []string }{
		"files":       {names(`(/etc/igsend_exporter/igsend\S*)`), []string{configFile}},
		"units":       {names(`sudo systemctl status --no-pager (.*?)(?:  |\n)`), units},
		"unit":        {names(`sudo (?:systemctl \w+|journalctl .*--unit) (igsend_exporter)\b`), []string{strings.TrimSuffix(units[0], filepath.Ext(units[0]))}},
		"container":   {names(`docker (?:exec|ps .*name=|logs .*?|kill .*?|restart)\s*\b(igsend_exporter)\b`), []string{container}},
		"directory":   {names(`cd (deploy/\w+)`), []string{composeDir}},
		"namespace":   {names(`kubectl --namespace (\S+)`), []string{deployment.Namespace}},
		"deployment":  {names(`deployment/([\w-]+)`), []string{deployment.Name}},
		"selector":    {names(`--selector (\S+)`), labels},
		"ConfigMap":   {names(`configmap ([\w-]+)`), []string{sources[0].ConfigMap.Name}},
		"Secret":      {names("Secret `([\\w-]+)`|secret generic (\\S+)"), []string{sources[1].Secret.Name}},
		"subcommands": {names(`kubectl --namespace \S+ ([\w-]+)`), []string{"create", "edit", "exec", "get", "logs", "port-forward", "replace", "rollout"}},
	} {
		slices.Sort(test.installed)
		if diff := cmp.Diff(test.installed, test.named); diff != "" {
			t.Errorf("%s (-installed +runbooks.md):\n%s", what, diff)
		}
	}
	for _, service := range names(`docker compose .* (igsend-exporter)\b`) {
		if !slices.Contains(services, service) {
			t.Errorf("compose has no service %s", service)
		}
	}
}
