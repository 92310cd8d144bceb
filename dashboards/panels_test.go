package dashboards

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// panelTypes are in Grafana 11.0 and not deprecated in later versions.
var panelTypes = []string{"barchart", "bargauge", "heatmap", "row", "stat", "state-timeline", "table", "timeseries"}

// units leaves out short and Grafana's currencies, because they abbreviate numbers.
var units = []string{"bytes", "dateTimeFromNow", "locale", "none", "percentunit", "s", "suffix:/min", "suffix:days", "time:ddd D MMM"}

func TestPanels(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		ids, names := map[int]bool{}, map[string]bool{}
		for _, p := range d.Panels {
			if p.ID == 0 || ids[p.ID] {
				t.Errorf("panel %q: id %d is 0 or not unique", p.Title, p.ID)
			}
			if p.Title == "" || names[p.Title] {
				t.Errorf("panel %d: title %q is empty or not unique", p.ID, p.Title)
			}
			ids[p.ID], names[p.Title] = true, true
			if !slices.Contains(panelTypes, p.Type) {
				t.Errorf("panel %q: type %s", p.Title, p.Type)
			}
			if p.Type == "row" {
				continue
			}
			sentence(t, p.Title, p.Description)
			testUnits(t, p)
			// With colours by threshold, Grafana would merge the states and show ranges instead of their names.
			if mode := p.FieldConfig.Defaults.Color.Mode; p.Type == "state-timeline" && mode != "palette-classic" {
				t.Errorf("panel %q: states coloured by %q", p.Title, mode)
			}
			testTargets(t, p)
		}
	})
}

func sentence(t *testing.T, what, s string) {
	t.Helper()
	if len(s) < 60 || !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "?") {
		t.Errorf("%s: the description is too short, or not a sentence: %q", what, s)
	}
}

// testUnits checks that every number has a unit. In the table the units are set for the
// columns. Money has no decimals: locale separates thousands, but drops trailing zeros, and
// Grafana has no unit that does one without the other.
func testUnits(t *testing.T, p panel) {
	t.Helper()
	found := map[string]bool{}
	if u := p.FieldConfig.Defaults.Unit; u != "" {
		found[u] = true
		if d := p.FieldConfig.Defaults.Decimals; u == "locale" && (d == nil || *d != 0) {
			t.Errorf("panel %q: money with decimals", p.Title)
		}
	}
	for _, o := range p.FieldConfig.Overrides {
		if u := strings.Trim(o.property("unit"), `"`); u != "" {
			found[u] = true
			if u == "locale" && o.property("decimals") != "0" {
				t.Errorf("panel %q: money with decimals", p.Title)
			}
		}
	}
	if len(found) == 0 {
		t.Errorf("panel %q has no unit", p.Title)
	}
	for u := range found {
		if !slices.Contains(units, u) {
			t.Errorf("panel %q: unit %q", p.Title, u)
		}
	}
}

// A rate over less than four scrapes has gaps, and $__rate_interval is at least four.
// Panels that show days use windows of a day.
var window = regexp.MustCompile(`(?:rate|increase|irate|delta)\([^\[\]()]*\[([^\]]+)\]`)

func testTargets(t *testing.T, p panel) {
	t.Helper()
	variable := datasource{Type: "prometheus", UID: "${datasource}"}
	if p.Datasource == nil || *p.Datasource != variable {
		t.Errorf("panel %q: datasource %v is not the variable", p.Title, p.Datasource)
	}
	if len(p.Targets) == 0 {
		t.Errorf("panel %q has no query", p.Title)
	}
	ids := map[string]bool{}
	for _, q := range p.Targets {
		if q.Datasource == nil || *q.Datasource != variable {
			t.Errorf("panel %q: query %s: datasource %v is not the variable", p.Title, q.RefID, q.Datasource)
		}
		if q.RefID == "" || ids[q.RefID] {
			t.Errorf("panel %q: refId %q is empty or not unique", p.Title, q.RefID)
		}
		ids[q.RefID] = true
		if q.Instant == q.Range {
			t.Errorf("panel %q: query %s must be either instant or range", p.Title, q.RefID)
		}
		for _, m := range window.FindAllStringSubmatch(q.Expr, -1) {
			daily := q.Interval == "1d" && (m[1] == "1d" || m[1] == "1h")
			if m[1] != "$__rate_interval" && m[1] != "$__range" && !daily {
				t.Errorf("panel %q: query %s: window of %s", p.Title, q.RefID, m[1])
			}
			// Grafana takes the minimum interval for the scrape interval. Without one, it would
			// compute the rate of a minute from one sample a minute; a fixed one is wrong elsewhere.
			if m[1] == "$__rate_interval" && q.Interval != "${scrape_interval}s" {
				t.Errorf("panel %q: query %s: minimum interval %q", p.Title, q.RefID, q.Interval)
			}
		}
	}
}

// TestDescriptions checks that panels say what their numbers do not include, or count twice.
func TestDescriptions(t *testing.T) {
	const future = "Payments with a future date are not in "
	want := map[string][]string{
		"Total per currency":         {"whether a parent client's balance includes those of its children", future},
		"Dry within 24 h":            {"counts accounts, not alerts", "needs a day of history", future},
		"Empty now":                  {"counts accounts, not alerts"},
		"Below a threshold":          {"counts accounts, not alerts"},
		"Shortest runway":            {"needs a day of history", future},
		"Accounts, worst first":      {"needs a day of history", "only thresholds protect", future},
		"Balance in $purse":          {future},
		"Money in and out in $purse": {"payments that were returned"},
		"Runway in $purse":           {"seen the account for a day", future},
		"The ten shortest runways":   {"without a day of history", future},
	}
	for _, p := range load(t)["igsend-balances"].Panels {
		for _, s := range want[p.Title] {
			if !strings.Contains(p.Description, s) {
				t.Errorf("panel %q does not say %q", p.Title, s)
			}
		}
		delete(want, p.Title)
	}
	for title := range want {
		t.Errorf("no panel %q", title)
	}
}
