package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// readIn returns what a configuration says, or what is wrong with it, when its list of
// clients is parsed in pieces of this size.
func readIn(size int, data []byte) (*Config, error) {
	w := newWalk("igsend.yml", "dir")
	w.pieceSize = size
	return w.read(source{data: data})
}

const whole = 1 << 30

// sameInPieces checks that it makes no difference whether the list is parsed in pieces.
func sameInPieces(t *testing.T, data []byte) {
	t.Helper()
	want, wantErr := readIn(whole, data)
	for _, size := range []int{0, 50} {
		got, gotErr := readIn(size, data)
		if diff := cmp.Diff(fmt.Sprint(wantErr), fmt.Sprint(gotErr)); diff != "" {
			t.Errorf("errors, in pieces of %d (-whole +in pieces):\n%s\n%s", size, diff, data)
		}
		if diff := cmp.Diff(want, got, wholly); diff != "" {
			t.Errorf("in pieces of %d (-whole +in pieces):\n%s\n%s", size, diff, data)
		}
	}
}

func TestPiecesOfEveryConfiguration(t *testing.T) {
	for _, file := range append(archives(t, "testdata/invalid/*.txtar"), "testdata/valid.txtar", "testdata/warnings.txtar") {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, configuration := range archive.Files {
			if strings.HasSuffix(configuration.Name, ".yml") {
				sameInPieces(t, configuration.Data)
			}
		}
	}
}

// tricky are configurations in which a line that begins with "- " is no item, or in which
// pieces depend on each other.
var tricky = map[string]string{
	"in double quotes":         "- id: 1\n  name: \"a\n- id: 2\nb\"\n- id: 3\n",
	"quotes within a piece":    "- id: 1\n  name: \"aaaaaaaaaaaaaaaaaaaaaaaaa\n- id: 2\n  b\"\n- id: 0\n",
	"in single quotes":         "- id: 1\n  name: 'a\n- id: 2\n\n- id: 3'\n- id: 4\n",
	"quotes in two items":      "- id: 1\n  name: \"a\n- id: 2\"\n- id: 3\n  name: \"b\n- id: 4\"\n",
	"in a literal text":        "- id: 1\n  name: |\n    a\n    - id: 2\n    b\n- id: 3\n",
	"in a folded text":         "- id: 1\n  name: >-\n   - id: 2\n- id: 3\n",
	"in a plain text":          "- id: 1\n  name: a\n    - id: 2\n    - b\n- id: 3\n",
	"an indented list":         "  - id: 1\n    name: a\n  - id: 2\n",
	"indented, then not":       "  - id: 1\n- id: 2\n",
	"not, then indented":       "- id: 1\n  - id: 2\n",
	"items on their own lines": "-\n  id: 1\n-\n  id: 2\n- id: 2\n",
	"comments":                 "# a\n- id: 1\n# - id: 2\n  # c\n  name: a # d\n\n  # e\n- id: 3\n#f",
	"an anchor":                "- id: 1\n  labels: &l {a: b}\n- id: 2\n  labels: *l\n- id: 0\n",
	"an anchor set again":      "- id: 1\n  labels: &l {a: b}\n- id: 2\n  labels: &l {a: c}\n- id: 3\n  labels: *l\n",
	"a section below":          "- id: 1\n- id: 1\ntypo: 1\n",
	"the sections below":       "- id: 1\n- id: 2\n\nclients_from: a.yml\n# end\n",
	"clients twice":            "- id: 1\nclients:\n- id: 2\n",
	"a second document":        "- id: 1\n---\nclients:\n- id: 2\n",
	"an end of the document":   "- id: 1\n...\n",
	"a tag":                    "- !!map\n  id: 1\n- !a\n  id: 2\n",
	"a tab":                    "- id: 1\n\t- id: 2\n",
	"a list in an item":        "- id: 1\n  name:\n  - a\n- - id: 2\n",
	"flow style":               "- {id: 1,\n- id: 2}\n- {id: 3}\n",
	"lines that end with CRLF": "- id: 1\r\n- id: 1\r\n  colour: a\r\n",
	"other line breaks":        "- id: 1\u2028- id: 2\n- id: 3\u0085- id: 3\n",
	"carriage returns":         "- id: 1\r- id: 2\n- id: 3\r- id: 3\n",
	"no items":                 "  id: 1\n",
	"nothing":                  "",
	"an ID twice":              "- id: 1\n- id: 2\n- name: a\n  id: 1\n",
	"a colon":                  "- id: 1\n- id: 2\n  name: a: b\n- id: 3\n- id: 4\n- id: 5: 6\n",
	"an open quote":            "- id: 1\n- id: 2\n  name: \"a\n- id: 3\n- id: 4\n- id: 5\n  name: b: c\n",
	"an open quote, a closed":  "- id: 1\n- id: 2\n  name: \"a\n- id: 3\n- id: 4\n- id: 5\n  name: \"b\"\n",
	"an item that is no item":  "- id: 1\n- 5\n-6\n",
}

func TestPiecesOfTrickyConfigurations(t *testing.T) {
	for name, clients := range tricky {
		t.Run(name, func(t *testing.T) {
			for _, head := range []string{"api: {public_key: p, private_key: q}\nclients:\n", "api: {public_key: \"\nclients:\n", "{\nclients:\n", "clients: # all\n", "a:\n  clients:\n"} {
				sameInPieces(t, []byte(head+clients))
			}
		})
	}
}

func TestPiecesWithAnAnchorSetAgain(t *testing.T) {
	sameInPieces(t, []byte("clients_from: &n 7\nclients:\n- id: 1\n  name: &n 5\napi: {public_key: p, private_key: q, concurrency: *n}\n"))
}

// FuzzPieces: it makes no difference whether the list of clients is parsed in pieces.
func FuzzPieces(f *testing.F) {
	for _, clients := range tricky {
		f.Add(clients)
	}
	f.Fuzz(func(t *testing.T, clients string) {
		data := []byte("api: {public_key: p, private_key: q}\nclients:\n" + clients)
		want, wantErr := readIn(whole, data)
		for _, size := range []int{0, 50} {
			got, gotErr := readIn(size, data)
			// Where YAML is not valid, the parser may find it out in another line of a piece.
			if (wantErr == nil) != (gotErr == nil) {
				t.Errorf("whole: %v; in pieces of %d: %v\n%s", wantErr, size, gotErr, data)
			}
			if diff := cmp.Diff(want, got, wholly); diff != "" {
				t.Errorf("in pieces of %d (-whole +in pieces):\n%s\n%s", size, diff, data)
			}
		}
	})
}

// TestCut checks that the lists for which pieces are meant are cut, and where.
func TestCut(t *testing.T) {
	const head = "api: {public_key: p, private_key: q}\n"
	for name, tt := range map[string]struct {
		data, rest string
		pieces     []piece
	}{
		"at the end": {
			head + "clients:\n# first\n- id: 1\n- id: 2\n  name: a\n\n- id: 3\n",
			head + "clients:\n",
			[]piece{{[]byte("# first\n- id: 1\n- id: 2\n  name: a\n\n"), 2, 0, 2}, {[]byte("- id: 3\n"), 7, 2, 1}},
		},
		"before another section": {
			"clients:\n  - id: 1\n" + head, "clients:\n\n" + head, []piece{{[]byte("  - id: 1\n"), 1, 0, 1}},
		},
		"in flow style": {head + "clients: [\n{id: 1}]", "", nil},
		"none":          {head, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			rest, _, pieces := cut([]byte(tt.data), 20)
			if diff := cmp.Diff(tt.pieces, pieces, cmp.AllowUnexported(piece{})); diff != "" {
				t.Errorf("pieces (-want +got):\n%s", diff)
			}
			if pieces != nil && string(rest) != tt.rest {
				t.Errorf("rest is %q, want %q", rest, tt.rest)
			}
		})
	}
}
