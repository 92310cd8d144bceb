package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A walk reads one configuration file. It does not stop at the first problem but collects
// all of them, so its result is valid only if there are none.
type walk struct {
	file     string
	dir      string // base of relative file names
	files    bool   // whether to check the files that the configuration names
	problems Errors
	// budget is how many more nodes may be reached through aliases; see maxBorrowed.
	budget int
}

func (w *walk) fail(line int, field, format string, args ...any) {
	w.problems = append(w.problems, Error{File: w.file, Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// A value is a YAML node and its path in the file. The zero value is a field that is not
// in the file.
type value struct {
	walk *walk
	node *yaml.Node
	path string
	// name is the last part of path.
	name string
	// line is the line of the name, or for a list item the line where it begins.
	line int
	// borrowed is true if the value was reached through an alias.
	borrowed bool
	// broken is true if the value should be a mapping or list but is not. That has
	// been reported.
	broken bool
}

// A filler is the type of a field in the file. fill sets it from v; example is a valid
// mapping, for messages.
type filler interface {
	fill(v value, example string)
}

// at returns the value of node. If node is an alias, that is the value of its anchor.
func (v value) at(node *yaml.Node, path, name string, line int) value {
	below := value{walk: v.walk, node: node, path: path, name: name, line: line, borrowed: v.borrowed}
	if node.Kind == yaml.AliasNode {
		below.node, below.borrowed = node.Alias, true
	}
	return below
}

func (v *value) fill(from value, _ string) { *v = from }

func (v value) present() bool { return v.node != nil }

func (v value) isNull() bool { return v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!null" }

func (v value) fail(format string, args ...any) {
	v.walk.fail(v.line, v.path, format, args...)
}

// warn reports a probable mistake. It reports nothing for a value behind an alias, because
// the mistake was reported at the anchor.
func (v value) warn(format string, args ...any) {
	if !v.borrowed {
		v.fail(format, args...)
		v.walk.problems[len(v.walk.problems)-1].Warning = true
	}
}

// failBelow reports a problem with a field of v that is missing in the file.
func (v value) failBelow(name, format string, args ...any) {
	v.walk.fail(v.line, v.join(name), format, args...)
}

// fields fills a section by the yaml tags of its fields. The section is a pointer to a
// struct whose first field is its value, which fields returns.
func (v value) fields(section any) value {
	entries, ok := v.entries("a mapping of fields to values")
	v.broken = !ok
	target := reflect.ValueOf(section).Elem()
	var known []string
	for i := 1; i < target.NumField(); i++ {
		known = append(known, target.Type().Field(i).Tag.Get("yaml"))
	}
	for _, e := range entries {
		if i := slices.Index(known, e.name); i < 0 {
			v.refuseField(e.value, known)
		} else if e.once() {
			field := target.Type().Field(i + 1)
			target.Field(i+1).Addr().Interface().(filler).fill(e.value, field.Tag.Get("example"))
		}
	}
	return v
}

// misspelling matches the unknown names that a message may repeat. Anything else may
// contain a key, if a colon or a quote is missing, as in {private_key:n0t-f0r-the-l0g}.
var misspelling = regexp.MustCompile(`^[A-Za-z_-]{1,30}$`)

func (v value) refuseField(unknown value, known []string) {
	known = slices.Sorted(slices.Values(known))
	if !misspelling.MatchString(unknown.name) {
		v.walk.fail(unknown.line, v.path, "unknown field, not shown because it may contain a secret; the fields here are %s", strings.Join(known, ", "))
	} else if name, ok := nearest(unknown.name, known); ok {
		unknown.fail("unknown field: did you mean %s?", name)
	} else {
		unknown.fail("unknown field: the fields here are %s", strings.Join(known, ", "))
	}
}

// A mapping has names that the user chooses. Its fields are read only when needed, so
// that nothing below an invalid name is reported.
type mapping[T any] struct {
	value
	example string
}

func (m *mapping[T]) fill(v value, example string) { m.value, m.example = v, example }

func (m *mapping[T]) fields() (fields []T) {
	if !m.present() {
		return nil
	}
	entries, _ := m.entries("a mapping, such as " + m.example)
	_, inner, _ := strings.Cut(strings.TrimSuffix(m.example, "}"), ": ")
	for _, e := range entries {
		if e.once() {
			var field T
			any(&field).(filler).fill(e.value, inner)
			fields = append(fields, field)
		}
	}
	return fields
}

// A list has items of one type. A list without a value has no items.
type list[T any] struct {
	value
	items []T
}

func (l *list[T]) fill(v value, _ string) {
	l.value = v
	if v.isNull() {
		return
	}
	l.broken = !v.each(func(item value) {
		var field T
		any(&field).(filler).fill(item, "")
		l.items = append(l.items, field)
	})
}

// each calls read with the items of a list. It returns false if v is not a list.
func (v value) each(read func(item value)) bool {
	if v.node.Kind != yaml.SequenceNode {
		v.fail("must be a list, whose items begin with \"- \", not %s", kind(v.node))
		return false
	}
	if v.wronglyTagged("!!seq") || !v.affordable() {
		return false
	}
	for i, node := range v.node.Content {
		name := "[" + strconv.Itoa(i) + "]"
		read(v.at(node, v.path+name, name, node.Line))
	}
	return true
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

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

func (v value) join(name string) string {
	switch {
	case !identifier.MatchString(name):
		return v.path + "[" + quote(name) + "]"
	case v.path == "":
		return name
	default:
		return v.path + "." + name
	}
}

func kind(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	default:
		return "a single value"
	}
}
