package months

import (
	"context"
	"math"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/tsdb"
)

// An engine is Prometheus's storage and rule groups without its clock. They can be fed and evaluated at any instant.
type engine struct {
	db     *tsdb.DB
	query  rules.QueryFunc
	groups []*rules.Group
	series map[string]labels.Labels
	before map[string]bool
}

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

	promQL := parser.NewParser(parser.Options{})
	queries := promql.NewEngine(promql.EngineOpts{
		MaxSamples:           50_000_000,
		Timeout:              2 * time.Minute,
		LookbackDelta:        5 * time.Minute,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		Parser:               promQL,
	})
	t.Cleanup(func() { _ = queries.Close() })
	query := rules.EngineQueryFunc(queries, db)
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:  query,
		Appendable: db,
		Queryable:  db,
		Context:    context.Background(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Logger:     promslog.NewNopLogger(),
		Parser:     promQL,
	})
	file, err := filepath.Abs("../../../deploy/prometheus/rules/igsend.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := manager.LoadGroups(interval, labels.EmptyLabels(), "", nil, false, file)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	e := &engine{db: db, query: query, series: map[string]labels.Labels{}}
	for _, g := range groups {
		e.groups = append(e.groups, g)
	}
	// Prometheus guarantees no order of groups. A fixed one makes runs repeatable.
	sort.Slice(e.groups, func(i, j int) bool { return e.groups[i].Name() < e.groups[j].Name() })
	return e
}

// A sample is one line of /metrics, as scraped from one target.
type sample struct {
	series string
	value  float64
}

// scrape stores the samples of all targets at an instant. A series that has disappeared since the last scrape gets a
// staleness marker, as in Prometheus.
func (e *engine) scrape(t *testing.T, at time.Time, samples []sample) {
	t.Helper()
	app := e.db.Appender(context.Background())
	now := make(map[string]bool, len(samples))
	for _, s := range samples {
		now[s.series] = true
		if _, err := app.Append(0, e.labels(t, s.series), at.UnixMilli(), s.value); err != nil {
			t.Fatalf("%s at %s: %v", s.series, at, err)
		}
	}
	for series := range e.before {
		if now[series] {
			continue
		}
		if _, err := app.Append(0, e.labels(t, series), at.UnixMilli(), math.Float64frombits(value.StaleNaN)); err != nil {
			t.Fatalf("%s at %s: %v", series, at, err)
		}
	}
	e.before = now
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

func (e *engine) labels(t *testing.T, series string) labels.Labels {
	t.Helper()
	if ls, ok := e.series[series]; ok {
		return ls
	}
	ls, err := parser.NewParser(parser.Options{}).ParseMetric(series)
	if err != nil {
		t.Fatal(err)
	}
	e.series[series] = ls
	return ls
}

// firing evaluates the rules and returns the firing alerts, sorted, as IGSendBalanceLow{client_id="1", …} without the
// labels that do not matter here.
func (e *engine) firing(t *testing.T, at time.Time) []string {
	t.Helper()
	var firing []string
	for _, group := range e.groups {
		if at.UnixNano()%int64(group.Interval()) == 0 {
			group.Eval(context.Background(), at)
		}
		for _, rule := range group.Rules() {
			if err := rule.LastError(); err != nil {
				t.Fatalf("%s at %s: %v", rule.Name(), at, err)
			}
			if alerting, ok := rule.(*rules.AlertingRule); ok {
				firing = append(firing, firingOf(t, alerting)...)
			}
		}
	}
	sort.Strings(firing)
	return firing
}

// runways returns the runways that are published, by client and currency.
func (e *engine) runways(t *testing.T, at time.Time) map[string]float64 {
	t.Helper()
	vector, err := e.query(context.Background(), "client_currency:igsend_client_runway_seconds:ratio", at)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, s := range vector {
		found[s.Metric.Get("client_id")+" "+s.Metric.Get("currency")] = s.F
	}
	return found
}

func firingOf(t *testing.T, rule *rules.AlertingRule) []string {
	t.Helper()
	var firing []string
	for _, alert := range rule.ActiveAlerts() {
		if alert.State != rules.StateFiring || !alert.ResolvedAt.IsZero() {
			continue
		}
		alert.Annotations.Range(func(l labels.Label) {
			if strings.Contains(l.Value, "error expanding") {
				t.Fatalf("%s: %s: %s", rule.Name(), l.Name, l.Value)
			}
		})
		firing = append(firing, alertKey(alert.Labels))
	}
	return firing
}

func alertKey(ls labels.Labels) string {
	key := ls.Get(model.AlertNameLabel)
	for _, name := range []string{"client_id", "currency", "severity"} {
		if v := ls.Get(name); v != "" {
			key += " " + v
		}
	}
	return key
}
