package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWatch(t *testing.T) {
	const api = "api: {public_key: p, private_key: q}\n"
	dir := writeFiles(t, map[string]string{"one": api, "clients.d/a.yml": "clients: [{id: 1}]\n"})
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "igsend.yml")
	swap := func(target string) {
		t.Helper()
		if err := os.Symlink(target, link+".next"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".next", link); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(name string) {
		t.Helper()
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	swap("one")
	w := NewWatch(link)
	var got []string
	for _, step := range []struct {
		name   string
		change func()
	}{
		{"first", func() {}},
		{"nothing", func() {}},
		{"in place", func() { write("one", api+"clients: [{id: 2}]\n") }},
		{"nothing, again", func() {}},
		{"a link swapped, as the kubelet does", func() { write("two", api); swap("two") }},
		{"a link swapped, with the same content", func() { write("six", api); swap("six") }},
		{"a file that no pattern matches", func() { write("clients.d/a.yml", "clients: [{id: 3}]\n") }},
		{"a pattern", func() { write("six", api+"clients_from: [clients.d/*.yml, more.yml]\n") }},
		{"a further file", func() { write("clients.d/a.yml", "clients: [{id: 4}]\n") }},
		{"one more file", func() { write("clients.d/b.yml", "clients: [{id: 5}]\n") }},
		{"a missing one", func() { write("more.yml", "clients: [{id: 6}]\n") }},
		{"a file beside", func() { write("clients.d/README", "clients: [{id: 7}]\n") }},
		{"one less", func() { remove("clients.d/b.yml") }},
		{"a broken file", func() { write("six", "{") }},
		{"no pattern any more", func() { write("clients.d/a.yml", "clients: [{id: 8}]\n") }},
		{"a pattern beside an error", func() { write("six", "ap: 1\nclients_from: clients.d/*.yml\n") }},
		{"a further file beside an error", func() { write("clients.d/a.yml", "clients: [{id: 9}]\n") }},
		{"gone", func() { remove("igsend.yml") }},
		{"still gone", func() {}},
		{"back", func() { swap("six") }},
	} {
		step.change()
		if w.Changed() {
			got = append(got, step.name)
		}
	}
	want := []string{
		"first", "in place", "a link swapped, as the kubelet does", "a pattern", "a further file", "one more file", "a missing one",
		"one less", "a broken file", "a pattern beside an error", "a further file beside an error", "gone", "back",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// A file that is too large is as one without content, which a change of its end does not
// change.
func TestWatchOfALargeFile(t *testing.T) {
	dir := writeFiles(t, map[string]string{"igsend.yml": ""})
	path := filepath.Join(dir, "igsend.yml")
	w := NewWatch(path)
	var got []bool
	for _, size := range []int64{0, 1, maxSize + 1, maxSize + 2, 1} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		got = append(got, w.Changed())
	}
	if diff := cmp.Diff([]bool{true, true, true, false, true}, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
