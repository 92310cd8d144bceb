package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
)

func TestFileWatch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "igsend.yml")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		write("a")
		w := &fileWatch{files: config.NewWatch(file), interval: 30 * time.Second}
		w.begin()
		ctx, stop := context.WithCancel(t.Context())
		reloads := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.run(ctx, func() error {
				reloads++
				return os.ErrInvalid // not repeated
			})
		}()
		var got []int
		for _, content := range []string{"a", "b", "b", "c"} {
			write(content)
			time.Sleep(30 * time.Second) // of the bubble
			synctest.Wait()
			got = append(got, reloads)
		}
		if diff := cmp.Diff([]int{0, 1, 1, 2}, got); diff != "" {
			t.Errorf("reloads after each interval (-want +got):\n%s", diff)
		}
		stop()
		<-done
	})
}

// The changed file is in use without a signal, a broken one is not.
func TestAutoReload(t *testing.T) {
	s := newSite(t)
	p, url := start(t, nil, "--config.file="+s.configFile, "--config.enable-auto-reload", "--config.auto-reload-interval=10ms")
	s.write("igsend.yml", "api:\n")
	p.await("the previous one stays in use")
	s.configure("", "- {id: 100045}\n- {id: 100046}\n")
	p.await(`msg="Configuration reloaded" clients=2 files=1`)
	s.write("more.yml", "clients: [{id: 100047}]\n")
	s.configure("", "- {id: 100045}\n- {id: 100046}\nclients_from: [more.yml]\n")
	p.await(`msg="Configuration reloaded" clients=3 files=2`)
	s.write("more.yml", "clients: [{id: 100047}, {id: 100048}]\n")
	p.await(`msg="Configuration reloaded" clients=4 files=2`)
	want := []string{"igsend_exporter_config_last_reload_successful 1"}
	if diff := cmp.Diff(want, samples(get(t, url+"/metrics"), "igsend_exporter_config_last_reload_successful")); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestAutoReloadErrors(t *testing.T) {
	s := newSite(t)
	for want, args := range map[string][]string{
		"--config.enable-auto-reload needs --config.file":   {"--igsend.client-id=1", "--config.enable-auto-reload"},
		"--config.auto-reload-interval=0s: must be above 0": {"--config.file=" + s.configFile, "--config.auto-reload-interval=0s"},
	} {
		if _, stderr, status := execute(t, nil, args...); status != 1 || !strings.Contains(stderr, want) {
			t.Errorf("exit status %d, want 1 with %q:\n%s", status, want, stderr)
		}
	}
}
