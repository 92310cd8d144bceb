package dashboards

import (
	"context"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/tsdb"
)

// An engine is Prometheus's storage, rules and queries without its clock.
type engine struct {
	t      *testing.T
	db     *tsdb.DB
	promQL *promql.Engine
	groups []*rules.Group
	labels map[string]labels.Labels
	before map[string]bool
}

// newEngine returns an engine with the shipped rules.
func newEngine(t *testing.T, interval time.Duration) *engine {
	t.Helper()
	opts := tsdb.DefaultOptions()
	opts.MinBlockDuration = (365 * 24 * time.Hour).Milliseconds()
	opts.MaxBlockDuration = opts.MinBlockDuration
	opts.RetentionDuration = 0
	db, err := tsdb.Open(t.TempDir(), promslog.NewNopLogger(), nil, opts, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	parse := parser.NewParser(parser.Options{})
	e := &engine{t: t, db: db, labels: map[string]labels.Labels{}, promQL: promql.NewEngine(promql.EngineOpts{
		MaxSamples:           50_000_000,
		Timeout:              2 * time.Minute,
		LookbackDelta:        5 * time.Minute,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		Parser:               parse,
	})}
	t.Cleanup(func() { _ = e.promQL.Close() })
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:  rules.EngineQueryFunc(e.promQL, db),
		Appendable: db,
		Queryable:  db,
		Context:    context.Background(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Logger:     promslog.NewNopLogger(),
		Parser:     parse,
	})
	file, err := filepath.Abs("../../../deploy/prometheus/rules/igsend.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := manager.LoadGroups(interval, labels.EmptyLabels(), "", nil, false, file)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	// Prometheus guarantees no order of groups. A fixed one makes runs repeatable.
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		e.groups = append(e.groups, groups[name])
		for _, rule := range groups[name].AlertingRules() {
			rule.SetRestored(true) // otherwise it would not write ALERTS
		}
	}
	return e
}

// A sample is one line of /metrics, with the labels of its target.
type sample struct {
	series string
	value  float64
}

// scrape stores the samples of all targets at an instant and evaluates the rules. A series
// that has disappeared since the last scrape gets a staleness marker, as in Prometheus.
func (e *engine) scrape(at time.Time, samples []sample) {
	e.t.Helper()
	app := e.db.Appender(context.Background())
	appendSample := func(series string, v float64) {
		ls, ok := e.labels[series]
		if !ok {
			var err error
			if ls, err = parser.NewParser(parser.Options{}).ParseMetric(series); err != nil {
				e.t.Fatal(err)
			}
			e.labels[series] = ls
		}
		if _, err := app.Append(0, ls, at.UnixMilli(), v); err != nil {
			e.t.Fatalf("%s at %s: %v", series, at, err)
		}
	}
	now := make(map[string]bool, len(samples))
	for _, s := range samples {
		now[s.series] = true
		appendSample(s.series, s.value)
	}
	for series := range e.before {
		if !now[series] {
			appendSample(series, math.Float64frombits(value.StaleNaN))
		}
	}
	e.before = now
	if err := app.Commit(); err != nil {
		e.t.Fatal(err)
	}
	for _, group := range e.groups {
		group.Eval(context.Background(), at)
		for _, rule := range group.Rules() {
			if err := rule.LastError(); err != nil {
				e.t.Fatalf("%s at %s: %v", rule.Name(), at, err)
			}
		}
	}
}

// instant runs a query. The result is in Prometheus's order.
func (e *engine) instant(expr string, at time.Time) promql.Vector {
	e.t.Helper()
	q, err := e.promQL.NewInstantQuery(context.Background(), e.db, nil, expr, at)
	if err != nil {
		e.t.Fatalf("%v in\n%s", err, expr)
	}
	defer q.Close()
	result := q.Exec(context.Background())
	vector, err := result.Vector()
	if err != nil {
		e.t.Fatalf("%v in\n%s", err, expr)
	}
	return append(promql.Vector(nil), vector...)
}

// series runs a query over a range. The result is in Prometheus's order.
func (e *engine) series(expr string, from, to time.Time, step time.Duration) promql.Matrix {
	e.t.Helper()
	q, err := e.promQL.NewRangeQuery(context.Background(), e.db, nil, expr, from, to, step)
	if err != nil {
		e.t.Fatalf("%v in\n%s", err, expr)
	}
	defer q.Close()
	result := q.Exec(context.Background())
	matrix, err := result.Matrix()
	if err != nil {
		e.t.Fatalf("%v in\n%s", err, expr)
	}
	var kept promql.Matrix
	for _, s := range matrix {
		kept = append(kept, promql.Series{Metric: s.Metric, Floats: append([]promql.FPoint(nil), s.Floats...)})
	}
	return kept
}
