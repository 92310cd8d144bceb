package deploy

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// shardArgs returns the arguments of one pod of a StatefulSet about shards, as the kubelet expands them.
func shardArgs(set appsv1.StatefulSet, ordinal int) (args []string) {
	container := set.Spec.Template.Spec.Containers[0]
	for _, arg := range container.Args {
		for _, env := range container.Env {
			value := env.Value
			if env.ValueFrom != nil && env.ValueFrom.FieldRef.FieldPath == "metadata.name" {
				value = fmt.Sprintf("%s-%d", set.Name, ordinal)
			}
			arg = strings.ReplaceAll(arg, "$("+env.Name+")", value)
		}
		if strings.Contains(arg, "shard") {
			args = append(args, arg)
		}
	}
	return args
}

func TestShardsAreWhole(t *testing.T) {
	exporter := filepath.Join(t.TempDir(), "igsend_exporter")
	compile := exec.CommandContext(t.Context(), "go", "build", "-o", exporter, ".")
	compile.Dir = repository
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, parts := range overlays {
		if !slices.Contains(parts, "shards") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			resources := build(t, name)
			set := find[appsv1.StatefulSet](t, resources, "StatefulSet")
			total := int(*set.Spec.Replicas)
			for i := range total + 1 {
				args := shardArgs(set, i)
				want := []string{fmt.Sprintf("--shard=igsend-exporter-%d", i), "--total-shards=" + strconv.Itoa(total)}
				if diff := cmp.Diff(want, args); diff != "" {
					t.Errorf("arguments of pod %d (-want +got):\n%s", i, diff)
				}
				// The program takes them from the pods that there are, and not from one more.
				args = append(args, "check", "--config.file="+filepath.Join(repository, "deploy/igsend.yml"))
				out, _ := exec.CommandContext(t.Context(), exporter, args...).CombinedOutput()
				if refused := strings.Contains(string(out), "--shard="); refused != (i == total) {
					t.Errorf("pod %d of %d: %s", i, total, out)
				}
			}
			service := find[corev1.Service](t, resources, "Service")
			if service.Spec.ClusterIP != corev1.ClusterIPNone || set.Spec.ServiceName != service.Name {
				t.Errorf("the service %s has the address %q; the StatefulSet names %s", service.Name, service.Spec.ClusterIP, set.Spec.ServiceName)
			}
			for _, resource := range resources.Resources() {
				if resource.GetKind() == "Deployment" {
					t.Error("there is a Deployment, too")
				}
			}
			if web := slices.Contains(parts, "web"); web != slices.Contains(set.Spec.Template.Spec.Containers[0].Args, "--web.config.file=/etc/igsend_exporter_web/web.yml") {
				t.Errorf("the web configuration is not as wanted: %t", web)
			}
		})
	}
}
