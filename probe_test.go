package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// A probe has the series that a scrape of all clients has of its client.
func TestProbe(t *testing.T) {
	s := newEdgySite(t)
	_, url := start(t, nil, "--config.file="+s.configFile)
	clientSeries := regexp.MustCompile(`(?m)^igsend_client_\S*\{(?:.*,)?client_id="(\d+)".*`)
	volatile := regexp.MustCompile(`(igsend_client_(?:errors_total|last_success_timestamp_seconds)\S*) .*`)
	want := map[string][]string{}
	get(t, url+"/metrics")
	for _, match := range clientSeries.FindAllStringSubmatch(get(t, url+"/metrics"), -1) {
		want[match[1]] = append(want[match[1]], volatile.ReplaceAllString(match[0], "$1"))
	}
	if len(want) != 4 {
		t.Fatalf("there are metrics of %d clients, want 4", len(want))
	}
	success := map[string]string{"100045": "1", "100046": "1", "100047": "0", "100048": "0"}
	for id, series := range want {
		body := get(t, url+"/probe?client_id="+id)
		var got []string
		for _, match := range clientSeries.FindAllStringSubmatch(body, -1) {
			got = append(got, volatile.ReplaceAllString(match[0], "$1"))
		}
		if diff := cmp.Diff(series, got); diff != "" {
			t.Errorf("client %s (-/metrics +/probe):\n%s", id, diff)
		}
		if diff := cmp.Diff([]string{"probe_success " + success[id]}, samples(body, "probe_success")); diff != "" {
			t.Errorf("client %s (-want +got):\n%s", id, diff)
		}
		others := regexp.MustCompile(`(?m)^(go_|process_|promhttp_|igsend_exporter_|igsend_upstream_)`)
		if len(samples(body, "probe_duration_seconds")) != 1 || others.MatchString(body) {
			t.Errorf("client %s: not just the metrics of the probe:\n%s", id, body)
		}
	}
}

// The steps have what IGSend says, and no key, though it may echo one.
func TestProbeSteps(t *testing.T) {
	s := newSite(t)
	_, url := start(t, nil, "--config.file="+s.configFile)
	for _, test := range []struct {
		fault igsendtest.Fault
		want  string
	}{
		{igsendtest.Documented, `(?s)GET https://127.0.0.1:\d+/\S+\?ClientID=100045\n.*the new connection is ready.*request written.*the answer begins.*` +
			`HTTP status 200, MessageID 10010, Message "Client Balance successfully retrieved."\n.*attempt 1 answered.*GBP 1400000, reported as "1400000", IN_CREDIT\n` +
			`.*a complete, valid answer\n.*igsend_client_balance\{.*\nprobe_success 1\n`},
		{igsendtest.Rejected(10009, "Not today."), `(?s)reusing an open connection.*HTTP status 200, MessageID 10009, Message "Not today."\n` +
			`.*no complete, valid answer: client 100045: rejected \(HTTP status 200, MessageID 10009, Message "Not today."\)\n.*\nprobe_success 0\n`},
		{igsendtest.EchoKeys(200, 2), `rejected.*\[redacted\]`},
		{igsendtest.EchoKeys(200, 1), `complete, valid answer`},
		{igsendtest.EchoKeysMalformed, `malformed`},
		{igsendtest.EchoKeysNotHTTP, `network`},
	} {
		s.SetFault(test.fault)
		status, header, body := request(t, httpClient, http.MethodGet, url+"/probe?client_id=100045&debug=true") // looks for keys
		if status != http.StatusOK || header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("HTTP status %d, %s", status, header.Get("Content-Type"))
		}
		if !regexp.MustCompile(test.want).MatchString(body) {
			t.Errorf("no match of %s:\n%s", test.want, body)
		}
	}
}

// The list of targets is what Prometheus documents, whatever the names are.
func TestTargets(t *testing.T) {
	s := newSite(t)
	s.configure("", `- id: 100045
  name: "<Payroll> \"&\" \u2028 日本 \\ \0\n"
  labels: {team: "a,b={}", interval: hourly}
- id: 100046
`)
	_, url := start(t, nil, "--config.file="+s.configFile)
	status, header, body := request(t, httpClient, http.MethodGet, url+"/sd")
	if status != http.StatusOK || header.Get("Content-Type") != "application/json" {
		t.Errorf("HTTP status %d, %s", status, header.Get("Content-Type"))
	}
	host := strings.TrimPrefix(url, "http://")
	want := []targetGroup{
		{[]string{host}, map[string]string{
			"__metrics_path__": "/probe", "__param_client_id": "100045", "instance": "100045", "__meta_igsend_client_id": "100045",
			"__meta_igsend_name": "<Payroll> \"&\" \u2028 日本 \\ \x00\n", "__meta_igsend_label_team": "a,b={}", "__meta_igsend_label_interval": "hourly",
		}},
		{[]string{host}, map[string]string{
			"__metrics_path__": "/probe", "__param_client_id": "100046", "instance": "100046", "__meta_igsend_client_id": "100046",
			"__meta_igsend_name": "",
		}},
	}
	var got []targetGroup
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v:\n%s", err, body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	whole := `,
{"targets":["` + host + `"],"labels":{"__meta_igsend_client_id":"100046","__meta_igsend_name":"","__metrics_path__":"/probe","__param_client_id":"100046","instance":"100046"}}
]
`
	if !strings.HasSuffix(body, whole) || !strings.HasPrefix(body, "[\n{") {
		t.Errorf("the body is not one line for each target:\n%s", body)
	}
	for _, target := range got {
		get(t, fmt.Sprintf("http://%s%s?client_id=%s", target.Targets[0], target.Labels["__metrics_path__"], target.Labels["__param_client_id"]))
	}

	s.configure("", "- id: 100046\n")
	request(t, httpClient, http.MethodPost, url+"/-/reload")
	if body := get(t, url+"/sd"); body != "[\n"+strings.TrimPrefix(whole, ",\n") {
		t.Errorf("after a reload:\n%s", body)
	}
	if status, _, _ := request(t, httpClient, http.MethodGet, url+"/probe?client_id=100045"); status != http.StatusNotFound {
		t.Errorf("a client that is gone: HTTP status %d, want 404", status)
	}
}

// The exporter's own metrics can be scraped without asking IGSend.
func TestExporterMetrics(t *testing.T) {
	s := newSite(t)
	_, url := start(t, nil, "--config.file="+s.configFile)
	names := func(exposition string) map[string]bool {
		all := map[string]bool{}
		for _, match := range regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(exposition, -1) {
			all[match[1]] = !strings.HasPrefix(match[1], "igsend_client_")
		}
		return all
	}
	want := names(get(t, url+"/metrics/exporter"))
	if got := s.Stats().Requests; got != 0 {
		t.Errorf("%d requests to IGSend, want none", got)
	}
	got := names(get(t, url+"/metrics"))
	for name, own := range got {
		if own != want[name] {
			t.Errorf("%s: on /metrics/exporter %t, want %t", name, want[name], own)
		}
	}
	if len(want) < 20 {
		t.Errorf("%d metrics on /metrics/exporter", len(want))
	}
}
