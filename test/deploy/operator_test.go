package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/resmap"
)

// A user's own objects, of the kinds and with the labels that the components have too.
const usersObjects = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: users}
data: {a: b}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: rules, namespace: users, labels: {release: users, team: a}}
spec: {groups: [{name: a, rules: [{alert: A, expr: vector(1)}]}]}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: monitor, labels: {app.kubernetes.io/name: users}}
spec: {selector: {}, endpoints: [{port: metrics}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: users, namespace: users}
spec:
  selector: {matchLabels: {app: users}}
  template:
    metadata: {labels: {app: users}}
    spec: {containers: [{name: exporter, image: users}]}
`

// The components leave alone what else is in a user's kustomization.
func TestComponentsTouchOnlyTheirOwnObjects(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "users.yaml"), usersObjects)
	want := objects(buildIn(t, dir, nil, nil))
	if len(want) != 4 {
		t.Fatalf("the user has %d objects", len(want))
	}
	for name, components := range overlays {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, object := range objects(buildIn(t, dir, []string{"base"}, components)) {
				if slices.Contains(want, object) || strings.Contains(object, "namespace: users") {
					got = append(got, object)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the user's objects (-without +with the components):\n%s", diff)
			}
		})
	}
}

// objects returns each resource as YAML, sorted.
func objects(resources resmap.ResMap) []string {
	var all []string
	for _, resource := range resources.Resources() {
		all = append(all, resource.MustYaml())
	}
	slices.Sort(all)
	return all
}

// operatorRules returns the rules without the alert that always fires. The stacks that bring
// the operator have one, and a second one would page.
func operatorRules(t *testing.T) any {
	t.Helper()
	var rules map[string]any
	decode(t, "deploy/prometheus/rules/igsend.rules.yml", &rules)
	removed := 0
	for _, group := range rules["groups"].([]any) {
		group := group.(map[string]any)
		group["rules"] = slices.DeleteFunc(group["rules"].([]any), func(rule any) bool {
			watchdog := rule.(map[string]any)["expr"] == "vector(1)"
			if watchdog {
				removed++
			}
			return watchdog
		})
	}
	if removed != 1 {
		t.Fatalf("%d alerts always fire, want 1", removed)
	}
	return rules
}

// The only generated file that is committed: see generate next to it.
func TestPrometheusRuleHoldsTheRules(t *testing.T) {
	for _, resource := range build(t, "with operator").Resources() {
		if resource.GetKind() != "PrometheusRule" {
			continue
		}
		content, err := resource.Map()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(operatorRules(t), content["spec"]); diff != "" {
			t.Errorf("run deploy/kubernetes/prometheus-operator/objects/generate; differs (-rules +resource):\n%s", diff)
		}
		return
	}
	t.Error("there is no PrometheusRule")
}

func TestDashboardsAreTheFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(repository, "dashboards/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no dashboards", err)
	}
	configMaps := map[string]string{}
	for _, resource := range build(t, "with operator").Resources() {
		if resource.GetKind() != "ConfigMap" {
			continue
		}
		if got := resource.GetLabels()["grafana_dashboard"]; got != "1" {
			t.Errorf("%s: label grafana_dashboard is %q, so Grafana won't find it", resource.GetName(), got)
		}
		for name, content := range resource.GetDataMap() {
			configMaps[name] = content
		}
		if size := len(resource.MustString()); size > 256<<10 {
			t.Errorf("%s has %d bytes, more than kubectl apply takes", resource.GetName(), size)
		}
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if configMaps[filepath.Base(file)] != string(content) {
			t.Errorf("no ConfigMap holds %s", filepath.Base(file))
		}
		delete(configMaps, filepath.Base(file))
	}
	if len(configMaps) > 0 {
		t.Errorf("more ConfigMaps than dashboards: %v", configMaps)
	}
}

func TestUsualStacksFindTheResources(t *testing.T) {
	want := map[string]string{"release": "kube-prometheus-stack", "prometheus": "k8s", "role": "alert-rules"}
	found := 0
	resources := build(t, "with operator")
	for _, resource := range resources.Resources() {
		if resource.GetGvk().Group != "monitoring.coreos.com" {
			continue
		}
		found++
		for label, value := range want {
			if got := resource.GetLabels()[label]; got != value {
				t.Errorf("%s: label %s is %q, want %q", resource.GetKind(), label, got, value)
			}
		}
	}
	if found != 2 {
		t.Errorf("found %d resources of the operator, want 2", found)
	}
	for _, resource := range resources.Resources() {
		if kind := resource.GetKind(); kind != "Namespace" && resource.GetNamespace() != "igsend-exporter" {
			t.Errorf("%s %s is in namespace %q", kind, resource.GetName(), resource.GetNamespace())
		}
	}
}
