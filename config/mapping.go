package config

import "go.yaml.in/yaml/v4"

// Aliases and merge keys let clients share thresholds. They also let a small file expand
// to an enormous one, so their use is limited.
const (
	// maxBorrowed is how many YAML nodes may be reached through aliases. 10,000
	// clients that share ten currencies with two thresholds each need 710,000.
	maxBorrowed = 1_000_000
	// maxMerges is how many merges may be nested.
	maxMerges = 8
)

// affordable counts the fields or items of v if v was reached through an alias. It returns
// whether they are within the limit, and reports the first time that they are not.
func (v value) affordable() bool {
	if !v.borrowed {
		return true
	}
	before := v.walk.budget
	v.walk.budget -= 1 + len(v.node.Content)
	if before >= 0 && v.walk.budget < 0 {
		v.fail("the aliases in this file expand to more than %d values: use fewer", maxBorrowed)
	}
	return v.walk.budget >= 0
}

// An entry is one field of a mapping.
type entry struct {
	value
	// twin is the line of an earlier field with the same name, or 0 if there is none.
	twin int
}

// once returns whether e is the first field of its name, and reports it if it is not.
func (e entry) once() bool {
	if e.twin > 0 {
		e.fail("is set twice, first in line %d: remove one", e.twin)
	}
	return e.twin == 0
}

// entries returns the fields of the mapping v in the order of the file, followed by
// those that it merges. ok is false if v is not a mapping; want describes the mapping in
// the message about that.
func (v value) entries(want string) (entries []entry, ok bool) { return v.entriesAt(0, want) }

// entriesAt is entries for a mapping at the given depth of nested merges.
func (v value) entriesAt(depth int, want string) (entries []entry, ok bool) {
	switch {
	case v.isNull():
		return nil, true
	case v.node.Kind != yaml.MappingNode:
		v.fail("must be %s, not %s", want, kind(v.node))
		return nil, false
	case v.wronglyTagged("!!map"), !v.affordable():
		return nil, false
	}
	lines := make(map[string]int, len(v.node.Content)/2)
	var merge value
	for i := 0; i < len(v.node.Content); i += 2 {
		key, node := v.node.Content[i], v.node.Content[i+1]
		name := value{walk: v.walk, node: key, path: v.path, line: key.Line}
		switch {
		case key.Tag == "!!merge":
			if merge.present() {
				name.fail("merges (<<) twice: write a list, such as `<<: [*first, *second]`")
			}
			merge = v.at(node, v.path, v.name, key.Line)
		case key.Kind != yaml.ScalarNode:
			name.fail("the name of a field must be text, not %s", kind(key))
		case !name.wronglyTagged("!!str"):
			entries = append(entries, entry{v.at(node, v.join(key.Value), key.Value, key.Line), lines[key.Value]})
			if lines[key.Value] == 0 {
				lines[key.Value] = key.Line
			}
		}
	}
	if merge.present() {
		entries = append(entries, merge.merged(lines, depth)...)
	}
	return entries, true
}

// merged returns the fields that a mapping gets from v, the value of its merge key. v is a
// mapping, or a list of mappings in which the earlier ones take precedence. Fields that
// are already in lines are not merged.
func (v value) merged(lines map[string]int, depth int) (taken []entry) {
	if depth == maxMerges {
		v.fail("merges (<<) are nested more than %d deep, or form a cycle", maxMerges)
		return nil
	}
	take := func(source value) {
		offered, _ := source.entriesAt(depth+1, "a mapping, or a list of mappings, after <<")
		for _, e := range offered {
			if lines[e.name] == 0 {
				lines[e.name] = e.line
				taken = append(taken, e)
			}
		}
	}
	if v.node.Kind != yaml.SequenceNode {
		take(v)
		return taken
	}
	v.each(func(item value) {
		item.path, item.line = v.path, v.line
		take(item)
	})
	return taken
}
