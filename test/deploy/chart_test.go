package deploy

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yannh/kubeconform/pkg/validator"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/resmap"

	"github.com/igsend-exporter/igsend_exporter/config"
)

var chart = filepath.Join(repository, "deploy/helm/igsend-exporter")

// helm runs the program of tools/helm, which TestMain has built.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(repository, "tools/helm/bin/helm"), args...)
	// Nothing of this machine's own Helm: no plugins, no cluster.
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	err = cmd.Run()
	return out.String(), errors.String(), err
}

// template renders a chart as the release igsend-exporter.
func template(t *testing.T, chart string, args ...string) string {
	t.Helper()
	out, stderr, err := helm(t, append([]string{"template", "igsend-exporter", chart, "--namespace=igsend-exporter"}, args...)...)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	return out
}

// parse returns the resources in what helm has rendered.
func parse(t *testing.T, rendered string) resmap.ResMap {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rendered.yaml"), rendered)
	return buildIn(t, dir, nil, nil)
}

// valuesFiles returns the files of testdata, and the example in the chart's README.
func valuesFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no values files", err)
	}
	_, rest, ok := strings.Cut(read(t, "deploy/helm/igsend-exporter/README.md"), "```yaml\n")
	example, _, ended := strings.Cut(rest, "```")
	if !ok || !ended {
		t.Fatal("the chart's README has no example")
	}
	file := filepath.Join(t.TempDir(), "README.yaml")
	write(t, file, "existingConfigMap: igsend-exporter\n"+example)
	return append(files, file)
}

func TestChartMatchesSchemas(t *testing.T) {
	schemas := writeSchemas(t)
	v, err := validator.New([]string{filepath.Join(schemas, schemaNameTemplate)}, validator.Opts{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, values := range valuesFiles(t) {
		t.Run(filepath.Base(values), func(t *testing.T) {
			if out, stderr, err := helm(t, "lint", "--strict", chart, "--values="+values); err != nil {
				t.Errorf("helm lint: %v: %s%s", err, out, stderr)
			}
			rendered := template(t, chart, "--values="+values)
			results := v.Validate(values, io.NopCloser(strings.NewReader(rendered)))
			if len(results) < 4 {
				t.Errorf("only %d resources", len(results))
			}
			for _, result := range results {
				if result.Status != validator.Valid && result.Status != validator.Empty {
					signature, _ := result.Resource.Signature()
					t.Errorf("%s %s: status %v: %v", signature.Kind, signature.Name, result.Status, result.Err)
				}
			}
			pod := find[appsv1.Deployment](t, parse(t, rendered), "Deployment").Spec.Template
			level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
			for _, result := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
				if !result.Allowed {
					t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
				}
			}
		})
	}
}

// The configuration in the values reaches the exporter unchanged.
func TestChartKeepsTheConfiguration(t *testing.T) {
	rendered := parse(t, template(t, chart, "--values=testdata/values/hostile.yaml"))
	text := find[corev1.ConfigMap](t, rendered, "ConfigMap").Data["igsend.yml"]
	got, err := config.Parse([]byte(text), "/etc/igsend_exporter")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want, err := config.Parse([]byte(`
api: {public_key_file: public.key, private_key_file: private.key, concurrency: 1000, requests_per_second: 0.1}
clients:
- {id: 1000000, name: 'He said "{{ .Values }}": # no', labels: {team: "007", note: "a\n- b: c\n", empty: ""}}
- {id: 100000000000000, name: "yes", thresholds: {GBP: {warning: 12000000, critical: 0.00001}}}
- {id: 9007199254740993, name: "1e3", thresholds: {JPY: {warning: 12345678901234567890.12}}}
`), "/etc/igsend_exporter")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Clients, got.Clients); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
	if got.API.Concurrency != 1000 || got.API.RequestsPerSecond != 0.1 {
		t.Errorf("concurrency %d, %v requests per second", got.API.Concurrency, got.API.RequestsPerSecond)
	}
}

func TestChartKeepsTheTextOfTheConfiguration(t *testing.T) {
	for name, text := range map[string]string{
		"the example":     read(t, "deploy/igsend.yml"),
		"without newline": "a: 1",
		"hostile":         "# {{ fail \"no\" }} <&>\t\r\na: 'é\u2028'\n\n  b: 9007199254740993   \n---\n...\n",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "igsend.yml")
			write(t, file, text)
			rendered := parse(t, template(t, chart, "--set-file=config="+file))
			if diff := cmp.Diff(text, find[corev1.ConfigMap](t, rendered, "ConfigMap").Data["igsend.yml"]); diff != "" {
				t.Errorf("igsend.yml (-want +got):\n%s", diff)
			}
		})
	}
}

// Mistakes in values get an error that names them.
func TestChartRefuses(t *testing.T) {
	for name, test := range map[string]struct{ values, want string }{
		"no configuration":      {"", "--set-file config=igsend.yml"},
		"two configurations":    {"{config: a, existingConfigMap: b}", "set config or existingConfigMap, not both"},
		"an unknown value":      {"{existingConfigMap: a, exstingSecret: b}", "exstingSecret"},
		"an unknown inner one":  {"{existingConfigMap: a, serviceMonitor: {enable: true}}", "enable"},
		"a rounded ID":          {"config: {clients: [{id: 9007199254740993}]}", "write that number in quotes"},
		"a rounded threshold":   {"config: {clients: [{id: 1, thresholds: {GBP: {warning: 1234567890123456.25}}}]}", "write that number in quotes"},
		"a huge threshold":      {"config: {clients: [{id: 1, thresholds: {GBP: {warning: 1234567890123456789012345}}}]}", "write that number in quotes"},
		"a tiny threshold":      {"config: {clients: [{id: 1, thresholds: {GBP: {warning: 0.00001}}}]}", "write that number in quotes"},
		"a fractional ID":       {"config: {clients: [{id: 1.5}]}", "/config/clients/0/id"},
		"a number as a name":    {"config: {clients: [{id: 1, name: 1.10}]}", "/config/clients/0/name"},
		"a number as a label":   {"config: {clients: [{id: 1, labels: {team: 007}}]}", "/config/clients/0/labels/team"},
		"a number as a tag":     {"{existingConfigMap: a, image: {tag: 1.10}}", "/image/tag"},
		"a boolean as a label":  {"{existingConfigMap: a, podLabels: {a: true}}", "/podLabels/a"},
		"a mapping of args":     {"{existingConfigMap: a, extraArgs: {log.level: debug}}", "/extraArgs"},
		"arguments in one word": {"{existingConfigMap: a, extraArgs: [log.level=debug]}", "/extraArgs/0"},
		"a name with capitals":  {"{existingConfigMap: a, fullnameOverride: Balances}", "/fullnameOverride"},
		"no Secret":             {"{existingConfigMap: a, existingSecret: \"\"}", "/existingSecret"},
	} {
		t.Run(name, func(t *testing.T) {
			values := filepath.Join(t.TempDir(), "values.yaml")
			write(t, values, test.values)
			out, stderr, err := helm(t, "template", "a", chart, "--values="+values)
			if err == nil || !strings.Contains(stderr, test.want) {
				t.Errorf("error %v, stderr %q; want %q\n%s", err, stderr, test.want, out)
			}
		})
	}
}

// The names and numbers of hostile.yaml arrive as they are.
func TestChartKeepsHostileValues(t *testing.T) {
	var values struct {
		Annotations, PodAnnotations map[string]string
		ExtraArgs                   []string
		ExtraEnv                    []corev1.EnvVar
		Tolerations                 []corev1.Toleration
		NodeSelector                map[string]string
	}
	decode(t, "test/deploy/testdata/values/hostile.yaml", &values)
	deployment := find[appsv1.Deployment](t, parse(t, template(t, chart, "--values=testdata/values/hostile.yaml")), "Deployment")
	pod := deployment.Spec.Template
	got := []any{deployment.Annotations, pod.Annotations, pod.Spec.Containers[0].Args[2:], pod.Spec.Containers[0].Env, pod.Spec.Tolerations, pod.Spec.NodeSelector}
	want := []any{values.Annotations, values.PodAnnotations, values.ExtraArgs, values.ExtraEnv, values.Tolerations, values.NodeSelector}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if got := pod.Spec.Containers[0].Resources.Limits.Memory().Value(); got != 2000000000 {
		t.Errorf("memory limit %d", got)
	}
	name := deployment.Name
	if len(name) > 63 || strings.Trim(name, "-") != name {
		t.Errorf("name %q", name)
	}
}

// The command in docs/install.md works as it is.
func TestChartIsInstalledAsDocumented(t *testing.T) {
	text := strings.ReplaceAll(read(t, "docs/install.md"), "\\\n", "")
	command := regexp.MustCompile(`(?m)^    helm install (igsend-exporter .*)$`).FindStringSubmatch(text)
	if command == nil {
		t.Fatal("docs/install.md does not install the chart")
	}
	args := strings.Fields(command[1])
	for i, arg := range args {
		args[i] = strings.NewReplacer("deploy/helm/igsend-exporter", chart, "config=igsend.yml", "config="+filepath.Join(repository, "deploy/igsend.yml")).Replace(arg)
	}
	out, stderr, err := helm(t, append([]string{"template"}, args...)...)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	rendered := parse(t, out)
	container := find[appsv1.Deployment](t, rendered, "Deployment").Spec.Template.Spec.Containers[0]
	if want := "registry.example.com/igsend_exporter:1"; container.Image != want {
		t.Errorf("image %s, want %s", container.Image, want)
	}
	if diff := cmp.Diff(read(t, "deploy/igsend.yml"), find[corev1.ConfigMap](t, rendered, "ConfigMap").Data["igsend.yml"]); diff != "" {
		t.Errorf("igsend.yml (-want +got):\n%s", diff)
	}
}

// What Helm prints after an installation names the objects that it has created.
func TestChartSaysWhatComesNext(t *testing.T) {
	for _, values := range valuesFiles(t) {
		t.Run(filepath.Base(values), func(t *testing.T) {
			out, stderr, err := helm(t, "install", "a", chart, "--dry-run=client", "--namespace=users", "--values="+values)
			if err != nil {
				t.Fatalf("%v: %s", err, stderr)
			}
			manifest, notes, _ := strings.Cut(out, "\nNOTES:\n")
			deployment := find[appsv1.Deployment](t, parse(t, manifest[strings.Index(manifest, "---\n"):]), "Deployment")
			for _, word := range []string{
				"kubectl --namespace users exec deployment/" + deployment.Name + " -- /igsend_exporter balance --config.file=" + configFile + "\n",
				"create secret generic " + deployment.Spec.Template.Spec.Volumes[0].Projected.Sources[1].Secret.Name + " --from-file",
			} {
				if !strings.Contains(notes, word) {
					t.Errorf("the notes lack %q:\n%s", word, notes)
				}
			}
		})
	}
}
