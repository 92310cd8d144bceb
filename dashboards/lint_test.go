package dashboards

import (
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestLint checks that each exception from the dashboard-linter has a reason, and that its
// panels exist.
func TestLint(t *testing.T) {
	content, err := os.ReadFile(".lint")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Exclusions map[string]struct {
			Reason  string
			Entries []struct{ Dashboard, Panel string }
		}
	}
	if err := yaml.Unmarshal(content, &config); err != nil || len(config.Exclusions) == 0 {
		t.Fatalf("%d rules: %v", len(config.Exclusions), err)
	}
	panels := map[string][]string{}
	for _, d := range load(t) {
		panels[d.Title] = []string{""}
		for _, p := range d.Panels {
			panels[d.Title] = append(panels[d.Title], p.Title)
		}
	}
	for rule, exclusion := range config.Exclusions {
		sentence(t, rule, exclusion.Reason)
		if len(exclusion.Entries) == 0 {
			t.Errorf("%s is off everywhere", rule)
		}
		for _, e := range exclusion.Entries {
			if !slices.Contains(panels[e.Dashboard], e.Panel) {
				t.Errorf("%s: no panel %q in %q", rule, e.Panel, e.Dashboard)
			}
		}
	}
}
