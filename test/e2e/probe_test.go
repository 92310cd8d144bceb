package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// A probeStack has an exporter with numbered clients. Every third is dormant.
type probeStack struct {
	*stack
	first, last int
}

// configure writes a configuration for the clients, which the API knows.
func (p *probeStack) configure(t *testing.T) {
	t.Helper()
	config := fmt.Sprintf("api:\n  endpoint: %s\n  public_key_file: public.key\n  private_key_file: private.key\nclients:\n", p.api.endpoint)
	balances := map[string]any{}
	for id := p.first; id <= p.last; id++ {
		config += fmt.Sprintf("- id: %d\n  name: \"Payroll \\\"%d\\\" \\u2028\"\n  thresholds: {GBP: {warning: 50000}}\n", id, id)
		if id%3 == 0 {
			config += "  labels: {activity: dormant}\n"
		}
		balances[fmt.Sprint(id)] = map[string]string{"GBP": "80000.00"}
	}
	p.api.tell(t, map[string]any{"Keys": []string{"public", "first"}, "Balances": balances})
	p.write(t, "igsend.yml", config)
}

func startProbeStack(t *testing.T, clients int) *probeStack {
	t.Helper()
	p := &probeStack{&stack{dir: t.TempDir(), api: startSimulator(t), prometheusAt: freePort(t)}, 100001, 100000 + clients}
	p.setKey(t, "first")
	p.configure(t)
	p.startExporter(t)
	return p
}

// startPrometheus runs a Prometheus with the scrape configuration that ships for probes and the rules, and scrapes all
// clients at once in a job of its own. It changes only intervals and addresses.
func (p *probeStack) startPrometheus(t *testing.T) {
	t.Helper()
	short := strings.NewReplacer("igsend-exporter:10045", p.exporterAt, "scrape_interval: 1m", "scrape_interval: 1s",
		"scrape_timeout: 15s", "scrape_timeout: 1s", "replacement: 4m", "replacement: 3s")
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(short.Replace(shipped(t, probeConfig))), &tree); err != nil {
		t.Fatal(err)
	}
	jobs := tree["scrape_configs"].([]any)
	job := jobs[0].(map[string]any)
	job["http_sd_configs"].([]any)[0].(map[string]any)["refresh_interval"] = "1s"
	tree["scrape_configs"] = append(jobs, map[string]any{
		"job_name": "all at once", "static_configs": []any{map[string]any{"targets": []string{p.exporterAt}}},
	})
	rules, err := filepath.Abs(ruleFile)
	if err != nil {
		t.Fatal(err)
	}
	tree["rule_files"] = []string{rules}
	tree["global"] = map[string]any{"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
	file := p.write(t, "prometheus.yml", render(t, tree))
	p.prometheus = start(t, "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(p.dir, "data"), "--web.listen-address="+p.prometheusAt)
}

// everyClientOnce waits until Prometheus scrapes each client as one target, and has its series once.
func (p *probeStack) everyClientOnce(t *testing.T) {
	t.Helper()
	want := map[string]string{} // intervals by client
	for id := p.first; id <= p.last; id++ {
		want[fmt.Sprint(id)] = "1s"
		if id%3 == 0 {
			want[fmt.Sprint(id)] = "3s"
		}
	}
	eventually(t, "Prometheus finds every client once", func() error {
		body, err := get(t.Context(), "http://"+p.prometheusAt+"/api/v1/targets?state=active&scrapePool=igsend")
		if err != nil {
			return err
		}
		var answer struct {
			Data struct {
				ActiveTargets []struct {
					Labels         map[string]string
					Health         string
					ScrapeInterval string
					ScrapeURL      string
				}
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return err
		}
		got := map[string]string{}
		for _, target := range answer.Data.ActiveTargets {
			instance := target.Labels["instance"]
			if _, twice := got[instance]; twice || target.Health != "up" {
				return fmt.Errorf("target %s: %s, twice: %t", target.ScrapeURL, target.Health, twice)
			}
			got[instance] = target.ScrapeInterval
		}
		delete(got, p.exporterAt) // its own metrics
		if !maps.Equal(want, got) {
			return fmt.Errorf("%d targets, want %d clients, each with its interval: %v", len(got), len(want), got)
		}
		found, err := p.query(t, `igsend_client_up{job="igsend"} == 1 and ignoring (currency) igsend_client_balance == 80000`)
		if err != nil {
			return err
		}
		for _, series := range found {
			if len(series) != 4 || series["client_id"] != series["instance"] {
				return fmt.Errorf("a series has the labels %v", series)
			}
			delete(got, series["client_id"])
		}
		if len(found) != len(want) || len(got) != 0 {
			return fmt.Errorf("%d series of clients, want %d; without one: %v", len(found), len(want), slices.Collect(maps.Keys(got)))
		}
		return nil
	})
}

// Prometheus finds every client once, at its interval, before and after a reload. The rules record the same of probes as
// of scrapes of all clients at once.
func TestProbesFindEveryClient(t *testing.T) {
	t.Parallel()
	p := startProbeStack(t, 60)
	p.startPrometheus(t)
	p.everyClientOnce(t)

	recorded := func(job string) (map[string]int, error) {
		found, err := p.query(t, fmt.Sprintf(`{__name__=~"(client|exporter).*:.+", job=%q}`, job))
		count := map[string]int{}
		for _, series := range found {
			delete(series, "job")
			count[fmt.Sprint(series)]++ // fmt sorts the labels
		}
		return count, err
	}
	eventually(t, "the rules record the same of both jobs", func() error {
		probes, err := recorded("igsend")
		if err != nil {
			return err
		}
		all, err := recorded("all at once")
		if err != nil {
			return err
		}
		if len(all) < 5*60 || !maps.Equal(probes, all) {
			return fmt.Errorf("of probes %d series, of scrapes of all %d", len(probes), len(all))
		}
		return nil
	})
	for _, alert := range []string{"IGSendExporterAbsent", "IGSendClientDown", "IGSendBalanceMissing"} {
		if found, err := p.query(t, fmt.Sprintf("ALERTS{alertname=%q}", alert)); err != nil || len(found) > 0 {
			t.Errorf("%s: %v, %v", alert, found, err)
		}
	}

	t.Log("ten clients go, ten others come")
	p.first, p.last = p.first+10, p.last+10
	p.configure(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.exporterAt+"/-/reload", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(request); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("reload: %v, %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	p.everyClientOnce(t)
	p.waitFor(t, fmt.Sprintf(`count(client:igsend_client_up:last{job="igsend"}) == 60 and on () client:igsend_client_up:last{job="igsend",client_id="%d"} == 1`, p.last))
}

// With created-timestamp-zero-ingestion, Prometheus knows that a counter was 0 before it appeared: increase() counts a
// client's first failure.
func TestFirstFailureIsCounted(t *testing.T) {
	t.Parallel()
	p := startProbeStack(t, 3)
	jobs := []any{
		map[string]any{"job_name": "all at once", "static_configs": []any{map[string]any{"targets": []string{p.exporterAt}}}},
		map[string]any{"job_name": "probes", "http_sd_configs": []any{map[string]any{"url": "http://" + p.exporterAt + "/sd"}}},
	}
	file := p.write(t, "prometheus.yml", render(t, map[string]any{
		"global": map[string]any{"scrape_interval": "2s", "scrape_timeout": "2s"}, "scrape_configs": jobs,
	}))
	start(t, "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(p.dir, "data"), "--web.listen-address="+p.prometheusAt,
		"--enable-feature=created-timestamp-zero-ingestion")
	p.waitFor(t, `count(count_over_time(igsend_client_up[1m]) >= 3) == 6`)
	const client = "100002"
	p.api.tell(t, map[string]any{"Balances": map[string]any{client: map[string]string{}}}) // no rows
	for _, job := range []string{"all at once", "probes"} {
		series := fmt.Sprintf(`igsend_client_errors_total{job=%q,client_id=%q,reason="malformed"}`, job, client)
		p.waitFor(t, fmt.Sprintf(`increase(%s[1m]) > 0 and count_over_time(%s[1m]) >= 4`, series, series))
		values := p.values(t, series+"[1m]")
		if values[0] != "0" || !slices.IsSortedFunc(values, strings.Compare) {
			t.Errorf("%s: %v, want 0 first, and no value below the one before", job, values)
		}
	}
}

// values returns the values of the first series that a query for a range returns.
func (s *stack) values(t *testing.T, promQL string) (values []string) {
	t.Helper()
	body, err := get(t.Context(), "http://"+s.prometheusAt+"/api/v1/query?query="+url.QueryEscape(promQL)+fmt.Sprintf("&time=%d", time.Now().Unix()))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Data.Result) == 0 {
		t.Fatalf("%s: %v: %s", promQL, err, body)
	}
	for _, v := range answer.Data.Result[0].Values {
		values = append(values, fmt.Sprint(v[1]))
	}
	return values
}
