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
)

func TestFileWatch(t *testing.T) {
	dir := t.TempDir()
	write := func(t *testing.T, name, content string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	link := filepath.Join(dir, "igsend.yml")
	swap := func(t *testing.T, target string) {
		t.Helper()
		if err := os.Symlink(target, link+".next"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".next", link); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		swap(t, write(t, "one", "a"))
		w := &fileWatch{name: link, interval: 30 * time.Second}
		ctx, stop := context.WithCancel(t.Context())
		w.changed(ctx) // as serve does before it loads the file
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
		for _, change := range []func(){
			func() {},                                // nothing
			func() { write(t, "one", "b") },          // in place
			func() { write(t, "one", "b") },          // the same again
			func() { swap(t, write(t, "two", "c")) }, // as the kubelet does
			func() { swap(t, write(t, "six", "c")) }, // another file, the same content
			func() { _ = os.Remove(link) },           // gone
			func() { swap(t, write(t, "two", "c")) }, // and back
		} {
			change()
			time.Sleep(30 * time.Second) // of the bubble
			synctest.Wait()
			got = append(got, reloads)
		}
		if diff := cmp.Diff([]int{0, 1, 1, 2, 2, 3, 4}, got); diff != "" {
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
	p.await(`msg="Configuration reloaded" clients=2`)
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
