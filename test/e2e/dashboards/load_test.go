// Package dashboards runs the queries of the Grafana dashboards in Prometheus's own engine,
// on companies of different sizes and ages. It needs no running Prometheus.
package dashboards

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
)

// A query is one query of a panel or of a variable.
type query struct {
	expr     string
	instant  bool
	interval string
}

// load returns the queries of a dashboard: those of panels as "Title/refId", those of
// variables as "$name". Also what All means for each variable.
func load(t *testing.T, uid string) (queries map[string]query, all map[string]string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "..", "dashboards", uid+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct {
				RefID, Expr, Interval string
				Instant               bool
			}
		}
		Templating struct {
			List []struct {
				Name, AllValue string
				Query          json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(content, &dashboard); err != nil {
		t.Fatal(err)
	}
	queries, all = map[string]query{}, map[string]string{"job": "(igsend)"}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			queries[p.Title+"/"+target.RefID] = query{target.Expr, target.Instant, target.Interval}
		}
	}
	for _, v := range dashboard.Templating.List {
		if v.AllValue != "" {
			all[v.Name] = v.AllValue
		}
		var q struct{ Query string }
		if json.Unmarshal(v.Query, &q) != nil {
			continue
		}
		if expr, ok := strings.CutPrefix(q.Query, "query_result("); ok {
			queries["$"+v.Name] = query{expr: strings.TrimSuffix(expr, ")"), instant: true}
		}
	}
	return queries, all
}

// A screen is a dashboard that somebody looks at.
type screen struct {
	t       *testing.T
	engine  *engine
	queries map[string]query
	to      time.Time
	span    time.Duration
	values  map[string]string // of variables
}

func open(t *testing.T, e *engine, uid string, span time.Duration) *screen {
	t.Helper()
	queries, values := load(t, uid)
	values["client"], values["purse"], values["scrape_timeout"] = "100045", "GBP", "30"
	return &screen{t: t, engine: e, queries: queries, to: end, span: span, values: values}
}

// expr returns a query with its variables replaced, as Grafana would.
func (s *screen) expr(name string) string {
	s.t.Helper()
	q, ok := s.queries[name]
	if !ok {
		s.t.Fatalf("there is no query %s", name)
	}
	// Grafana's default for a data source without a scrape interval.
	scrape := 15 * time.Second
	if q.interval != "" {
		least, err := model.ParseDuration(strings.ReplaceAll(q.interval, "${scrape_interval}", s.values["scrape_interval"]))
		if err != nil {
			s.t.Fatalf("%s: interval: %v", name, err)
		}
		scrape = time.Duration(least)
	}
	rate := max(s.step(scrape)+scrape, 4*scrape)
	expr := strings.NewReplacer("$__rate_interval", rate.String(), "$__range", fmt.Sprintf("%ds", int(s.span.Seconds()))).Replace(q.expr)
	return variable.ReplaceAllStringFunc(expr, func(name string) string {
		v, ok := s.values[name[1:]]
		if !ok {
			s.t.Fatalf("%s: no value for %s", name, expr)
		}
		return v
	})
}

var variable = regexp.MustCompile(`\$[a-z_]+`)

// step is the resolution of a panel that is 1,000 pixels wide.
func (s *screen) step(least time.Duration) time.Duration { return max(least, s.span/1000) }

func (s *screen) instant(name string) promql.Vector {
	s.t.Helper()
	return s.engine.instant(s.expr(name), s.to)
}

func (s *screen) series(name string, least time.Duration) promql.Matrix {
	s.t.Helper()
	return s.engine.series(s.expr(name), s.to.Add(-s.span), s.to, s.step(least))
}

// number returns what a stat shows, or "" if there is nothing to show.
func (s *screen) number(name string) string {
	s.t.Helper()
	v := s.instant(name)
	switch len(v) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%.6g", v[0].F)
	}
	s.t.Errorf("%s has %d values", name, len(v))
	return ""
}
