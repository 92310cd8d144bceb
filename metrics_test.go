package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// setEdgyClients adds clients whose balances cover every edge case.
func setEdgyClients(api *igsendtest.API) {
	for id, rows := range map[igsend.ClientID][]igsendtest.Row{
		100045: {{Balance: "1400000", Currency: "GBP"}},
		100046: {{Balance: "-812.60", Currency: "GBP", State: "Overdrawn"}, {Balance: "9400000", Currency: "JPY"}},
		100048: {{Balance: "NaN", Currency: "GBP"}, {Balance: "7", Currency: "EUR"}},
		100049: {{Balance: "1396650", Currency: "GBP"}, {Balance: "1396650", Currency: "JPY"}, {Balance: "5", Currency: "KWD"}},
	} {
		api.SetClient(id, igsendtest.Client{Rows: rows})
	}
}

// newEdgySite creates a site whose metrics cover every edge case.
func newEdgySite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	setEdgyClients(s.API)
	s.configure("", `- id: 100045
  name: Payroll
  labels: {team: payments}
  thresholds: {GBP: {warning: 50000, critical: 10000}}
  runway: {warning: 3d, critical: 1d}
- {id: 100046, name: "Quote\" backslash\\ newline\n"}
- id: 100047
- id: 100048
`)
	return s
}

func TestMetrics(t *testing.T) {
	for name, accept := range map[string]string{
		"text":        "text/plain",
		"OpenMetrics": "application/openmetrics-text; version=1.0.0",
	} {
		t.Run(name, func(t *testing.T) {
			s := newEdgySite(t)
			_, url := start(t, nil, "--config.file="+s.configFile)
			status, header, body := request(t, httpClient, http.MethodGet, url+"/metrics", "Accept", accept)
			if mediaType, _, _ := strings.Cut(accept, ";"); status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), mediaType) {
				t.Errorf("HTTP status %d, content type %s", status, header.Get("Content-Type"))
			}
			want := []string{`igsend_client_balance{client_id="100045",currency="GBP"} 1.4e+06`}
			if diff := cmp.Diff(want, samples(body, "igsend_client_balance")[:1]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, name := range []string{"igsend_exporter_build_info", "go_goroutines", "process_open_fds", "promhttp_metric_handler_requests_in_flight"} {
				if len(samples(body, name)) != 1 {
					t.Errorf("%s is missing", name)
				}
			}
			if diff := cmp.Diff([]string(nil), s.Stats().BadRequests); diff != "" {
				t.Errorf("requests that are not as documented (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMetricsPassPromlint(t *testing.T) {
	s := newEdgySite(t)
	_, url := start(t, nil, "--config.file="+s.configFile)
	problems, err := promlint.New(strings.NewReader(get(t, url+"/metrics"))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]promlint.Problem(nil), problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestDisableExporterMetrics(t *testing.T) {
	s := newSite(t)
	_, url := start(t, nil, "--config.file="+s.configFile, "--web.disable-exporter-metrics")
	for line := range strings.Lines(get(t, url+"/metrics")) {
		if !strings.HasPrefix(line, "igsend_") && !strings.HasPrefix(line, "# HELP igsend_") && !strings.HasPrefix(line, "# TYPE igsend_") {
			t.Errorf("there is %s", line)
		}
	}
}
