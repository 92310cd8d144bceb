package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// emptyQueries maps the queries that may return nothing for a healthy demo, by dashboard,
// panel and query, to the reason.
var emptyQueries = map[string]string{
	"igsend-balances/Accounts, worst first/spend":       needsDay,
	"igsend-balances/Accounts, worst first/target":      needsDay,
	"igsend-balances/The ten shortest runways/critical": needsDay,
	"igsend-balances/The ten shortest runways/short":    needsDay,
	"igsend-balances/The ten shortest runways/rest":     needsDay,
	"igsend-balances/Runway in $purse/runway":           needsDay,
}

const needsDay = "a runway needs a day of history; dashboards/ has one"

// prometheusMetrics are the metrics that Prometheus itself adds. scrape_timeout_seconds
// exists only with extra_scrape_metrics; its query has a fallback.
var prometheusMetrics = []string{
	"ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_timeout_seconds", "up",
}

// dashboardValues replaces variables as Grafana would, with All selected where possible.
// The client of the details is one that has data in every panel.
var dashboardValues = strings.NewReplacer(
	"${datasource}", "prometheus",
	"$__rate_interval", "30s", "$__range", "10m",
	"$job", "(igsend)", "$instance", ".*", "$scrape_timeout", "30",
	"$client_id", ".*", "$currency", ".*", "$client", "100045", "$purse", "GBP",
)

// A dashboardQuery is one query of a panel or a variable.
type dashboardQuery struct {
	name    string
	expr    string
	instant bool
	table   bool
	step    time.Duration
}

type dashboardVariable struct {
	name, query, regex string
}

func loadDashboards(t *testing.T) ([]dashboardQuery, []dashboardVariable) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "dashboards", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no dashboards", err)
	}
	var queries []dashboardQuery
	var variables []dashboardVariable
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			UID    string
			Panels []struct {
				Title   string
				Targets []struct {
					RefID, Expr, Format, Interval string
					Instant                       bool
				}
			}
			Templating struct {
				List []struct {
					Name, Regex string
					Query       json.RawMessage
				}
			}
		}
		if err := json.Unmarshal(content, &dashboard); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, p := range dashboard.Panels {
			for _, target := range p.Targets {
				q := dashboardQuery{
					name:    dashboard.UID + "/" + p.Title + "/" + target.RefID,
					expr:    dashboardValues.Replace(target.Expr),
					instant: target.Instant,
					table:   target.Format == "table",
					step:    time.Second,
				}
				if target.Interval == "1d" {
					q.step = 24 * time.Hour
				}
				queries = append(queries, q)
			}
		}
		for _, v := range dashboard.Templating.List {
			var query struct{ Query string }
			if json.Unmarshal(v.Query, &query) == nil && query.Query != "" {
				variables = append(variables, dashboardVariable{
					name: dashboard.UID + "/" + v.Name, query: dashboardValues.Replace(query.Query), regex: v.Regex,
				})
			}
		}
	}
	return queries, variables
}

// TestDashboards runs the queries of the dashboards on a real Prometheus that scrapes two
// replicas of the demo.
func TestDashboards(t *testing.T) {
	queries, variables := loadDashboards(t)
	targets := []string{runDemo(t), runDemo(t)}
	rules := dashboardRules(t)
	prometheus := runDashboardPrometheus(t, targets, rules)

	t.Run("metrics", func(t *testing.T) {
		known := append(exportedMetrics(t, targets[0]), prometheusMetrics...)
		known = append(known, recordedMetrics(t, rules)...)
		for _, q := range queries {
			checkExpr(t, q.name, q.expr, known)
		}
		for _, v := range variables {
			checkExpr(t, v.name, v.expr(t), known)
		}
	})
	t.Run("queries", func(t *testing.T) {
		deadline := time.Now().Add(2 * time.Minute)
		for _, q := range queries {
			reason, mayBeEmpty := emptyQueries[q.name]
			result := prometheus.ask(t, q)
			for !mayBeEmpty && !hasNumber(result) && time.Now().Before(deadline) {
				time.Sleep(time.Second)
				result = prometheus.ask(t, q)
			}
			switch {
			case !mayBeEmpty && !hasNumber(result):
				t.Errorf("%s returns nothing:\n%s", q.name, q.expr)
			case mayBeEmpty && hasNumber(result):
				t.Errorf("%s returns data, but it is listed as empty: %s", q.name, reason)
			}
			if q.table {
				checkRows(t, q.name, result)
			}
		}
		for name := range emptyQueries {
			if !slices.ContainsFunc(queries, func(q dashboardQuery) bool { return q.name == name }) {
				t.Errorf("%s is listed as empty, but there is no such query", name)
			}
		}
	})
	t.Run("variables", func(t *testing.T) {
		for _, v := range variables {
			values := prometheus.values(t, v)
			if len(values) == 0 {
				t.Errorf("variable %s has no values:\n%s", v.name, v.query)
			}
			want := "Payroll · 100045=100045"
			if strings.Contains(v.regex, "client") && !slices.Contains(values, want) {
				t.Errorf("variable %s lacks %s: %q", v.name, want, values)
			}
		}
	})
}

// hasNumber reports whether there is anything to draw.
func hasNumber(result []series) bool {
	return slices.ContainsFunc(result, func(s series) bool {
		return slices.ContainsFunc(append(s.Values, s.Value), func(p model.SamplePair) bool {
			return p.Timestamp != 0 && !math.IsNaN(float64(p.Value))
		})
	})
}

// checkRows finds accounts that would have two rows in a table. With two replicas, that
// happens if a query does not aggregate them.
func checkRows(t *testing.T, name string, result []series) {
	t.Helper()
	seen := map[string]bool{}
	for _, s := range result {
		row := s.Metric["client_id"] + " " + s.Metric["currency"]
		if alert := s.Metric["alertname"]; alert != "" {
			row += " " + alert + " " + s.Metric["severity"]
		}
		if seen[row] {
			t.Errorf("%s has two rows for %v", name, s.Metric)
		}
		seen[row] = true
		if s.Metric["instance"] != "" {
			t.Errorf("%s has a row for an instance: %v", name, s.Metric)
		}
	}
}

// checkExpr checks a query without running it.
func checkExpr(t *testing.T, name, query string, known []string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, query)
		return
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			for _, metric := range metricNames(n) {
				if !slices.Contains(known, metric) {
					t.Errorf("%s: neither the exporter nor a rule provides %s", name, metric)
				}
			}
			// Other exporters have metrics such as go_goroutines too.
			ofJob := slices.ContainsFunc(n.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == "job" })
			if !ofJob && !strings.HasPrefix(n.Name, "ALERTS") && !strings.HasPrefix(name, "igsend-balances/job") &&
				!strings.HasPrefix(name, "igsend-exporter/job") {
				t.Errorf("%s: %s selects every job", name, n)
			}
		case *parser.AggregateExpr:
			if n.Op == parser.SUM && sumsMoney(n) {
				t.Errorf("%s sums across currencies: %s", name, n)
			}
		}
		return nil
	})
}

// metricNames returns the names of the metrics that a selector selects.
func metricNames(s *parser.VectorSelector) []string {
	if s.Name != "" {
		return []string{s.Name}
	}
	for _, m := range s.LabelMatchers {
		if m.Name == labels.MetricName {
			return strings.Split(m.Value, "|")
		}
	}
	return nil
}

// sumsMoney reports whether amounts in different currencies are added.
func sumsMoney(sum *parser.AggregateExpr) bool {
	if !sum.Without && slices.Contains(sum.Grouping, "currency") {
		return false
	}
	money := regexp.MustCompile(`^(?:.*:)?igsend_client_(?:balance(?:_threshold|_(?:in|de)crease.*)?|spend_per_day)(?::.*)?$`)
	found := false
	parser.Inspect(sum.Expr, func(node parser.Node, _ []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		one := ok && slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
			return m.Name == "currency" && m.Type == labels.MatchEqual
		})
		if ok && !one && slices.ContainsFunc(metricNames(s), money.MatchString) {
			found = true
		}
		return nil
	})
	return found
}

var (
	labelValues = regexp.MustCompile(`^label_values\((?:(.+),\s*)?([a-zA-Z_][a-zA-Z0-9_]*)\)\s*$`)
	queryResult = regexp.MustCompile(`^query_result\((.+)\)\s*$`)
)

func (v dashboardVariable) expr(t *testing.T) string {
	t.Helper()
	if m := queryResult.FindStringSubmatch(v.query); m != nil {
		return m[1]
	}
	if m := labelValues.FindStringSubmatch(v.query); m != nil {
		return m[1]
	}
	t.Fatalf("variable %s: %s", v.name, v.query)
	return ""
}

// A dashboardPrometheus is a running Prometheus.
type dashboardPrometheus struct{ url string }

type series struct {
	Metric map[string]string
	Value  model.SamplePair
	Values []model.SamplePair
}

func (p dashboardPrometheus) get(t *testing.T, path string, parameters url.Values, data any) {
	t.Helper()
	response, err := http.PostForm(p.url+path, parameters)
	if strings.HasSuffix(path, "/values") {
		response, err = http.Get(p.url + path + "?" + parameters.Encode())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Status != "success" {
		t.Fatalf("%s %v: %s %v", path, parameters, answer.Error, err)
	}
}

func (p dashboardPrometheus) ask(t *testing.T, q dashboardQuery) []series {
	t.Helper()
	var data struct{ Result []series }
	parameters := url.Values{"query": {q.expr}}
	if q.instant {
		p.get(t, "/api/v1/query", parameters, &data)
		return data.Result
	}
	end := time.Now()
	start := end.Add(-10 * time.Minute)
	if q.step > time.Hour {
		end = end.Truncate(q.step)
		start = end.Add(-14 * q.step)
	}
	parameters.Set("start", strconv.FormatInt(start.Unix(), 10))
	parameters.Set("end", strconv.FormatInt(end.Unix(), 10))
	parameters.Set("step", q.step.String())
	p.get(t, "/api/v1/query_range", parameters, &data)
	return data.Result
}

// values returns the options of a variable as Grafana would, as text=value.
func (p dashboardPrometheus) values(t *testing.T, v dashboardVariable) []string {
	t.Helper()
	if m := labelValues.FindStringSubmatch(v.query); m != nil {
		var values []string
		p.get(t, "/api/v1/label/"+m[2]+"/values", url.Values{"match[]": {m[1]}}, &values)
		return values
	}
	pattern, err := regexp.Compile(strings.Trim(v.regex, "/"))
	if err != nil {
		t.Fatalf("variable %s: %v", v.name, err)
	}
	var options []string
	for _, s := range p.ask(t, dashboardQuery{expr: v.expr(t), instant: true}) {
		pairs := []string{}
		for name, value := range s.Metric {
			pairs = append(pairs, name+`="`+value+`"`)
		}
		slices.Sort(pairs)
		if m := pattern.FindStringSubmatch("{" + strings.Join(pairs, ",") + "} 1 0"); m != nil {
			text, value := max(pattern.SubexpIndex("text"), 1), max(pattern.SubexpIndex("value"), 1)
			options = append(options, m[text]+"="+m[value])
		}
	}
	return options
}

// dashboardRules returns the shipped rules, without the two minutes that an account must be
// low before its alert fires.
func dashboardRules(t *testing.T) []byte {
	t.Helper()
	rules, err := os.ReadFile(ruleFile)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(rules, []byte("for: 2m\n"), []byte("for: 1s\n"))
}

func recordedMetrics(t *testing.T, rules []byte) []string {
	t.Helper()
	groups, errs := rulefmt.Parse(rules, false, model.UTF8Validation, parser.NewParser(parser.Options{}))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var names []string
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			if r.Record != "" {
				names = append(names, r.Record)
			}
		}
	}
	return names
}

// exportedMetrics returns the names of the metrics in the exporter's /metrics, and those of
// its histograms as native histograms.
func exportedMetrics(t *testing.T, target string) []string {
	t.Helper()
	response, err := http.Get("http://" + target + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^(?:# TYPE )?([a-z_]+)[ {]`).FindAllSubmatch(body, -1) {
		names = append(names, string(m[1]))
	}
	return names
}

// runDemo returns the address of a demo that has answered its first scrape.
func runDemo(t *testing.T) string {
	t.Helper()
	address := freePort(t)
	start(t, "igsend_exporter", "demo", "--web.listen-address="+address)
	awaitPage(t, "http://"+address+"/metrics")
	return address
}

func awaitPage(t *testing.T, url string) {
	t.Helper()
	eventually(t, url, func() error {
		_, err := get(t.Context(), url)
		return err
	})
}

func runDashboardPrometheus(t *testing.T, targets []string, rules []byte) dashboardPrometheus {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [igsend.rules.yml]
scrape_configs:
- job_name: igsend
  static_configs: [{targets: ['%s']}]
`, strings.Join(targets, "', '"))
	for name, content := range map[string][]byte{"prometheus.yml": []byte(config), "igsend.rules.yml": rules} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := freePort(t)
	start(t, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	awaitPage(t, "http://"+address+"/-/ready")
	return dashboardPrometheus{url: "http://" + address}
}
