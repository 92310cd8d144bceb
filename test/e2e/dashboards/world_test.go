package dashboards

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
)

// An account is one client's balance in one currency. It changes by the same amount every hour.
type account struct {
	client, name, currency string
	// balance is what it will be at the end of the world's history, and spend what it loses in a day.
	balance, spend      float64
	threshold, critical float64       // 0: none
	target              time.Duration // for the runway; 0: none
	state               string        // "": IN_CREDIT
	since               time.Duration // how long before the end the state is reported
	down                time.Duration // how long before the end the client's answers stop
	again               time.Duration // how long before the end they start again
}

// A world is what Prometheus has seen when somebody opens the dashboards.
type world struct {
	accounts  []account
	replicas  int
	interval  time.Duration // of scrapes and rules
	history   time.Duration
	outage    time.Duration // how long before the end all clients fail, for an hour
	noRules   bool
	firstSeen map[string]time.Duration
}

// end is the instant at which the dashboards are opened. It is no multiple of any interval.
var end = time.Date(2026, 11, 26, 9, 23, 37, 0, time.UTC)

// run lets Prometheus scrape the world until end.
func (w *world) run(t *testing.T) *engine {
	t.Helper()
	e := newEngine(t, w.interval)
	last := end.Truncate(w.interval)
	for at := last.Add(-w.history.Truncate(w.interval)); !at.After(last); at = at.Add(w.interval) {
		var samples []sample
		for replica := range w.replicas {
			samples = append(samples, w.scrape(at, replica)...)
		}
		e.scrape(at, samples)
	}
	return e
}

// scrape returns what one replica exposes.
func (w *world) scrape(at time.Time, replica int) []sample {
	target := fmt.Sprintf(`job="igsend",instance="igsend-exporter-%d:10045"`, replica)
	var samples []sample
	add := func(name, labels string, value float64) {
		samples = append(samples, sample{name + "{" + labels + target + "}", value})
	}
	before := end.Sub(at)
	age := (w.history - before).Seconds()
	outage := w.outage > 0 && before <= w.outage && before > w.outage-time.Hour
	if replica == 0 { // a job that is not the exporter's
		samples = append(samples, sample{`up{job="node",instance="node:9100"}`, 0})
	}
	add("up", "", 1)
	add("scrape_duration_seconds", "", 0.2)
	add("scrape_samples_scraped", "", 130)
	add("igsend_exporter_build_info", `version="1.0.0",goversion="go1.26.0",`, 1)
	add("igsend_exporter_config_last_reload_successful", "", 1)
	add("igsend_exporter_config_last_reload_success_timestamp_seconds", "", float64(end.Add(-w.history).Unix()))
	add("process_cpu_seconds_total", "", age/100)
	add("promhttp_metric_handler_requests_total", `code="200",`, age/60)
	add("promhttp_metric_handler_requests_total", `code="500",`, 0)
	add("igsend_upstream_requests_in_flight", "", 0)
	for _, le := range []string{"0.1", "1", "+Inf"} {
		add("igsend_upstream_request_duration_seconds_bucket", `le="`+le+`",`, age)
	}
	add("igsend_upstream_request_duration_seconds_count", "", age)
	for _, reason := range []string{"http", "tls", "rejected", "timeout"} {
		failed := 0.0
		if reason == "rejected" {
			failed = age / 60
		}
		add("igsend_upstream_errors_total", `reason="`+reason+`",`, failed)
	}
	clients := map[string]bool{}
	for _, a := range w.accounts {
		id := fmt.Sprintf(`client_id="%s",`, a.client)
		down := outage || a.down > 0 && before <= a.down && before > a.again
		if !clients[a.client] {
			clients[a.client] = true
			up := 1.0
			if down {
				up = 0
			}
			add("igsend_client_up", id, up)
			add("igsend_client_info", fmt.Sprintf(`%sname="%s",team="payments",`, id, a.name), 1)
			add("igsend_client_last_success_timestamp_seconds", id, float64(w.lastSuccess(a, at).Unix()))
			if a.down > 0 && before <= a.down {
				add("igsend_client_errors_total", id+`reason="rejected",`, (a.down - before).Minutes())
			}
			if a.target > 0 {
				add("igsend_client_runway_threshold_seconds", id+`severity="warning",`, a.target.Seconds())
				add("igsend_client_runway_threshold_seconds", id+`severity="critical",`, a.target.Seconds()/3)
			}
		}
		account := fmt.Sprintf(`%scurrency="%s",`, id, a.currency)
		if a.threshold > 0 {
			add("igsend_client_balance_threshold", account+`severity="warning",`, a.threshold)
			add("igsend_client_balance_threshold", account+`severity="critical",`, a.threshold/4)
		}
		if down {
			continue
		}
		add("igsend_client_balance", account, a.balance+a.spend*before.Truncate(time.Minute).Hours()/24)
		add("igsend_client_balance_decrease_total", account, a.spend*(w.history-before.Truncate(time.Minute)).Hours()/24)
		add("igsend_client_balance_increase_total", account, 0)
		inCredit := 1.0
		if a.state != "" && before <= a.since {
			inCredit = 0
			add("igsend_client_balance_state", account+`state="`+a.state+`",`, 1)
		}
		add("igsend_client_balance_state", account+`state="IN_CREDIT",`, inCredit)
	}
	return samples
}

func (w *world) lastSuccess(a account, at time.Time) time.Time {
	before := end.Sub(at)
	if a.down > 0 && before <= a.down && before > a.again {
		return end.Add(-a.down)
	}
	if w.outage > 0 && before <= w.outage && before > w.outage-time.Hour {
		return end.Add(-w.outage)
	}
	return at
}

// rows returns the values of some labels, followed by the value, one line for each element.
func rows(v promql.Vector, format string, labels ...string) []string {
	lines := []string{}
	for _, s := range v {
		var fields []string
		for _, name := range labels {
			fields = append(fields, s.Metric.Get(name))
		}
		if format != "" {
			fields = append(fields, fmt.Sprintf(format, s.F))
		}
		lines = append(lines, strings.Join(fields, " "))
	}
	return lines
}

// sorted returns v with the largest value first, as the table is sorted.
func sorted(v promql.Vector) promql.Vector {
	slices.SortStableFunc(v, func(a, b promql.Sample) int {
		switch {
		case a.F > b.F:
			return -1
		case a.F < b.F:
			return 1
		}
		return 0
	})
	return v
}
