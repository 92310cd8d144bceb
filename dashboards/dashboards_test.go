// Package dashboards holds the Grafana dashboards. The tests here need no Prometheus;
// the queries are run in test/e2e.
package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is the part of Grafana's model that the tests check.
type dashboard struct {
	ID            *int
	UID           string
	Title         string
	Description   string
	Tags          []string
	SchemaVersion int
	Refresh       string
	Time          struct{ From, To string }
	Links         []link
	Panels        []panel
	Templating    struct{ List []variable }
	Inputs        json.RawMessage `json:"__inputs"`

	raw string
}

type link struct {
	Title, URL  string
	KeepTime    bool
	TargetBlank bool
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Repeat      string
	GridPos     struct{ X, Y, W, H int }
	Datasource  *datasource
	Targets     []target
	FieldConfig struct {
		Defaults  fieldConfig
		Overrides []struct {
			Properties []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
	Transformations []struct {
		ID      string
		Options json.RawMessage
	}
}

type fieldConfig struct {
	Unit     string
	Decimals *int
	Color    struct{ Mode string }
}

type target struct {
	RefID        string
	Datasource   *datasource
	Expr         string
	LegendFormat string
	Format       string
	Interval     string
	Instant      bool
	Range        bool
}

type datasource struct{ Type, UID string }

type variable struct {
	Name       string
	Label      string
	Type       string
	Datasource *datasource
	Query      json.RawMessage
	Refresh    int
	Hide       int
	Multi      bool
	IncludeAll bool
	AllValue   string
}

// query returns the Prometheus query of a variable, or "".
func (v variable) query() string {
	var query struct{ Query string }
	if json.Unmarshal(v.Query, &query) != nil {
		return ""
	}
	return query.Query
}

// titles has the title of each dashboard by its uid. The uid is also the file's name,
// and must not change: alerts, bookmarks and the dashboards themselves link to it.
var titles = map[string]string{
	"igsend-balances": "IGSend / Balances",
	"igsend-exporter": "IGSend / Exporter",
}

// schemaVersion is that of Grafana 11.0. Later versions migrate it; earlier ones are not supported.
const schemaVersion = 39

// panelTypes are in Grafana 11.0 and not deprecated in later versions.
var panelTypes = []string{"barchart", "bargauge", "heatmap", "row", "stat", "state-timeline", "table", "timeseries"}

// units leaves out short and Grafana's currencies, because they abbreviate numbers.
var units = []string{"bytes", "dateTimeFromNow", "locale", "none", "percentunit", "s", "suffix:/min", "time:ddd D MMM"}

func forEach(t *testing.T, test func(t *testing.T, d dashboard)) {
	t.Helper()
	for _, d := range load(t) {
		t.Run(d.UID, func(t *testing.T) { test(t, d) })
	}
}

func load(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	dashboards := map[string]dashboard{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := dashboard{raw: string(content)}
		if err := json.Unmarshal(content, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if d.UID+".json" != file {
			t.Errorf("%s has the uid %q", file, d.UID)
		}
		dashboards[d.UID] = d
	}
	if len(dashboards) != len(titles) {
		t.Fatalf("%d dashboards, want %d", len(dashboards), len(titles))
	}
	return dashboards
}

func TestIdentity(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		if d.Title != titles[d.UID] {
			t.Errorf("title %q, want %q", d.Title, titles[d.UID])
		}
		if d.ID != nil {
			t.Error("id is set, but Grafana assigns it")
		}
		if d.Inputs != nil {
			t.Error("__inputs: nobody can fill them in when a dashboard is provisioned")
		}
		if d.SchemaVersion != schemaVersion {
			t.Errorf("schemaVersion %d, want %d", d.SchemaVersion, schemaVersion)
		}
		if !slices.Contains(d.Tags, "igsend") {
			t.Errorf("tags %q do not include igsend", d.Tags)
		}
		if d.Refresh == "" || d.Time.From == "" || d.Time.To != "now" {
			t.Errorf("refresh %q from %q to %q", d.Refresh, d.Time.From, d.Time.To)
		}
		sentence(t, "dashboard", d.Description)
	})
}

// TestFormat keeps diffs small: a change of one panel changes a few lines.
func TestFormat(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		var want bytes.Buffer
		if err := json.Indent(&want, []byte(d.raw), "", "  "); err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(want.String())+"\n" != d.raw {
			t.Errorf("not indented by two spaces: jq --indent 2 . %s.json", d.UID)
		}
	})
}

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
// columns.
func testUnits(t *testing.T, p panel) {
	t.Helper()
	found := map[string]bool{}
	if u := p.FieldConfig.Defaults.Unit; u != "" {
		found[u] = true
		if d := p.FieldConfig.Defaults.Decimals; u == "locale" && (d == nil || *d != 2) {
			t.Errorf("panel %q: money without two decimals", p.Title)
		}
	}
	for _, o := range p.FieldConfig.Overrides {
		values := map[string]string{}
		for _, property := range o.Properties {
			values[property.ID] = strings.Trim(string(property.Value), `"`)
		}
		if u := values["unit"]; u != "" {
			found[u] = true
			if u == "locale" && values["decimals"] != "2" {
				t.Errorf("panel %q: money without two decimals", p.Title)
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
			if m[1] != "$__rate_interval" && !daily {
				t.Errorf("panel %q: query %s: window of %s", p.Title, q.RefID, m[1])
			}
			// Without it, a data source without a configured scrape interval would
			// compute the rate of a minute from one sample a minute.
			if m[1] == "$__rate_interval" && q.Interval != "1m" {
				t.Errorf("panel %q: query %s: minimum interval %q", p.Title, q.RefID, q.Interval)
			}
		}
	}
}

func TestGrid(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			g := p.GridPos
			if g.W <= 0 || g.H <= 0 || g.X < 0 || g.Y < 0 || g.X+g.W > 24 {
				t.Errorf("panel %q has the position %+v", p.Title, g)
				continue
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("panel %q covers %q", p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
		bottom := 0
		for cell := range taken {
			bottom = max(bottom, cell[1]+1)
		}
		if len(taken) != 24*bottom {
			t.Errorf("%d of %d cells are empty", 24*bottom-len(taken), 24*bottom)
		}
	})
}

// used matches variables as Grafana does, except Grafana's own, which begin with two underscores.
var used = regexp.MustCompile(`\$(?:\{([a-z][a-z_]*)(?::[a-z]+)?\}|([a-z][a-z_]*))`)

func TestVariables(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		defined := map[string]bool{}
		for i, v := range d.Templating.List {
			defined[v.Name] = true
			if v.Label == "" {
				t.Errorf("variable %s has no label", v.Name)
			}
			if i == 0 && (v.Name != "datasource" || v.Type != "datasource") {
				t.Errorf("the first variable is the %s %s, not the data source", v.Type, v.Name)
			}
			if v.Type != "query" {
				continue
			}
			if v.Datasource == nil || v.Datasource.UID != "${datasource}" {
				t.Errorf("variable %s: data source %v", v.Name, v.Datasource)
			}
			if v.Refresh != 2 {
				t.Errorf("variable %s does not follow the time range", v.Name)
			}
			// Grafana's own patterns match within one line only.
			if q := v.query(); q == "" || strings.Contains(q, "\n") {
				t.Errorf("variable %s: query %q", v.Name, q)
			}
		}
		seen := map[string]bool{}
		for _, m := range used.FindAllStringSubmatch(d.raw, -1) {
			name := m[1] + m[2]
			seen[name] = true
			if !defined[name] {
				t.Errorf("variable %s is used and not defined", name)
			}
		}
		for name := range defined {
			if !seen[name] {
				t.Errorf("variable %s is defined and not used", name)
			}
		}
	})
}

// TestManyClients checks that "All" is a pattern. A list of thousands of clients would
// not fit in a query or a URL.
func TestManyClients(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		for _, v := range d.Templating.List {
			if !slices.Contains([]string{"client_id", "currency", "instance"}, v.Name) {
				continue
			}
			if !v.Multi || !v.IncludeAll || v.AllValue != ".*" {
				t.Errorf("variable %s: multi %t, all %t %q", v.Name, v.Multi, v.IncludeAll, v.AllValue)
			}
		}
	})
	variables := map[string]variable{}
	for _, v := range load(t)["igsend-balances"].Templating.List {
		variables[v.Name] = v
	}
	for _, name := range []string{"client_id", "currency"} {
		if _, ok := variables[name]; !ok {
			t.Errorf("alerts link to var-%s, which does not exist", name)
		}
	}
}

// TestNames checks that a client has the same name in every list, table and legend.
func TestNames(t *testing.T) {
	join := regexp.MustCompile(`label_replace\(label_join\(.*?"client", " · ", "name", "client_id"\), "client", "\$1", "client", " · \(\.\*\)"\)`)
	d := load(t)["igsend-balances"]
	queries := []string{}
	for _, v := range d.Templating.List {
		queries = append(queries, v.query())
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			queries = append(queries, q.Expr)
			if strings.Contains(q.LegendFormat, "client_id") {
				t.Errorf("panel %q: legend %q", p.Title, q.LegendFormat)
			}
		}
	}
	found := map[string]int{}
	for _, q := range queries {
		for _, name := range join.FindAllString(q, -1) {
			found[strings.ReplaceAll(name, `,client_id=~"$client_id"`, "")]++
		}
		if n := strings.Count(q, "label_join"); n != len(join.FindAllString(q, -1)) {
			t.Errorf("the name is joined in a different way: %s", q)
		}
	}
	if len(found) != 1 {
		t.Errorf("%d ways to name a client: %q", len(found), slices.Collect(maps.Keys(found)))
	}
}

var dashboardURL = regexp.MustCompile(`/d/([a-z-]+)(?:\?([^"'\s]*))?`)

func TestLinks(t *testing.T) {
	dashboards := load(t)
	for _, d := range dashboards {
		t.Run(d.UID, func(t *testing.T) {
			if m := regexp.MustCompile(`[a-z]+://[^"]*`).FindString(d.raw); m != "" {
				t.Errorf("%s is not reachable from every network", m)
			}
			others := map[string]bool{}
			for _, l := range d.Links {
				if m := dashboardURL.FindStringSubmatch(l.URL); m == nil || !l.KeepTime || l.TargetBlank {
					t.Errorf("link %q to %s does not keep the time range", l.Title, l.URL)
				} else {
					others[m[1]] = true
				}
			}
			for uid := range dashboards {
				if uid != d.UID && !others[uid] {
					t.Errorf("no link to %s", uid)
				}
			}
			for _, err := range badLinks(dashboards, d.raw) {
				t.Error(err)
			}
		})
	}
}

// TestAlertLinks checks that the links in alerts lead to a dashboard and set variables that it has.
func TestAlertLinks(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join("..", "deploy", "prometheus", "rules", "igsend.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(rules), "/d/igsend-balances?var-client_id=") {
		t.Error("no alert links to the balances of its client")
	}
	for _, err := range badLinks(load(t), strings.ReplaceAll(string(rules), " ", "")) {
		t.Error(err)
	}
}

// badLinks returns an error for each wrong link to a dashboard in a text.
func badLinks(dashboards map[string]dashboard, text string) []error {
	var errs []error
	for _, m := range dashboardURL.FindAllStringSubmatch(text, -1) {
		d, ok := dashboards[m[1]]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: no such dashboard", m[0]))
			continue
		}
		for _, parameter := range strings.Split(m[2], "&") {
			name, _, _ := strings.Cut(parameter, "=")
			name, ok := strings.CutPrefix(name, "var-")
			if ok && !slices.ContainsFunc(d.Templating.List, func(v variable) bool { return v.Name == name }) {
				errs = append(errs, fmt.Errorf("%s: no variable %s", m[0], name))
			}
		}
	}
	return errs
}
