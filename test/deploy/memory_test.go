package deploy

import (
	"regexp"
	"strconv"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// All memory limits are the same, and have room for twice what README.md's table shows for
// 10,000 clients. The memory request on Kubernetes is enough for 1,000.
func TestMemoryLimits(t *testing.T) {
	resources := find[appsv1.Deployment](t, build(t, "exporter alone"), "Deployment").Spec.Template.Spec.Containers[0].Resources
	limit := resources.Limits.Memory().Value()
	for name, got := range map[string]int64{
		"compose": int64(project(t).Services["igsend-exporter"].MemLimit),
		"systemd": 1 << 20 * number(t, "deploy/systemd/igsend_exporter.service", `MemoryMax=(\d+)M\n`),
	} {
		if got != limit {
			t.Errorf("%s limits memory to %d bytes, Kubernetes to %d", name, got, limit)
		}
	}
	for clients, most := range map[string]int64{"10,000": limit / 2, "1,000": resources.Requests.Memory().Value()} {
		if megabytes := number(t, "README.md", `\n\| `+clients+` \| (\d+) MB \|`); megabytes*1e6 > most {
			t.Errorf("%s clients take %d MB, more than %d bytes", clients, megabytes, most)
		}
	}
}

// number returns the number in the part of a file that matches.
func number(t *testing.T, path, pattern string) int64 {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(read(t, path))
	if match == nil {
		t.Fatalf("%s has nothing like %s", path, pattern)
	}
	n, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
