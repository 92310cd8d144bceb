package config

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An entry is one field of a mapping.
type entry struct {
	name  string
	value value
	// twin is the line of an earlier field with the same name; 0 when there is none.
	twin int
}

// fields reads a mapping whose fields are known, each by its own reader; a mapping
// without a value is one without fields. It reports whether v is a mapping at all.
func (v value) fields(known map[string]func(value)) bool {
	entries, ok := v.entries("a mapping of fields to values")
	for _, e := range entries {
		read, isKnown := known[e.name]
		switch {
		case !isKnown:
			v.refuseField(e, slices.Sorted(maps.Keys(known)))
		case e.twin > 0:
			e.value.fail("is set twice, first in line %d: remove one", e.twin)
		default:
			read(e.value)
		}
	}
	return ok
}

// each reads a mapping whose field names are the user's own; example is such a mapping.
func (v value) each(example string, read func(name string, f value)) {
	entries, _ := v.entries("a mapping, such as " + example)
	for _, e := range entries {
		if e.twin > 0 {
			e.value.fail("is set twice, first in line %d: remove one", e.twin)
			continue
		}
		read(e.name, e.value)
	}
}

// items reads a list.
func (v value) items(read func(item value)) {
	switch {
	case v.node.Kind != yaml.SequenceNode:
		v.fail("must be a list, whose items begin with \"- \", not %s", kind(v.node))
		return
	case v.wronglyTagged("!!seq"), !v.affordable():
		return
	}
	for i, node := range v.node.Content {
		item := v.walk.at(node, v.path+"["+strconv.Itoa(i)+"]", node.Line)
		item.borrowed = item.borrowed || v.borrowed
		read(item)
	}
}

// field returns a place for the field name of the mapping v, for a problem with a
// field that is not in the file.
func (v value) field(name string) value {
	return value{walk: v.walk, path: v.join(name), line: v.line}
}

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

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// misspelling is what an unknown name must look like to be repeated in a message.
// Anything else may be a key that lost its colon or its quotes, as in
// {private_key:n0t-f0r-the-l0g}.
var misspelling = regexp.MustCompile(`^[A-Za-z_-]{1,30}$`)

func (v value) refuseField(e entry, known []string) {
	if !misspelling.MatchString(e.name) {
		v.walk.fail(e.value.line, v.path, "unknown field, not repeated here for it may be a value that lost its name; the fields here are %s", strings.Join(known, ", "))
		return
	}
	if name, ok := nearest(e.name, known); ok {
		e.value.fail("unknown field: did you mean %s?", name)
		return
	}
	e.value.fail("unknown field: the fields here are %s", strings.Join(known, ", "))
}
