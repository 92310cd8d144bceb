package config

import (
	"os"

	"go.yaml.in/yaml/v4"
)

// Line returns the line on which the field with this path of names stands in the file,
// for what is found to be wrong with a value after Load: a file that it names, say. It
// returns 0 when there is no such line.
func Line(file string, path ...string) int {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil || len(document.Content) == 0 {
		return 0
	}
	node, line := document.Content[0], 0
	for _, name := range path {
		if node, line = member(node, name); node == nil {
			return 0
		}
	}
	return line
}

// member returns the value of a field of a mapping, and the line of its name.
func member(mapping *yaml.Node, name string) (value *yaml.Node, line int) {
	if mapping.Kind == yaml.AliasNode {
		mapping = mapping.Alias
	}
	for i := 0; mapping.Kind == yaml.MappingNode && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i+1], mapping.Content[i].Line
		}
	}
	return nil, 0
}
