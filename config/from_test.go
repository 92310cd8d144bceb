package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// writeFiles writes files into a new directory, which it returns.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestClientsFromErrors loads the configurations in testdata/from. Each archive has the
// files of one, and in errors.txt all errors that it must give.
func TestClientsFromErrors(t *testing.T) {
	for _, name := range archives(t, "testdata/from/*.txtar") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var want string
			files := map[string]string{}
			for i, file := range archive.Files {
				if file.Name == "errors.txt" {
					want = string(file.Data)
					archive.Files = archive.Files[:i]
					break
				}
				files[file.Name] = string(file.Data)
			}
			dir := writeFiles(t, files)
			cfg, err := Load(filepath.Join(dir, "igsend.yml"))
			if cfg != nil || err == nil {
				t.Fatal("the configuration is valid")
			}
			got := filepath.ToSlash(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")) + "\n"
			if os.Getenv("GOLDEN") == "update" {
				archive.Files = append(archive.Files, txtar.File{Name: "errors.txt", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// The clients are those of the file itself, then those of the further files, by name.
func TestClientsFrom(t *testing.T) {
	const api = "api: {public_key: p, private_key: q}\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  []igsend.ClientID
		count int
	}{
		"one pattern": {map[string]string{
			"igsend.yml":      api + "clients_from: clients.d/*.yml\n",
			"clients.d/b.yml": "clients: [{id: 3}]\n",
			"clients.d/a.yml": "clients: [{id: 2}, {id: 1}]\n",
			"clients.d/c.txt": "not a match",
		}, []igsend.ClientID{2, 1, 3}, 3},
		"beside clients": {map[string]string{
			"igsend.yml":      api + "clients_from: [z.yml, clients.d/*.yml]\nclients: [{id: 9}]\n",
			"clients.d/a.yml": "clients: [{id: 1}]\n",
			"z.yml":           "clients: [{id: 2}]\n",
		}, []igsend.ClientID{9, 2, 1}, 3},
		"beside an empty list": {map[string]string{
			"igsend.yml": api + "clients_from: [z.yml]\nclients: []\n",
			"z.yml":      "clients: [{id: 2}]\n",
		}, []igsend.ClientID{2}, 2},
		"wildcards in directories": {map[string]string{
			"igsend.yml":        api + "clients_from: ['*/[ab]?/clients.yml']\n",
			"x/a1/clients.yml":  "clients: [{id: 1}]\n",
			"x/c1/clients.yml":  "clients: [{id: 2}]\n",
			"y/b2/clients.yml":  "clients: [{id: 3}]\n",
			".z/b2/clients.yml": "clients: [{id: 4}]\n",
		}, []igsend.ClientID{1, 3}, 3},
		"as the kubelet mounts it": {map[string]string{
			"igsend.yml":          api + "clients_from: ['clients.d/*']\n",
			"clients.d/..1/a.yml": "clients: [{id: 1}]\n",
			"clients.d/a.yml":     "clients: [{id: 1}]\n",
		}, []igsend.ClientID{1}, 2},
		"a hidden file that is asked for": {map[string]string{
			"igsend.yml": api + "clients_from: ['.*.yml']\n",
			".a.yml":     "clients: [{id: 1}]\n",
		}, []igsend.ClientID{1}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Load(filepath.Join(writeFiles(t, test.files), "igsend.yml"))
			if err != nil {
				t.Fatal(err)
			}
			var got []igsend.ClientID
			for _, c := range cfg.Clients {
				got = append(got, c.ID)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || cfg.Files != test.count {
				t.Errorf("%d files, want %d; clients (-want +got):\n%s", cfg.Files, test.count, diff)
			}
		})
	}
}

// A directory whose name looks like a pattern is not one.
func TestClientsFromInAnOddDirectory(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"[a]/igsend.yml":      "api: {public_key: p, private_key: q}\nclients_from: clients.d/*.yml\n",
		"[a]/clients.d/a.yml": "clients: [{id: 1}]\n",
	})
	if _, err := Load(filepath.Join(dir, "[a]", "igsend.yml")); err != nil {
		t.Error(err)
	}
}

// What changes between the first look at a file and the last makes the configuration
// invalid: a client that has moved could be in neither file.
func TestChangeWhileReading(t *testing.T) {
	replace := func(t *testing.T, name, content string) {
		t.Helper()
		if err := os.WriteFile(name+".new", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	const one, two = "clients: [{id: 1}]\n", "clients: [{id: 2}]\n"
	for name, test := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string
	}{
		"nothing":              {func(*testing.T, string) {}, ""},
		"another file":         {func(t *testing.T, dir string) { t.Helper(); replace(t, filepath.Join(dir, "README"), two) }, ""},
		"replaced":             {func(t *testing.T, dir string) { t.Helper(); replace(t, filepath.Join(dir, "b.yml"), two) }, "b.yml"},
		"replaced by itself":   {func(t *testing.T, dir string) { t.Helper(); replace(t, filepath.Join(dir, "b.yml"), one) }, "b.yml"},
		"the file of patterns": {func(t *testing.T, dir string) { t.Helper(); replace(t, filepath.Join(dir, "igsend.yml"), "") }, "igsend.yml"},
		"a new one":            {func(t *testing.T, dir string) { t.Helper(); replace(t, filepath.Join(dir, "c.yml"), two) }, "c.yml"},
		"one less": {func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Remove(filepath.Join(dir, "b.yml")); err != nil {
				t.Fatal(err)
			}
		}, "b.yml"},
		"in place": {func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Chtimes(filepath.Join(dir, "b.yml"), time.Time{}, time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}, "b.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{"igsend.yml": "", "b.yml": one})
			var files []source
			for _, name := range []string{"igsend.yml", "b.yml"} {
				file, err := readRegular(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, file)
			}
			test.change(t, dir)
			got, ok := settled(dir, []pattern{{text: "[a-h].yml"}}, files)
			if ok != (test.want == "") || test.want != "" && got != filepath.Join(dir, test.want) {
				t.Errorf("settled = %q, %t; want %q", got, ok, test.want)
			}
		})
	}
}

// The same, as a user sees it.
func TestChangeWhileReadingIsAnError(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"igsend.yml": "api: {public_key: p, private_key: q}\nclients_from: a.yml\n",
		"a.yml":      "clients: [{id: 1}]\n",
	})
	path := filepath.Join(dir, "igsend.yml")
	main, err := readRegular(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	w := newWalk(path, dir)
	w.files = true
	_, err = w.read(main)
	want := Errors{{File: path, Line: 2, Field: "clients_from", Message: path + " changed while the configuration was read: load it again"}}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

func TestFurtherFileSize(t *testing.T) {
	dir := writeFiles(t, map[string]string{"igsend.yml": "api: {public_key: p, private_key: q}\nclients_from: a.yml\n", "a.yml": ""})
	if err := os.Truncate(filepath.Join(dir, "a.yml"), maxSize+1); err != nil {
		t.Fatal(err)
	}
	_, err := Load(filepath.Join(dir, "igsend.yml"))
	if want := fmt.Sprintf("%s: is larger than 64 MiB, more than any configuration needs", filepath.Join(dir, "a.yml")); err == nil || err.Error() != want {
		t.Errorf("Load = %v, want %s", err, want)
	}
}

// A parsed file takes 40 times its size, and there may be many.
func TestParsedFilesAreForgotten(t *testing.T) {
	w := newWalk("igsend.yml", "")
	w.pieceSize = 20
	files := []source{{name: "short.yml", data: []byte("clients: [{id: 1}]\n")}, {name: "long.yml", data: []byte("clients:\n- id: 2\n- id: 3\n- id: 4\n")}}
	for i, l := range w.parseFurther(files) {
		if l.node != nil || len(l.clients) == 0 {
			t.Errorf("%s: %d clients, and the parsed file is kept: %t", files[i].name, len(l.clients), l.node != nil)
		}
	}
}
