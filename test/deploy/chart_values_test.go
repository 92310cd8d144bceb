package deploy

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// The chart's README has a row for every value, with its default.
func TestChartDocumentsItsValues(t *testing.T) {
	var values map[string]any
	decode(t, "deploy/helm/igsend-exporter/values.yaml", &values)
	documented := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `([\\w.]+)` \\| (?:`(.*)` )?\\| (.+) \\|$")
	for _, match := range row.FindAllStringSubmatch(read(t, "deploy/helm/igsend-exporter/README.md"), -1) {
		path, text := match[1], match[2]
		documented[path] = true
		value, ok := lookUp(values, path)
		if !ok {
			t.Errorf("README.md has %s, values.yaml does not", path)
		}
		if text == "" { // described in words
			continue
		}
		var documentedDefault any
		if err := yaml.Unmarshal([]byte(text), &documentedDefault); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if diff := cmp.Diff(value, documentedDefault); diff != "" {
			t.Errorf("%s (-values.yaml +README.md):\n%s", path, diff)
		}
	}
	for _, path := range paths(values, "") {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(documented)), func(d string) bool { return path == d || strings.HasPrefix(path, d+".") }) {
			t.Errorf("README.md does not have %s", path)
		}
	}
}

// The schema knows exactly the values of values.yaml; helm lint shows that it accepts them.
func TestChartSchemaHasItsValues(t *testing.T) {
	var values map[string]any
	decode(t, "deploy/helm/igsend-exporter/values.yaml", &values)
	var schema map[string]any
	if err := json.Unmarshal([]byte(read(t, "deploy/helm/igsend-exporter/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	var check func(schema map[string]any, values any, path string)
	check = func(schema map[string]any, values any, path string) {
		properties, _ := schema["properties"].(map[string]any)
		if schema["additionalProperties"] != false {
			return
		}
		for name, property := range properties {
			if path == "" && (name == "global" || name == "enabled") { // a parent chart's
				continue
			}
			value, ok := values.(map[string]any)[name]
			if !ok {
				t.Errorf("values.yaml does not have %s", path+name)
				continue
			}
			check(property.(map[string]any), value, path+name+".")
		}
	}
	check(schema, values, "")
}

func lookUp(values any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		mapping, _ := values.(map[string]any)
		var ok bool
		if values, ok = mapping[name]; !ok {
			return nil, false
		}
	}
	return values, true
}

// paths returns the paths of all values that are not mappings.
func paths(values map[string]any, prefix string) []string {
	var all []string
	for name, value := range values {
		if mapping, ok := value.(map[string]any); ok && len(mapping) > 0 {
			all = append(all, paths(mapping, prefix+name+".")...)
		} else {
			all = append(all, prefix+name)
		}
	}
	return all
}
