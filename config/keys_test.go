package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keyFile writes a file and returns its name.
func keyFile(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKeyWarnings covers keys that can be read but look wrong.
func TestKeyWarnings(t *testing.T) {
	const (
		placeholder = "api.private_key_file: looks like a placeholder: replace it with the key"
		blanks      = "api.private_key_file: has white space within the key: check what was copied"
	)
	for name, tt := range map[string]struct {
		key  string
		mode os.FileMode
		want string
	}{
		"a key":               {" " + secret + "\n", 0o640, ""},
		"environment":         {"${" + secret + "}", 0o600, placeholder},
		"inside":              {"x${" + secret + "}", 0o600, placeholder},
		"yours":               {"Your-" + secret, 0o600, placeholder},
		"as in README.md":     {"…", 0o600, placeholder},
		"change me":           {"changeme", 0o600, placeholder},
		"brackets":            {"<" + secret + ">", 0o600, placeholder},
		"not yours":           {secret + "-your", 0o600, ""},
		"blank":               {secret + " x", 0o600, blanks},
		"two lines":           {secret + "\nx", 0o600, blanks},
		"PEM":                 {"-----BEGIN PRIVATE KEY-----\n" + secret, 0o600, "api.private_key_file: is in PEM format, which IGSend's keys are not"},
		"the other key":       {"public", 0o600, "api.private_key_file: is the same key as public_key: IGSend issues two different keys"},
		"readable for others": {secret, 0o604, "api.private_key_file: every user of this machine can read the file: chmod o= FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			file := keyFile(t, tt.key, tt.mode)
			open(t, file)
			path := keyFile(t, "api:\n  public_key: public\n  private_key_file: "+file+"\nclients: [{id: 1}]\n", 0o600)
			cfg, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if tt.want != "" {
				want = path + ":3: warning: " + strings.ReplaceAll(tt.want, "FILE", file)
			}
			if diff := cmp.Diff(want, cfg.Warnings.Error()); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// A file is not readable for others in a directory that they can't enter.
func TestKeyInAClosedDirectory(t *testing.T) {
	for mode, want := range map[os.FileMode]bool{0o755: true, 0o750: false, 0o700: false, 0o711: true} {
		file := keyFile(t, secret, 0o604)
		open(t, file)
		if err := os.Chmod(filepath.Dir(file), mode); err != nil {
			t.Fatal(err)
		}
		if got := readByAll(file); got != want {
			t.Errorf("directory with mode %o: readable by all: %t, want %t", mode, got, want)
		}
	}
}

// open lets all users enter the directories that the test has made for a file.
func open(t *testing.T, file string) {
	t.Helper()
	for _, dir := range []string{filepath.Dir(file), filepath.Dir(filepath.Dir(file))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLoadFiles: errors with the named files are reported together with those in the
// configuration. Relative names are relative to the configuration.
func TestLoadFiles(t *testing.T) {
	path := keyFile(t, `api:
  public_key: a:b
  private_key_file: nowhere
  concurrency: 0
  tls_config: {ca_file: nowhere.pem}
clients:
- {id: 1, labels: {job: a}}
`, 0o600)
	dir := filepath.Dir(path)
	cfg, err := Load(path)
	checkErrors(t, cfg, err)
	want := fmt.Sprintf(`%[1]s:2: api.public_key: credentials: public key: it contains a colon, which HTTP Basic authentication doesn't allow
%[1]s:3: api.private_key_file: credentials: private key: open %[2]s/nowhere: no such file or directory
%[1]s:4: api.concurrency: must be a whole number from 1 to 1000 in plain digits, not "0"
%[1]s:5: api.tls_config: unable to read CA cert: unable to read file %[2]s/nowhere.pem: open %[2]s/nowhere.pem: no such file or directory
%[1]s:7: warning: clients[0].labels.job: Prometheus sets the label job itself and will call this one exported_job: choose another name`, path, dir)
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// TestLoadReportsKeysOnce: keys that are not configured correctly are not read.
func TestLoadReportsKeysOnce(t *testing.T) {
	for name, keys := range map[string]string{
		"none":  "public_key: p",
		"both":  "public_key: p\n  private_key: q\n  private_key_file: nowhere",
		"blank": "public_key: p\n  private_key: ' '",
		"list":  "public_key: p\n  private_key: [q]",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(keyFile(t, "api:\n  "+keys+"\nclients: [{id: 1}]\n", 0o600))
			var problems Errors
			if !errors.As(err, &problems) || len(problems) != 1 {
				t.Errorf("got %v; want one error", err)
			}
		})
	}
}

// TestLoadTLSVersions: Prometheus's library finds what is wrong with tls_config as a whole.
func TestLoadTLSVersions(t *testing.T) {
	path := keyFile(t, "api:\n  public_key: p\n  private_key: q\n  tls_config: {min_version: TLS13, max_version: TLS12}\nclients: [{id: 1}]\n", 0o600)
	cfg, err := Load(path)
	checkErrors(t, cfg, err)
	want := path + ":4: api.tls_config: tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}
