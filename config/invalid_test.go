package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/invalid/*.err from what Parse says; read the difference before you commit it")

// secret stands in for a key wherever a file of testdata holds one.
const secret = "tOpS3cret"

// TestInvalid holds every file of testdata/invalid against the whole of what is said
// about it, in the .err file beside it.
func TestInvalid(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		t.Run(name, func(t *testing.T) {
			t.Chdir(filepath.Dir(file))
			cfg, err := Load(name + ".yml")
			var problems Errors
			if cfg != nil || !errors.As(err, &problems) {
				t.Fatalf("got a configuration: %t, and the error %v; want none, and Errors", cfg != nil, err)
			}
			if !slices.IsSortedFunc(problems, func(a, b Error) int { return a.Line - b.Line }) {
				t.Errorf("problems are not in the order of their lines:\n%v", err)
			}
			got := err.Error() + "\n"
			if strings.Contains(got, secret) {
				t.Errorf("a secret is in the error:\n%s", got)
			}
			if *update {
				if err := os.WriteFile(name+".err", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name + ".err")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("errors differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestInvalidHasNoOrphans keeps an .err file from outliving its configuration.
func TestInvalidHasNoOrphans(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.err")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, err := os.Stat(strings.TrimSuffix(file, ".err") + ".yml"); err != nil {
			t.Errorf("%s belongs to no configuration: %v", file, err)
		}
	}
}
