package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// secret is the key in every file of testdata.
const secret = "tOpS3cret"

// TestInvalid reads the configurations in the archives of testdata/invalid. Each is
// followed by a file with all errors that it must give. With GOLDEN=update in the
// environment, the test writes these files. To add a case, add only the configuration.
func TestInvalid(t *testing.T) {
	for _, file := range archives(t, "testdata/invalid/*.txtar") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			golden(t, file, func(configuration txtar.File) string {
				w := newWalk(configuration.Name, "")
				cfg, err := w.read(source{data: configuration.Data})
				checkErrors(t, cfg, err)
				return err.Error() + "\n"
			})
		})
	}
}

// TestWarnings reads valid configurations that look like mistakes. The archive has their
// warnings in the same form as the errors of TestInvalid.
func TestWarnings(t *testing.T) {
	golden(t, "testdata/warnings.txtar", func(configuration txtar.File) string {
		w := newWalk(configuration.Name, "")
		cfg, err := w.read(source{data: configuration.Data})
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Warnings.Error() + "\n"
	})
}

// checkErrors checks what must be true for every invalid configuration.
func checkErrors(t *testing.T, cfg *Config, err error) {
	t.Helper()
	var problems Errors
	if cfg != nil || !errors.As(err, &problems) || !slices.ContainsFunc(problems, func(e Error) bool { return !e.Warning }) {
		t.Fatalf("got a configuration: %t, and the error %v; want none, and Errors", cfg != nil, err)
	}
	if !slices.IsSortedFunc(problems, func(a, b Error) int { return a.Line - b.Line }) {
		t.Errorf("problems are not sorted by line:\n%v", err)
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != len(problems) {
		t.Errorf("%d problems print as %d lines:\n%v", len(problems), lines, err)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error contains a secret:\n%v", err)
	}
}

// golden compares an archive with one in which each configuration is followed by the
// result of say.
func golden(t *testing.T, file string, say func(txtar.File) string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := txtar.Format(archive)
	configurations := slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return !strings.HasSuffix(f.Name, ".yml") })
	archive.Files = nil
	for _, f := range configurations {
		answer := txtar.File{Name: strings.TrimSuffix(f.Name, ".yml") + ".txt", Data: []byte(say(f))}
		archive.Files = append(archive.Files, f, answer)
	}
	got := txtar.Format(archive)
	if os.Getenv("GOLDEN") == "update" {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func archives(tb testing.TB, pattern string) []string {
	tb.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		tb.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

// TestInvalidBytes covers characters that can't be in a text archive.
func TestInvalidBytes(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		want    Error
	}{
		"control character": {
			"api:\n  public_key: p\n  private_key: a\ab\n",
			Error{Line: 3, Message: "is not valid YAML: a control character: remove it, or write it as an escape in double quotes"},
		},
		"Latin-1": {
			"api:\n  public_key: p\n  no_proxy: M\xfcnchen\n",
			Error{Line: 3, Message: "is not valid YAML: a character that is not UTF-8: save the file as UTF-8"},
		},
		"CRLF": {
			"api:\r\n  private_key: \"x\r\nclients:\r\n- id: 100045\r\n",
			Error{Line: 2, Message: "is not valid YAML: a quote is never closed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.content), "")
			if diff := cmp.Diff(error(Errors{tt.want}), err); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}
