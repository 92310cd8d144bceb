package dashboards

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// used matches variables as Grafana does, except Grafana's own, which begin with two underscores.
var used = regexp.MustCompile(`\$(?:\{([a-z][a-z_]*)(?::[a-z]+)?\}|([a-z][a-z_]*))`)

// labels are what a reader sees of the variables. Grafana's dashboard-linter asks for the
// first three.
var labels = map[string]string{
	"datasource": "Data source", "job": "Job", "instance": "Instance", "client_id": "Client", "currency": "Currency",
	"client": "Details of", "purse": "Currencies of the client", "scrape_interval": "Scrape interval", "scrape_timeout": "Scrape timeout (s)",
}

func TestVariables(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		defined := map[string]bool{}
		for i, v := range d.Templating.List {
			defined[v.Name] = true
			if v.Label != labels[v.Name] {
				t.Errorf("variable %s has the label %q, want %q", v.Name, v.Label, labels[v.Name])
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
			if !slices.Contains([]string{"job", "client_id", "currency", "instance"}, v.Name) {
				continue
			}
			want := ".*" // clients without a currency have rows too
			switch {
			case v.Name == "job" && d.UID == "igsend-exporter":
				want = "" // the jobs in the list: others have metrics such as up, too
			case v.Name == "job" || v.Name == "instance":
				want = ".+"
			}
			if !v.Multi || !v.IncludeAll || v.AllValue != want {
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
