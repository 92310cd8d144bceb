//go:build unix

package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Nothing reads a pipe without a writer, which would wait for one, and nothing takes the
// content of a pipe from whom it is for.
func TestPipesAreNotRead(t *testing.T) {
	dir := writeFiles(t, map[string]string{"igsend.yml": "api: {public_key: p, private_key: q}\nclients_from: a.yml\n"})
	pipe := filepath.Join(dir, "a.yml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(filepath.Join(dir, "igsend.yml")); err == nil || !strings.HasSuffix(err.Error(), pipe+" is not a regular file") {
		t.Errorf("Load = %v", err)
	}
	for name, w := range map[string]*Watch{"the file itself": NewWatch(pipe), "a further file": NewWatch(filepath.Join(dir, "igsend.yml"))} {
		if first, second := w.Changed(), w.Changed(); !first || second {
			t.Errorf("%s: changed is %t, then %t; want only the first", name, first, second)
		}
	}
}

// A configuration from a pipe, such as a process substitution in a shell, can be read once.
func TestLoadFromAPipe(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.yml": "clients: [{id: 1}]\n"})
	pipe := filepath.Join(dir, "igsend.yml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		written <- os.WriteFile(pipe, []byte("api: {public_key: p, private_key: q}\nclients_from: a.yml\n"), 0)
	}()
	cfg, err := Load(pipe)
	if err != nil || len(cfg.Clients) != 1 {
		t.Errorf("Load = %v, %v", cfg, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}
