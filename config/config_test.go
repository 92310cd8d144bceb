package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

const valid = "api: {public_key: p, private_key: q}\nclients:\n- id: 100045\n"

func TestLoadUnreadable(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{
		"missing":   filepath.Join(dir, "igsend.yml"),
		"directory": dir,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(path)
			var pathError *fs.PathError
			if !errors.As(err, &pathError) || !strings.HasPrefix(err.Error(), "configuration file: ") || !strings.Contains(err.Error(), path) {
				t.Errorf("Load = %v; want the path and the cause", err)
			}
		})
	}
}

func TestLoadSize(t *testing.T) {
	syntax := Error{Line: 1, Message: "is not valid YAML: a value is missing, or brackets do not match"}
	large := Error{Message: "is larger than 64 MiB, more than any configuration needs"}
	for name, tt := range map[string]struct {
		begin string // what follows is content at whose first character the parser stops
		size  int
		want  Error
	}{
		"at the bound":    {"", maxSize, syntax},
		"above the bound": {"", maxSize + 1, large},
		"far above it":    {"", maxSize + 1<<20, large},
		// All that is read could be parsed, but clients would be missing.
		"a list of clients": {valid + strings.Repeat("# \n", maxSize/3) + "- id: 2\n", maxSize + 1<<20, large},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "igsend.yml")
			content := append([]byte(tt.begin), bytes.Repeat([]byte("}"), tt.size-len(tt.begin))...)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			tt.want.File = path
			_, err := Load(path)
			if diff := cmp.Diff(error(Errors{tt.want}), err); diff != "" {
				t.Errorf("Load (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLoadNamesTheFile: errors from Load name the file; those from Parse do not.
func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "igsend.yml")
	content := []byte(valid + "- id: 0\n")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, loaded := Load(path)
	_, parsed := Parse(content, ".")
	problem := Error{Line: 4, Field: "clients[1].id", Message: `must be a positive whole number of at most 19 plain digits, such as 100045, not "0"`}
	if diff := cmp.Diff(Errors{problem}, parsed); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	problem.File = path
	if diff := cmp.Diff(Errors{problem}, loaded); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

func TestParseDirectory(t *testing.T) {
	cfg, err := Parse([]byte("api: {public_key_file: a, private_key_file: /b, tls_config: {ca_file: c}}\nclients: [{id: 1}]"), "/etc/igsend")
	if err != nil {
		t.Fatal(err)
	}
	want := igsend.KeySource{PublicFile: "/etc/igsend/a", PrivateFile: "/b"}
	if cfg.API.Keys != want || cfg.API.TLS.CAFile != "/etc/igsend/c" {
		t.Errorf("key files %q and %q, CA file %q", cfg.API.Keys.PublicFile, cfg.API.Keys.PrivateFile, cfg.API.TLS.CAFile)
	}
}

func TestErrorsPrintOnePerLine(t *testing.T) {
	err := error(Errors{
		{File: "igsend.yml", Line: 14, Field: "clients[2].id", Message: "is missing"},
		{File: "igsend.yml", Line: 2, Message: "is not valid YAML"},
		{File: "igsend.yml", Message: "is empty"},
		{Line: 3, Field: "api", Message: "is missing"},
		{Field: "--igsend.client-id", Message: "is missing"},
	})
	want := `igsend.yml:14: clients[2].id: is missing
igsend.yml:2: is not valid YAML
igsend.yml: is empty
line 3: api: is missing
--igsend.client-id: is missing`
	if got := fmt.Sprint(err); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestEndpointLoopback checks which hosts may be used without TLS.
func TestEndpointLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost":              true,
		"LocalHost:8080":         true,
		"127.0.0.1":              true,
		"127.255.255.254:1":      true,
		"[::1]:8080":             true,
		"128.0.0.1":              false,
		"0.0.0.0":                false,
		"[::]":                   false,
		"[::2]":                  false,
		"127.1":                  false,
		"127.0.0.1.example.com":  false,
		"localhost.":             false,
		"localhost@example.com":  false,
		"notlocalhost":           false,
		"api.igsend.co.uk":       false,
		"2130706433":             false,
		"192.168.0.1#@localhost": false,
	} {
		for _, scheme := range []string{"http", "HTTP"} {
			_, err := Parse(fmt.Appendf(nil, "api: {public_key: p, private_key: q, endpoint: %q}\nclients: [{id: 1}]", scheme+"://"+host+"/"), "")
			if got := err == nil; got != want {
				t.Errorf("%s://%s/: accepted is %t, want %t (%v)", scheme, host, got, want, err)
			}
		}
	}
}

// sharing returns a configuration with n clients that share the thresholds of the first
// through an alias. There are at most 676 currencies, each an alias for the severities.
func sharing(n, currencies, severities int) []byte {
	var b strings.Builder
	b.WriteString("api: {public_key: p, private_key: q}\nclients:\n- id: 1\n  thresholds: &all\n    GBP: &one {")
	for i := range severities {
		fmt.Fprintf(&b, "s%d: 1, ", i)
	}
	b.WriteString("}\n")
	for i := range currencies - 1 {
		fmt.Fprintf(&b, "    X%c%c: *one\n", 'A'+i/26, 'A'+i%26)
	}
	for i := 2; i <= n; i++ {
		fmt.Fprintf(&b, "- {id: %d, thresholds: *all}\n", i)
	}
	return []byte(b.String())
}

func TestAliasesMayBeMany(t *testing.T) {
	cfg, err := Parse(sharing(10_000, 10, 2), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cfg.Clients {
		if len(c.Thresholds) != 20 {
			t.Fatalf("client %d has %d thresholds", c.ID, len(c.Thresholds))
		}
	}
}

// TestAliasesAreBounded: each level of aliases multiplies the previous one, but the file
// soon gives one error. The budget is smaller here to keep the test short.
func TestAliasesAreBounded(t *testing.T) {
	const message = "the aliases and merges in this file are nested more than 20 deep, perhaps in a cycle, or expand to more than 1000000 values: use fewer"
	var labels strings.Builder
	for i := range 100 {
		fmt.Fprintf(&labels, "l%d: a, ", i)
	}
	for name, tt := range map[string]struct {
		content []byte
		want    Errors
	}{
		"three levels": {
			sharing(100, 60, 60),
			Errors{{Line: 49, Field: "clients[2].thresholds.XBR", Message: message}},
		},
		"merges": {
			mergingMerges(8, 20),
			Errors{{Line: 6, Field: "clients[3].labels", Message: message}},
		},
		"list of mappings": {
			repeating("{<<: &list ["+strings.Repeat("{team: a}, ", 100)+"]}", "{<<: *list}"),
			Errors{{Line: 53, Field: "clients[49].labels", Message: message}},
		},
		"merge inside": {
			repeating("&all {<<: {"+labels.String()+"}}", "*all"),
			Errors{{Line: 4, Field: "clients[98].labels", Message: message}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWalk("", "")
			w.budget = 20_000
			_, err := w.read(source{data: tt.content})
			if diff := cmp.Diff(error(tt.want), err); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAliasesAreBoundedInParse: Parse has the full budget.
func TestAliasesAreBoundedInParse(t *testing.T) {
	_, err := Parse(mergingMerges(8, 30), "")
	want := Errors{{Line: 6, Field: "clients[4].labels", Message: "the aliases and merges in this file are nested more than 20 deep, perhaps in a cycle, or expand to more than 1000000 values: use fewer"}}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

// mergingMerges returns a configuration with clients whose labels merge those of the
// previous client, width times.
func mergingMerges(depth, width int) []byte {
	var b strings.Builder
	b.WriteString("api: {public_key: p, private_key: q}\nclients:\n- id: 1\n  labels: &m0 {team: a}\n")
	for i := range depth {
		source := fmt.Sprintf("*m%d", i)
		fmt.Fprintf(&b, "- id: %d\n  labels: &m%d {<<: [%s%s]}\n", i+2, i+1, source, strings.Repeat(", "+source, width-1))
	}
	return []byte(b.String())
}

// repeating returns a configuration with 2000 clients, of which only the first has its own
// labels.
func repeating(first, others string) []byte {
	var b strings.Builder
	b.WriteString("api: {public_key: p, private_key: q}\nclients:\n- id: 1\n  labels: " + first + "\n")
	for i := 2; i <= 2000; i++ {
		fmt.Fprintf(&b, "- {id: %d, labels: %s}\n", i, others)
	}
	return []byte(b.String())
}

func TestDeepNesting(t *testing.T) {
	for name, content := range map[string]string{
		"lists":    strings.Repeat("[", 1<<20),
		"mappings": strings.Repeat("{a: ", 1<<18),
		"blocks":   strings.Repeat("- ", 1<<18),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(content), "")
			want := Errors{{Line: 1, Message: "is not valid YAML: nested too deeply"}}
			if diff := cmp.Diff(error(want), err); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}
