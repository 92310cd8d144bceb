package deploy

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v4"

	"github.com/igsend-exporter/igsend_exporter/config"
)

// placesOf returns the places where the schema may refuse what a problem is about: its field, any
// other field that is also a cause, and, if a field is missing, the section that lacks it.
func placesOf(problem config.Error) []string {
	section := problem.Field[:max(strings.LastIndex(problem.Field, "."), 0)]
	places := []string{problem.Field}
	if m := regexp.MustCompile(`^(\w+) is also set|^needs (\w+):|^is missing`).FindStringSubmatch(problem.Message); m != nil {
		places = append(places, section+"."+m[1]+m[2], section)
	}
	if m := regexp.MustCompile(`^exactly one of (\w+) or`).FindStringSubmatch(problem.Message); m != nil {
		places = append(places, problem.Field+"."+m[1])
	}
	if strings.HasPrefix(problem.Message, "unknown field, not shown") {
		places = append(places, unknownIn(problem.Field))
	}
	return places
}

// unknownIn is the place of any unknown field in a section.
func unknownIn(section string) string { return section + ".*" }

// toJSON returns the JSON value of a YAML document, as an editor would see it.
func toJSON(document []byte) (value any, ok bool) {
	var root yaml.Node
	if err := yaml.Load(document, &root); err != nil {
		return nil, strings.Contains(err.Error(), "no documents") // null is what an empty file holds
	}
	return nodeToJSON(&root, 0), true
}

func nodeToJSON(node *yaml.Node, depth int) any {
	switch {
	case depth > 50: // an alias to a node that contains it
		return nil
	case node.Kind == yaml.AliasNode:
		return nodeToJSON(node.Alias, depth+1)
	case node.Kind == yaml.DocumentNode:
		return nodeToJSON(node.Content[0], depth+1)
	case node.Kind == yaml.SequenceNode:
		list := []any{}
		for _, item := range node.Content {
			list = append(list, nodeToJSON(item, depth+1))
		}
		return list
	case node.Kind == yaml.MappingNode:
		mapping := map[string]any{}
		for i := 0; i < len(node.Content); i += 2 {
			value := nodeToJSON(node.Content[i+1], depth+1)
			if node.Content[i].Tag != "!!merge" {
				mapping[node.Content[i].Value] = value
			} else if merged, ok := value.(map[string]any); ok {
				for name, field := range merged {
					if _, own := mapping[name]; !own {
						mapping[name] = field
					}
				}
			}
		}
		return mapping
	}
	var value any
	if err := node.Load(&value); err != nil {
		return node.Value
	}
	switch v := value.(type) {
	case nil, string, bool, int, int64, uint64:
		return v
	case float64:
		if v-v == 0 { // neither infinite nor NaN, which JSON does not have
			return v
		}
	}
	return node.Value
}

// refusedFields returns the fields that a validation is about, in the program's notation.
func refusedFields(err error) map[string]bool {
	fields := map[string]bool{}
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		collectFields(invalid, fields)
	}
	return fields
}

func collectFields(e *jsonschema.ValidationError, fields map[string]bool) {
	for _, cause := range e.Causes {
		collectFields(cause, fields)
	}
	path := fieldPath(e.InstanceLocation)
	below := func(name string) { fields[strings.TrimPrefix(path+fieldName(name), ".")] = true }
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			below(name)
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			below(name)
		}
		fields[unknownIn(strings.TrimPrefix(path, "."))] = true
	default:
		if _, ok := k.(*kind.OneOf); ok || len(e.Causes) == 0 {
			fields[strings.TrimPrefix(path, ".")] = true
		}
	}
}

func fieldPath(location []string) (path string) {
	for _, part := range location {
		if _, err := strconv.Atoi(part); err == nil && (path == ".clients" || path == ".clients_from") {
			path += "[" + part + "]"
		} else {
			path += fieldName(part)
		}
	}
	return path
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

func fieldName(name string) string {
	if plainName.MatchString(name) {
		return "." + name
	}
	return "[" + strconv.Quote(name) + "]"
}
