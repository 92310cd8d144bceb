package deploy

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/kustomize/api/resmap"
)

// The chart and the kustomizations run the exporter in the same way.
func TestChartAgreesWithKustomize(t *testing.T) {
	for overlay, args := range map[string][]string{
		"exporter alone":        nil,
		"with operator":         {"--set=serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboards.enabled=true"},
		"with web":              {"--set=web.existingSecret=igsend-exporter-web"},
		"with operator and web": {"--set=serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboards.enabled=true,web.existingSecret=igsend-exporter-web"},
	} {
		t.Run(overlay, func(t *testing.T) {
			want := build(t, overlay)
			got := parse(t, template(t, chart, append(args, "--set=existingConfigMap=igsend-exporter,serviceAccount.create=false")...))

			wantPod, gotPod := pod(t, want), pod(t, got)
			// Helm's chart names the image by its own version, and says when to pull it.
			gotPod.Containers[0].Image, gotPod.Containers[0].ImagePullPolicy = wantPod.Containers[0].Image, ""
			gotPod.ServiceAccountName = ""
			inAnyOrder := cmp.Options{
				cmpopts.SortSlices(func(a, b corev1.Volume) bool { return a.Name < b.Name }),
				cmpopts.SortSlices(func(a, b corev1.VolumeMount) bool { return a.Name < b.Name }),
			}
			if diff := cmp.Diff(wantPod, gotPod, inAnyOrder); diff != "" {
				t.Errorf("pod (-kustomize +chart):\n%s", diff)
			}

			wantPolicy, gotPolicy := find[networkingv1.NetworkPolicy](t, want, "NetworkPolicy").Spec, find[networkingv1.NetworkPolicy](t, got, "NetworkPolicy").Spec
			gotPolicy.PodSelector = wantPolicy.PodSelector
			if diff := cmp.Diff(wantPolicy, gotPolicy); diff != "" {
				t.Errorf("network policy (-kustomize +chart):\n%s", diff)
			}
			if diff := cmp.Diff(find[corev1.Service](t, want, "Service").Spec.Ports, find[corev1.Service](t, got, "Service").Spec.Ports); diff != "" {
				t.Errorf("ports (-kustomize +chart):\n%s", diff)
			}

			wantObjects, gotObjects := monitoring(t, want), monitoring(t, got)
			if diff := cmp.Diff(wantObjects, gotObjects); diff != "" {
				t.Errorf("objects for Prometheus and Grafana (-kustomize +chart):\n%s", diff)
			}
		})
	}
}

func pod(t *testing.T, resources resmap.ResMap) corev1.PodSpec {
	t.Helper()
	return find[appsv1.Deployment](t, resources, "Deployment").Spec.Template.Spec
}

// monitoring returns, by kind, the labels by which the operator and Grafana select objects,
// and what is in them. The selector of a ServiceMonitor is tested elsewhere.
func monitoring(t *testing.T, resources resmap.ResMap) map[string][]any {
	t.Helper()
	all := map[string][]any{}
	for _, resource := range resources.Resources() {
		labels := resource.GetLabels()
		maps.DeleteFunc(labels, func(name, _ string) bool { return strings.Contains(name, "/") })
		content, err := resource.Map()
		if err != nil {
			t.Fatal(err)
		}
		switch kind := resource.GetKind(); kind {
		case "ServiceMonitor":
			spec := content["spec"].(map[string]any)
			delete(spec, "selector")
			all[kind] = append(all[kind], labels, spec)
		case "PrometheusRule":
			all[kind] = append(all[kind], labels, content["spec"])
		case "ConfigMap":
			all[kind] = append(all[kind], labels, content["data"])
		}
	}
	return all
}

// Every selector matches the pod, whatever the names and labels are.
func TestChartSelectsItsPod(t *testing.T) {
	for _, values := range valuesFiles(t) {
		t.Run(values, func(t *testing.T) {
			resources := parse(t, template(t, chart, "--values="+values, "--set=serviceMonitor.enabled=true,networkPolicy.enabled=true"))
			deployment := find[appsv1.Deployment](t, resources, "Deployment")
			service := find[corev1.Service](t, resources, "Service")
			monitor := find[struct {
				APIVersion, Kind string
				Metadata         any
				Spec             struct {
					JobLabel  string
					Endpoints any
					Selector  struct{ MatchLabels map[string]string }
				}
			}](t, resources, "ServiceMonitor")
			for what, test := range map[string]struct{ selector, labels map[string]string }{
				"the Deployment":     {deployment.Spec.Selector.MatchLabels, deployment.Spec.Template.Labels},
				"the Service":        {service.Spec.Selector, deployment.Spec.Template.Labels},
				"the NetworkPolicy":  {find[networkingv1.NetworkPolicy](t, resources, "NetworkPolicy").Spec.PodSelector.MatchLabels, deployment.Spec.Template.Labels},
				"the ServiceMonitor": {monitor.Spec.Selector.MatchLabels, service.Labels},
			} {
				if len(test.selector) < 2 {
					t.Errorf("%s selects by %v, which others may have too", what, test.selector)
				}
				for name, value := range test.selector {
					if test.labels[name] != value {
						t.Errorf("%s selects %s=%s, but the label is %q", what, name, value, test.labels[name])
					}
				}
			}
			if service.Labels[monitor.Spec.JobLabel] == "" {
				t.Errorf("the Service has no label %s, which names the job", monitor.Spec.JobLabel)
			}
		})
	}
}
