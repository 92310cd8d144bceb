// Package dashboards holds the Grafana dashboards. The tests here need no Prometheus;
// the queries are run in test/e2e.
package dashboards

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
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
	Editable      bool
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
	TimeFrom    string
	GridPos     struct{ X, Y, W, H int }
	Datasource  *datasource
	Targets     []target
	FieldConfig struct {
		Defaults  fieldConfig
		Overrides []override
	}
	Options struct {
		TextMode  string
		ValueMode string
		Sizing    string
		Legend    struct{ Calcs []string }
		Text      struct{ TitleSize, ValueSize int }

		MinVizHeight, MaxVizHeight int
	}
	Transformations []struct {
		ID      string
		Options struct {
			Sort                        []struct{ Field string }
			IndexByName                 map[string]int
			RenameByName, ExcludeByName map[string]any
		}
	}
}

type fieldConfig struct {
	Unit        string
	Decimals    *int
	Max         *float64
	DisplayName string
	NoValue     string
	Color       color
	Mappings    json.RawMessage
	Thresholds  json.RawMessage
	Custom      struct{ MinWidth int }
}

type color struct{ Mode, FixedColor string }

type override struct {
	Matcher    struct{ ID, Options string }
	Properties []property
}

type property struct {
	ID    string
	Value json.RawMessage
}

// property returns the JSON of a property, or "".
func (o override) property(id string) string {
	for _, p := range o.Properties {
		if p.ID == id {
			return string(p.Value)
		}
	}
	return ""
}

// override returns the override of the field with a name.
func (p panel) override(name string) override {
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.Options == name {
			return o
		}
	}
	return override{}
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
		// Changes in Grafana would be lost with the next version.
		if d.Editable {
			t.Error("editable")
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
