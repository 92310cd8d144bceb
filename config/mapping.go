package config

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Aliases and merge keys let clients share thresholds. They also let a small file expand
// to an enormous one, so their use is limited.
const (
	// maxBorrowed is how many YAML nodes may be reached through aliases. 10,000
	// clients that share ten currencies with two thresholds each need 710,000.
	maxBorrowed = 1_000_000
	// maxDepth is how many aliases and merges may lead to a value.
	maxDepth = 20
)

// affordable counts the fields or items of v if v was reached through an alias or merge.
// It returns whether they are within the limits, and reports the first time that they are
// not.
func (v value) affordable() bool {
	if v.depth == 0 {
		return true
	}
	before := v.walk.budget
	v.walk.budget -= 1 + len(v.node.Content)
	if v.depth > maxDepth {
		v.walk.budget = -1
	}
	if before >= 0 && v.walk.budget < 0 {
		v.fail("the aliases and merges in this file are nested more than %d deep, perhaps in a cycle, or expand to more than %d values: use fewer", maxDepth, maxBorrowed)
	}
	return v.walk.budget >= 0
}

// entries returns the fields of a mapping in the order of the file, followed by those that
// it merges. ok is false if v is not a mapping; want describes the mapping in the message
// about that. A missing or empty value is a mapping without fields.
func (v value) entries(want string) (entries []value, ok bool) {
	switch {
	case v.isNull():
		return nil, true
	case v.node.Kind != yaml.MappingNode:
		v.fail("must be %s, not %s", want, kind(v.node))
		return nil, false
	case v.wronglyTagged("!!map"), !v.affordable():
		return nil, false
	}
	entries = make([]value, 0, len(v.node.Content)/2)
	var merge value
	var seen map[string]int // the line of each field, if there are many
	if len(v.node.Content) > 32 {
		seen = make(map[string]int, len(v.node.Content)/2)
	}
	line := func(name string) int {
		if seen != nil {
			return seen[name]
		}
		for i := range entries {
			if entries[i].name == name {
				return entries[i].line
			}
		}
		return 0
	}
	add := func(field value) {
		entries = append(entries, field)
		if seen != nil {
			seen[field.name] = field.line
		}
	}
	for i := 0; i < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		name := value{walk: v.walk, node: key, path: v.path, line: key.Line}
		field := v.at(v.node.Content[i+1], v.join(key.Value), key.Value, key.Line)
		switch {
		case key.Tag == "!!merge" && merge.present():
			name.fail("merges (<<) twice: write a list, such as `<<: [*first, *second]`")
		case key.Tag == "!!merge":
			merge = field
			merge.path = v.path
			merge.depth++
		case key.Kind != yaml.ScalarNode:
			name.fail("the name of a field must be text, not %s", kind(key))
		case name.wronglyTagged("!!str"):
		case line(key.Value) > 0:
			field.fail("is set twice, first in line %d: remove one", line(key.Value))
		default:
			add(field)
		}
	}
	if !merge.present() {
		return entries, true
	}
	seen = make(map[string]int, len(entries))
	for _, field := range entries {
		seen[field.name] = field.line
	}
	for _, source := range merge.sources() {
		offered, _ := source.entries("a mapping, or a list of mappings, after <<")
		for _, field := range offered {
			if seen[field.name] == 0 {
				add(field)
			}
		}
	}
	return entries, true
}

// sources returns the mappings that the merge v names: one, or a list in which the earlier
// ones take precedence.
func (v value) sources() []value {
	if !v.present() || v.node.Kind != yaml.SequenceNode {
		return []value{v}
	}
	sources, _ := v.items()
	for i := range sources {
		sources[i].path, sources[i].line = v.path, v.line
	}
	return sources
}

// A section is a mapping whose fields have fixed names.
type section struct {
	value
	entries []value
	known   []string
}

// section returns v as a section. ok is false if v is not a mapping.
func (v value) section() (s *section, ok bool) {
	entries, ok := v.entries("a mapping of fields to values")
	return &section{value: v, entries: entries, known: make([]string, 0, 8)}, ok
}

// get returns the field with this name.
func (s *section) get(name string) value {
	s.known = append(s.known, name)
	for i := range s.entries {
		if s.entries[i].name == name {
			return s.entries[i]
		}
	}
	return value{walk: s.walk, path: s.join(name), name: name, line: s.line}
}

// misspelling matches the unknown names that a message may repeat. Anything else may
// contain a key, if a colon or a quote is missing, as in {private_key:n0t-f0r-the-l0g}.
var misspelling = regexp.MustCompile(`^[A-Za-z_-]{1,30}$`)

// done reports the fields that get has not been called for.
func (s *section) done() {
	for _, field := range s.entries {
		if slices.Contains(s.known, field.name) {
			continue
		}
		slices.Sort(s.known)
		if !misspelling.MatchString(field.name) {
			s.walk.fail(field.line, s.path, "unknown field, not shown because it may contain a secret; the fields here are %s", strings.Join(s.known, ", "))
		} else if name, ok := nearest(field.name, s.known); ok {
			field.fail("unknown field: did you mean %s?", name)
		} else {
			field.fail("unknown field: the fields here are %s", strings.Join(s.known, ", "))
		}
	}
}
