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

// A walk is one pass over a configuration file. It collects what is wrong instead of
// stopping at the first problem, so what it returns counts only when there is none.
type walk struct {
	file     string
	dir      string // that relative file names are relative to
	files    bool   // whether to look at the files that the configuration names
	problems Errors
	// budget is how many more nodes may be reached through aliases; see maxBorrowed.
	budget int
}

func (w *walk) fail(line int, field, format string, args ...any) {
	w.problems = append(w.problems, Error{File: w.file, Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// A value is one place in the file: a YAML node and the way to it. The zero value is
// a field that is not in the file.
type value struct {
	walk *walk
	node *yaml.Node
	path string
	// name is the last part of path.
	name string
	// line is where the name stands; for a list item, where the item begins.
	line int
	// borrowed is true when an alias leads here.
	borrowed bool
	// broken is true for a mapping or list that is none, which has been reported.
	broken bool
}

// A filler is a type of a field in the file. Its fill takes over what stands at v;
// example shows a valid mapping to the user.
type filler interface {
	fill(v value, example string)
}

// at returns the value that node is, or stands for when it is an alias.
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

// warn reports what is probably a mistake. Behind an alias it has been reported where
// the anchor is.
func (v value) warn(format string, args ...any) {
	if !v.borrowed {
		v.fail(format, args...)
		v.walk.problems[len(v.walk.problems)-1].Warning = true
	}
}

// failBelow reports a problem with a field of v that is not in the file.
func (v value) failBelow(name, format string, args ...any) {
	v.walk.fail(v.line, v.join(name), format, args...)
}

// fields fills the section, a pointer to a struct that begins with its value, by the
// yaml tags of its fields. It returns the value of the section itself.
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

// misspelling is what an unknown name must look like to be repeated in a message.
// Anything else may be a key that lost its colon or its quotes, as in
// {private_key:n0t-f0r-the-l0g}.
var misspelling = regexp.MustCompile(`^[A-Za-z_-]{1,30}$`)

func (v value) refuseField(unknown value, known []string) {
	known = slices.Sorted(slices.Values(known))
	if !misspelling.MatchString(unknown.name) {
		v.walk.fail(unknown.line, v.path, "unknown field, not repeated here for it may be a value that lost its name; the fields here are %s", strings.Join(known, ", "))
	} else if name, ok := nearest(unknown.name, known); ok {
		unknown.fail("unknown field: did you mean %s?", name)
	} else {
		unknown.fail("unknown field: the fields here are %s", strings.Join(known, ", "))
	}
}

// A mapping has names that are the user's own. Its fields are read when they are asked
// for: what stands below a wrong name is not of interest.
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

// A list has items of one type; a list without a value has none.
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

// each calls read with the items of a list; it is false when v is none.
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

// wronglyTagged refuses a tag (!!int, !vault …) that would have a parser read the
// value in another way than this package does. The tag is not repeated: a private
// key may begin with an exclamation mark.
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
