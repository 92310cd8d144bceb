package config

import "go.yaml.in/yaml/v3"

// Aliases and merge keys let clients share thresholds. They also let a small file
// stand for an endless one, so what they may add up to is bounded.
const (
	// maxBorrowed is how many YAML nodes may be reached through aliases: 10,000
	// clients that share ten currencies with two thresholds each take 710,000.
	maxBorrowed = 1_000_000
	// maxMerges is how deeply merged mappings may merge others.
	maxMerges = 8
)

// affordable charges the fields or items of v to the bound on aliases, and reports
// whether they may still be read. The first time they may not is a problem.
func (v value) affordable() bool {
	if !v.borrowed {
		return true
	}
	before := v.walk.budget
	v.walk.budget -= 1 + len(v.node.Content)
	if before >= 0 && v.walk.budget < 0 {
		v.fail("the aliases of this file stand for more than %d values: write fewer", maxBorrowed)
	}
	return v.walk.budget >= 0
}

// entries returns the fields of the mapping v in the order of the file, followed by
// those that it merges; ok is false when v is no mapping, which is what want says in
// the user's terms.
func (v value) entries(want string) (entries []entry, ok bool) { return v.entriesAt(0, want) }

// entriesAt is entries for the depth-th mapping of a chain of merges.
func (v value) entriesAt(depth int, want string) (entries []entry, ok bool) {
	switch {
	case isNull(v.node):
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
		if key.Tag != "!!merge" {
			if e, ok := v.entry(key, node, lines); ok {
				entries = append(entries, e)
			}
			continue
		}
		if merge.present() {
			v.walk.fail(key.Line, v.path, "merges (<<) twice: write a list, such as `<<: [*first, *second]`")
		}
		merge = v.walk.at(node, v.path, key.Line)
	}
	if merge.present() {
		entries = append(entries, v.merged(merge, lines, depth)...)
	}
	return entries, true
}

// entry returns the field that key and node make, and notes in lines where it stands.
func (v value) entry(key, node *yaml.Node, lines map[string]int) (e entry, ok bool) {
	name := value{walk: v.walk, node: key, path: v.path, line: key.Line}
	if key.Kind != yaml.ScalarNode {
		name.fail("the name of a field must be text, not %s", kind(key))
		return entry{}, false
	}
	if name.wronglyTagged("!!str") {
		return entry{}, false
	}
	e = entry{name: key.Value, value: v.walk.at(node, v.join(key.Value), key.Line), twin: lines[key.Value]}
	e.value.borrowed = e.value.borrowed || v.borrowed
	if e.twin == 0 {
		lines[e.name] = key.Line
	}
	return e, true
}

// merged returns the fields that the mapping v takes over from source, the value of
// its merge key: a mapping, or a list of mappings of which an earlier one counts for
// more. A field that v has in lines already stays its own.
func (v value) merged(source value, lines map[string]int, depth int) (taken []entry) {
	if depth == maxMerges {
		source.fail("merges (<<) are nested more than %d deep, or in a circle", maxMerges)
		return nil
	}
	take := func(source value) {
		offered, _ := source.entriesAt(depth+1, "a mapping, or a list of mappings, after <<")
		for _, e := range offered {
			if lines[e.name] == 0 {
				lines[e.name] = e.value.line
				taken = append(taken, e)
			}
		}
	}
	source.borrowed = source.borrowed || v.borrowed
	if source.node.Kind != yaml.SequenceNode {
		take(source)
		return taken
	}
	source.items(func(item value) {
		item.path, item.line = source.path, source.line
		take(item)
	})
	return taken
}
