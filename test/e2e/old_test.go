package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
)

// An old Prometheus scrapes the exporter and evaluates the rules, too. .ci/old-prometheus runs this test with one.
func TestOldPrometheus(t *testing.T) {
	t.Parallel()
	if out, err := output(t, "promtool", "check", "rules", ruleFile); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	s := &stack{dir: t.TempDir(), api: startSimulator(t), prometheusAt: freePort(t), alertmanager: freePort(t), classicOnly: true}
	s.setKey(t, "first")
	s.write(t, "igsend.yml", fmt.Sprintf(exporterConfig, s.api.endpoint, s.dir, s.dir))
	s.api.tell(t, map[string]any{
		"Keys":     []string{"public", "first"},
		"Balances": map[string]any{"100045": map[string]string{"GBP": "40000.00"}, "100046": map[string]string{"EUR": "5000.00"}},
	})
	s.startExporter(t)
	s.startPrometheus(t)
	if out, err := output(t, "promtool", "check", "config", filepath.Join(s.dir, "prometheus.yml")); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	s.waitFor(t, `igsend_upstream_request_duration_seconds_bucket{le="+Inf"} > 0`)
	s.waitFor(t, `client_currency:igsend_client_balance:min{client_id="100045",currency="GBP"} == 40000`)
	s.waitFor(t, `ALERTS{alertname="IGSendBalanceLow",client_id="100045",severity="warning"}`)
}
