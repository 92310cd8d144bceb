package deploy

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yannh/kubeconform/pkg/validator"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// overlays are the combinations of parts that docs/install.md describes.
var overlays = map[string][]string{
	"exporter alone":        {},
	"with operator":         {"prometheus-operator"},
	"with web":              {"web"},
	"with operator and web": {"prometheus-operator", "web"},
	"with shards":           {"shards"},
	"with shards, then web": {"shards", "web"},
	"with everything":       {"prometheus-operator", "web", "shards"},
}

func TestKubernetesResourcesMatchTheirSchemas(t *testing.T) {
	schemas := writeSchemas(t)
	v, err := validator.New([]string{filepath.Join(schemas, schemaNameTemplate)}, validator.Opts{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	for name := range overlays {
		t.Run(name, func(t *testing.T) {
			yml, err := build(t, name).AsYaml()
			if err != nil {
				t.Fatal(err)
			}
			results := v.Validate(name, io.NopCloser(strings.NewReader(string(yml))))
			if len(results) < 4 {
				t.Errorf("only %d resources", len(results))
			}
			for _, result := range results {
				if result.Status != validator.Valid {
					signature, _ := result.Resource.Signature()
					t.Errorf("%s %s: status %v: %v", signature.Kind, signature.Name, result.Status, result.Err)
				}
			}
		})
	}
}

func TestSchemasNoticeMistakes(t *testing.T) {
	schemas := writeSchemas(t)
	v, err := validator.New([]string{filepath.Join(schemas, schemaNameTemplate)}, validator.Opts{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, resource := range map[string]string{
		"unknown field":        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {prots: []}}",
		"wrong type":           "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: http}]}}",
		"missing field":        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {}}}",
		"unknown CRD field":    "{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: a}, spec: {selector: {}, endpoints: [{prot: a}]}}",
		"bad CRD value":        "{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: a}, spec: {selector: {}, endpoints: [{interval: often}]}}",
		"rule without an expr": "{apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, metadata: {name: a}, spec: {groups: [{name: a, rules: [{alert: A}]}]}}",
	} {
		t.Run(name, func(t *testing.T) {
			for _, result := range v.Validate(name, io.NopCloser(strings.NewReader(resource))) {
				if result.Status != validator.Invalid {
					t.Errorf("status %v, err %v; want it invalid", result.Status, result.Err)
				}
			}
		})
	}
}

func TestPodIsRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name := range overlays {
		t.Run(name, func(t *testing.T) {
			template := podTemplate(t, name)
			level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
			for _, result := range evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec) {
				if !result.Allowed {
					t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
				}
			}
			container := template.Spec.Containers[0]
			if readOnly := container.SecurityContext.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
				t.Error("its root file system is writable")
			}
			if token := template.Spec.AutomountServiceAccountToken; token == nil || *token {
				t.Error("it gets a token for the cluster, which it does not need")
			}
			namespace := find[corev1.Namespace](t, build(t, name), "Namespace")
			if got := namespace.Labels[api.EnforceLevelLabel]; got != string(api.LevelRestricted) {
				t.Errorf("the namespace enforces %q", got)
			}
		})
	}
}

func TestProbesNeverScrape(t *testing.T) {
	for name := range overlays {
		t.Run(name, func(t *testing.T) {
			container := podTemplate(t, name).Spec.Containers[0]
			for path, probe := range map[string]*corev1.Probe{"/-/healthy": container.LivenessProbe, "/-/ready": container.ReadinessProbe} {
				switch {
				case probe == nil:
					t.Errorf("no probe asks for %s", path)
				case probe.HTTPGet != nil && probe.Exec == nil && !slices.Contains(overlays[name], "web"):
					if probe.HTTPGet.Path != path {
						t.Errorf("a probe asks for %s, want %s", probe.HTTPGet.Path, path)
					}
				// The kubelet has no password.
				case probe.Exec != nil && probe.HTTPGet == nil && slices.Contains(overlays[name], "web"):
					want := []string{"/igsend_exporter", "healthcheck", "--url=https://localhost:10045" + path}
					if diff := cmp.Diff(want, probe.Exec.Command); diff != "" {
						t.Errorf("probe (-want +got):\n%s", diff)
					}
				default:
					t.Errorf("probe for %s: %v", path, probe)
				}
			}
		})
	}
}

func TestNetworkPolicyHasBothWays(t *testing.T) {
	resources := build(t, "exporter alone")
	policy := find[networkingv1.NetworkPolicy](t, resources, "NetworkPolicy")
	deployment := find[appsv1.Deployment](t, resources, "Deployment")
	if diff := cmp.Diff(deployment.Spec.Selector.MatchLabels, policy.Spec.PodSelector.MatchLabels); diff != "" {
		t.Errorf("the policy does not select the pods of the deployment (-deployment +policy):\n%s", diff)
	}
	want := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	if diff := cmp.Diff(want, policy.Spec.PolicyTypes); diff != "" {
		t.Errorf("policy types (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(deployment.Spec.Selector.MatchLabels, find[corev1.Service](t, resources, "Service").Spec.Selector); diff != "" {
		t.Errorf("the service does not select the pods of the deployment (-deployment +service):\n%s", diff)
	}
	pods := func(namespace, label, value string) networkingv1.NetworkPolicyPeer {
		return networkingv1.NetworkPolicyPeer{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}},
			PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{label: value}},
		}
	}
	tcp, metrics := corev1.ProtocolTCP, intstr.FromString("metrics")
	ingress := []networkingv1.NetworkPolicyIngressRule{{
		From:  []networkingv1.NetworkPolicyPeer{pods("monitoring", "app.kubernetes.io/name", "prometheus")},
		Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: &metrics}},
	}}
	if diff := cmp.Diff(ingress, policy.Spec.Ingress); diff != "" {
		t.Errorf("who may connect (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(pods("kube-system", "k8s-app", "kube-dns"), policy.Spec.Egress[0].To[0]); diff != "" {
		t.Errorf("where names are resolved (-want +got):\n%s", diff)
	}
	var ports []string
	for _, rule := range policy.Spec.Egress {
		if len(rule.To) == 0 {
			t.Errorf("allows egress to any address: %v", rule)
		}
		for _, port := range rule.Ports {
			ports = append(ports, fmt.Sprint(*port.Protocol, " ", port.Port))
		}
	}
	if diff := cmp.Diff([]string{"UDP 53", "TCP 53", "TCP 443"}, ports); diff != "" {
		t.Errorf("ports out (-want +got):\n%s", diff)
	}
}

// build builds an overlay as `kubectl apply -k` does, which refuses files from outside
// its directory.
func build(t *testing.T, overlay string) resmap.ResMap {
	t.Helper()
	return buildIn(t, t.TempDir(), []string{"base"}, overlays[overlay])
}

// buildIn builds a kustomization of the given parts of deploy/kubernetes and of all other
// YAML files in dir.
func buildIn(t *testing.T, dir string, bases, components []string) resmap.ResMap {
	t.Helper()
	parts, err := filepath.Rel(dir, filepath.Join(repository, "deploy/kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	kustomization := map[string][]string{}
	for _, base := range bases {
		kustomization["resources"] = append(kustomization["resources"], filepath.Join(parts, base))
	}
	for _, file := range files {
		kustomization["resources"] = append(kustomization["resources"], filepath.Base(file))
	}
	for _, component := range components {
		kustomization["components"] = append(kustomization["components"], filepath.Join(parts, component))
	}
	yml, err := yaml.Marshal(kustomization)
	if err != nil {
		t.Fatal(err)
	}
	// Not in *.yaml, so that it is not a resource of the next call.
	if err := os.WriteFile(filepath.Join(dir, "Kustomization"), yml, 0o600); err != nil {
		t.Fatal(err)
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return resources
}

// podTemplate returns the template of an overlay's pods.
func podTemplate(t *testing.T, overlay string) corev1.PodTemplateSpec {
	t.Helper()
	if slices.Contains(overlays[overlay], "shards") {
		return find[appsv1.StatefulSet](t, build(t, overlay), "StatefulSet").Spec.Template
	}
	return find[appsv1.Deployment](t, build(t, overlay), "Deployment").Spec.Template
}

// find returns the only resource of a kind.
func find[T any](t *testing.T, resources resmap.ResMap, kind string) T {
	t.Helper()
	var found []T
	for _, resource := range resources.Resources() {
		if resource.GetKind() != kind {
			continue
		}
		var typed T
		if err := yaml.UnmarshalStrict([]byte(resource.MustYaml()), &typed); err != nil {
			t.Fatal(err)
		}
		found = append(found, typed)
	}
	if len(found) != 1 {
		t.Fatalf("%d resources of kind %s, want 1", len(found), kind)
	}
	return found[0]
}
