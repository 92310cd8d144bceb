package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// A runbookQuery is a PromQL query in runbooks.md.
type runbookQuery struct {
	section, expr string
}

func runbookQueries(t *testing.T) []runbookQuery {
	t.Helper()
	var queries []runbookQuery
	for _, section := range strings.Split(shipped(t, "../../deploy/runbooks.md"), "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		for _, m := range regexp.MustCompile("(?ms)^ *```promql\n(.*?)^ *```$").FindAllStringSubmatch(body, -1) {
			queries = append(queries, runbookQuery{title, strings.Join(strings.Fields(m[1]), " ")})
		}
	}
	if len(queries) < 10 {
		t.Fatalf("runbooks.md has %d queries", len(queries))
	}
	return queries
}

// The metrics in the runbooks' queries are those of the real programs and of the rules.
func TestRunbookQueriesNameMetrics(t *testing.T) {
	s := startStack(t)
	s.api.tell(t, map[string]any{
		"Keys":     []string{"public", "first"},
		"Balances": map[string]any{"100045": map[string]string{"GBP": "80000.00"}}, // of 100046 it knows nothing: an error
	})
	eventually(t, "a scrape with a balance and an error", func() error {
		for _, metric := range []string{"igsend_client_balance", "igsend_client_errors_total"} {
			if !slices.Contains(exportedMetrics(t, s.exporterAt), metric) {
				return fmt.Errorf("no %s", metric)
			}
		}
		return nil
	})
	known := append([]string{"ALERTS", "up"}, recordedMetrics(t, []byte(shipped(t, ruleFile)))...)
	for _, address := range []string{s.exporterAt, s.prometheusAt, s.alertmanager} {
		known = append(known, exportedMetrics(t, address)...)
	}
	for _, q := range runbookQueries(t) {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(q.expr)
		if err != nil {
			t.Errorf("%s: %v\n%s", q.section, err, q.expr)
			continue
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if n, ok := node.(*parser.VectorSelector); ok {
				for _, m := range n.LabelMatchers {
					if m.Name == labels.MetricName && !slices.Contains(known, m.Value) {
						t.Errorf("%s: neither a program nor a rule provides %s", q.section, m.Value)
					}
				}
			}
			return nil
		})
	}
}

// The input of the runbooks' queries: an account that spends, with an API that fails now and then, and alerts that fire.
const runbookWorld = `
rule_files: [%s]
evaluation_interval: 5m
tests:
- interval: 5m
  input_series:
  - {series: 'up{job="igsend",instance="a"}', values: '1x600'}
  - {series: 'igsend_exporter_build_info{job="igsend",instance="a",version="1"}', values: '1x600'}
  - {series: 'igsend_exporter_shard_info{job="igsend",instance="a",shard="0",total_shards="1"}', values: '1x600'}
  - {series: 'igsend_exporter_total_shards{job="igsend",instance="a"}', values: '1x600'}
  - {series: 'igsend_exporter_config_last_reload_successful{job="igsend",instance="a"}', values: '1x600'}
  - {series: 'igsend_client_up{job="igsend",instance="a",client_id="100045"}', values: '1x600'}
  - {series: 'igsend_client_info{job="igsend",instance="a",client_id="100045",name="Payroll",team="payments"}', values: '1x600'}
  - {series: 'igsend_client_last_success_timestamp_seconds{job="igsend",instance="a",client_id="100045"}', values: '0+300x600'}
  - {series: 'igsend_client_balance{job="igsend",instance="a",client_id="100045",currency="GBP"}', values: '100000-100x600'}
  - {series: 'igsend_client_balance_decrease_total{job="igsend",instance="a",client_id="100045",currency="GBP"}', values: '0+100x600'}
  - {series: 'igsend_client_balance_state{job="igsend",instance="a",client_id="100045",currency="GBP",state="IN_CREDIT"}', values: '1x600'}
  - {series: 'igsend_client_balance_threshold{job="igsend",instance="a",client_id="100045",currency="GBP",severity="warning"}', values: '50000x600'}
  - {series: 'igsend_client_errors_total{job="igsend",instance="a",client_id="100045",reason="network"}', values: '0+1x600'}
  - {series: 'igsend_upstream_errors_total{job="igsend",instance="a",reason="network"}', values: '0+1x600'}
  - {series: 'prometheus_notifications_alertmanagers_discovered{job="prometheus",instance="b"}', values: '1x600'}
  - {series: 'alertmanager_notifications_failed_total{job="alertmanager",instance="c",integration="slack",reason="clientError"}', values: '0+1x600'}
  promql_expr_test:
`

// runbookAnswers has the number that each query returns in that world after two days: the balance is 42,400, and 28,800 is
// spent a day.
var runbookAnswers = map[string]string{
	`client_currency_severity:igsend_client_balance_threshold:last{client_id="100045", currency="GBP"}` +
		` - ignoring (severity) group_left () client_currency:igsend_client_balance:last`: "7600",
	`client_currency:igsend_client_balance:last{client_id="100045"}`:                             "42400",
	`last_over_time(client_currency:igsend_client_balance:min{client_id="100045"}[7d])`:          "42400",
	`changes(client_currency:igsend_client_balance:min{client_id="100045", currency="GBP"}[3d])`: "576",

	`client_currency:igsend_client_spend_per_day:max{client_id="100045"}`:                                                  "28800",
	`client_currency:igsend_client_spend_per_day:max{client_id="100045", currency="GBP"}`:                                  "28800",
	`client_currency:igsend_client_runway_seconds:last{client_id="100045"} / 86400`:                                        "1.4722222222222223",
	`sort(bottomk(10, client_currency:igsend_client_runway_seconds:last / 3600))`:                                          "35.333333333333336",
	`7 * client_currency:igsend_client_spend_per_day:max{client_id="100045"} - client_currency:igsend_client_balance:last`: "159200",

	`count by (state) (igsend_client_balance_state == 1)`:                                 "1",
	`count by (job, instance) (igsend_client_up)`:                                         "1",
	`sort_desc((time() - client:igsend_client_last_success_timestamp_seconds:last) / 60)`: "0",
	`sum by (reason) (increase(igsend_client_errors_total{client_id="100045"}[15m])) > 0`: "3",
	`sum by (job, reason) (increase(igsend_upstream_errors_total[15m])) > 0`:              "3",
	`up{job=~"igsend.*"}`:                                                              "1",
	`igsend_exporter_config_last_reload_successful`:                                    "1",
	`igsend_exporter_shard_info`:                                                       "1",
	`igsend_exporter_total_shards`:                                                     "1",
	`ALERTS{alertname=~"(IGSend)?Watchdog"}`:                                           "1",
	`prometheus_notifications_alertmanagers_discovered`:                                "1",
	`sum by (integration) (increase(alertmanager_notifications_failed_total[1h])) > 0`: "12",
}

// The runbooks' queries return what their steps say, from the shipped rules.
func TestRunbookQueries(t *testing.T) {
	rules, err := filepath.Abs(ruleFile)
	if err != nil {
		t.Fatal(err)
	}
	world := fmt.Sprintf(runbookWorld, rules)
	for _, q := range runbookQueries(t) {
		answer, ok := runbookAnswers[q.expr]
		if !ok {
			t.Errorf("%s: say in runbookAnswers what this returns: %s", q.section, q.expr)
			continue
		}
		world += fmt.Sprintf("  - {eval_time: 2d, expr: %q, exp_samples: [{value: %s}]}\n", "max("+q.expr+")", answer)
	}
	file := filepath.Join(t.TempDir(), "runbooks.test.yml")
	if err := os.WriteFile(file, []byte(world), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := output(t, "promtool", "test", "rules", file); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
