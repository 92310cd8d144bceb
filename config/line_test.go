package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "igsend.yml")
	if err := os.WriteFile(file, []byte("# a comment\napi: &a\n  public_key: x\n  tls_config: {ca_file: y}\nother: *a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path []string
		want int
	}{
		"a field":            {[]string{"api", "public_key"}, 3},
		"in one line":        {[]string{"api", "tls_config", "ca_file"}, 4},
		"behind an alias":    {[]string{"other", "public_key"}, 3},
		"no such field":      {[]string{"api", "private_key"}, 0},
		"nothing below":      {[]string{"api", "public_key", "x"}, 0},
		"no such file's top": {[]string{"nothing"}, 0},
	} {
		if got := Line(file, test.path...); got != test.want {
			t.Errorf("%s: line %d, want %d", name, got, test.want)
		}
	}
	if got := Line(file+".missing", "api"); got != 0 {
		t.Errorf("a missing file: line %d, want 0", got)
	}
}
