package deploy

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
)

// The exporter, with the arguments of the manifest, notices a change of the ConfigMap. The
// kubelet writes a mounted volume into a new directory and then swaps the link ..data.
func TestConfigurationChangesReachThePod(t *testing.T) {
	dir := t.TempDir()
	for file, link := range map[string]string{"igsend.yml": "..data/igsend.yml", "public.key": "..data/public.key", "private.key": "..data/private.key"} {
		if err := os.Symlink(link, filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	mount := func(version, client string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		for file, content := range map[string]string{
			"igsend.yml": "api: {endpoint: \"http://127.0.0.1:1/\", public_key_file: public.key, private_key_file: private.key}\n" +
				"clients: [{id: " + client + "}]\n",
			"public.key": "a", "private.key": "b",
		} {
			write(t, filepath.Join(dir, version, file), content)
		}
		next := filepath.Join(dir, "..data_tmp")
		if err := os.Symlink(version, next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	mount("..2026_11_26_06_00_00.1", "100045")

	var args []string
	for _, arg := range find[appsv1.Deployment](t, build(t, "exporter alone"), "Deployment").Spec.Template.Spec.Containers[0].Args {
		args = append(args, strings.ReplaceAll(arg, filepath.Dir(configFile), dir))
	}
	address := serve(t, append(args, "--config.auto-reload-interval=50ms")...)
	waitForClient(t, address, "100045")
	mount("..2026_11_26_06_00_00.2", "100046")
	waitForClient(t, address, "100046")
}

func waitForClient(t *testing.T, address, client string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		response, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), fmt.Sprintf("igsend_client_info{client_id=%q,", client)) {
			return
		}
	}
	t.Fatalf("the exporter does not watch client %s", client)
}
