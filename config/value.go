package config

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// A walk reads one configuration file. It does not stop at the first problem but collects
// all of them, so its result is valid only if there are none.
type walk struct {
	file     string
	dir      string // base of relative file names
	files    bool   // whether to read the files that the configuration names
	sections string // that a file needs, for a message
	problems Errors
	further  Errors // those of further files
	// unsettled is true if files changed while they were read.
	unsettled bool
	// budget is how many more nodes may be reached through aliases; see maxBorrowed.
	budget    int
	pieceSize int // see cut
	suspect   *piece
}

func newWalk(file, dir string) *walk {
	return &walk{file: file, dir: dir, sections: "the sections api and clients", budget: maxBorrowed, pieceSize: pieceSize}
}

func (w *walk) fail(line int, field, format string, args ...any) {
	w.problems = append(w.problems, Error{File: w.file, Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// A value is a YAML node and its path in the file.
type value struct {
	walk *walk
	// node is nil if the value is not in the file.
	node *yaml.Node
	path string
	// name is the last part of path.
	name string
	// line is the line of the name, or for a list item the line where it begins. For a
	// missing value, it is the line of the section that should have it.
	line int
	// depth is how many aliases and merges lead to the value.
	depth int
}

// at returns the value of node. If node is an alias, that is the value of its anchor.
func (v value) at(node *yaml.Node, path, name string, line int) value {
	below := value{walk: v.walk, node: node, path: path, name: name, line: line, depth: v.depth}
	if node.Kind == yaml.AliasNode {
		below.node = node.Alias
		below.depth++
	}
	return below
}

func (v value) present() bool { return v.node != nil }

// isNull reports whether v is missing or has no value.
func (v value) isNull() bool {
	return v.node == nil || v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!null"
}

func (v value) isScalar() bool { return v.present() && v.node.Kind == yaml.ScalarNode }

// filled reports whether v is in the file and not an empty text.
func (v value) filled() bool {
	return v.present() && (v.node.Kind != yaml.ScalarNode || v.node.Value != "")
}

func (v value) fail(format string, args ...any) {
	v.walk.fail(v.line, v.path, format, args...)
}

// warn reports a probable mistake. It reports nothing for a value from an alias or merge,
// because the mistake was reported at the anchor.
func (v value) warn(format string, args ...any) {
	if v.depth == 0 {
		v.fail(format, args...)
		v.walk.problems[len(v.walk.problems)-1].Warning = true
	}
}

// excludes returns whether both values are filled in, and reports it if they are.
func (v value) excludes(other value) bool {
	both := v.filled() && other.filled()
	if both {
		v.fail("%s is also set, in line %d: remove one", other.name, other.line)
	}
	return both
}

// scalar returns the characters as they are in the file: 5, yes and 0x10 are not
// converted, as in a Prometheus configuration. It reports a value that is not a scalar.
func (v value) scalar(want string) (characters string, ok bool) {
	switch {
	case !v.present():
	case v.node.Kind != yaml.ScalarNode:
		v.fail("must be %s, not %s", want, kind(v.node))
	case v.isNull():
		v.fail("has no value: give it %s", want)
	case v.wronglyTagged("!!str"):
	default:
		return v.node.Value, true
	}
	return "", false
}

// read sets target to what parse makes of v, and returns whether it did. If v is missing
// or not valid, it leaves target unchanged. It reports a value that is not valid: want
// says what it must be. The message does not repeat a text behind an alias, because the
// anchor may be on a key.
func read[T any](v value, target *T, want string, parse func(string) (T, bool)) bool {
	characters, ok := v.scalar(want)
	if !ok {
		return false
	}
	parsed, ok := parse(characters)
	switch {
	case ok:
		*target = parsed
	case v.depth > 0:
		v.fail("must be %s, not the value from an alias or merge", want)
	default:
		v.fail("must be %s, not %s", want, quote(characters))
	}
	return ok
}

// text sets target to a text that may be empty.
func (v value) text(target *string) { read(v, target, "text", anyText) }

func anyText(s string) (string, bool) { return s, true }

// items returns the items of a list. ok is false if v is something else; a missing or
// empty value is a list without items.
func (v value) items() (items []value, ok bool) { return v.itemsFrom(0) }

// itemsFrom returns the items of a list whose first item has this index.
func (v value) itemsFrom(first int) (items []value, ok bool) {
	switch {
	case v.isNull():
		return nil, true
	case v.node.Kind != yaml.SequenceNode:
		v.fail("must be a list, whose items begin with \"- \", not %s", kind(v.node))
		return nil, false
	case v.wronglyTagged("!!seq"), !v.affordable():
		return nil, false
	}
	items = make([]value, 0, len(v.node.Content))
	for i, node := range v.node.Content {
		name := "[" + strconv.Itoa(first+i) + "]"
		items = append(items, v.at(node, v.path+name, name, node.Line))
	}
	return items, true
}

// wronglyTagged refuses a tag (!!int, !vault …) that would make other parsers read the
// value differently. The message does not repeat the tag, because a private key may begin
// with an exclamation mark.
func (v value) wronglyTagged(allowed string) bool {
	wrong := v.node.Style&yaml.TaggedStyle != 0 && v.node.Tag != allowed
	if wrong {
		v.fail("begins with a YAML tag: remove it, or put a value that begins with ! in quotes")
	}
	return wrong
}

func (v value) join(name string) string {
	switch {
	case !isWord(name) || len(name) > 100:
		return v.path + "[" + quote(name) + "]"
	case v.path == "":
		return name
	default:
		return v.path + "." + name
	}
}

// isWord reports whether s consists of letters a-z and A-Z, digits and underscores, and does
// not begin with a digit. A long configuration has a million names, for which a regular
// expression takes too long.
func isWord(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c == '_':
		case i > 0 && c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return s != ""
}

func kind(node *yaml.Node) string {
	return map[yaml.Kind]string{
		yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list",
		yaml.ScalarNode: "a single value", yaml.AliasNode: "an alias",
	}[node.Kind]
}

// quote quotes a text from the file, cut to a length that keeps the message readable.
func quote(s string) string {
	const most = 40
	if runes := []rune(s[:min(len(s), 4*most)]); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return strconv.Quote(s)
}
