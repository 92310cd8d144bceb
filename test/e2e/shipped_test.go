package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

const (
	ruleFile           = "../../deploy/prometheus/rules/igsend.rules.yml"
	prometheusConfig   = "../../deploy/prometheus/prometheus.yml"
	probeConfig        = "../../deploy/prometheus/probe.yml"
	alertmanagerConfig = "../../deploy/alertmanager/alertmanager.yml"
	templates          = "../../deploy/alertmanager/templates/igsend.tmpl"
)

func TestRulesAreSound(t *testing.T) {
	if out, err := output(t, "promtool", "check", "rules", "--lint=all", "--lint-fatal", ruleFile); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, config := range []string{prometheusConfig, probeConfig} {
		if out, err := output(t, "promtool", "check", "config", "--lint=all", "--lint-fatal", config); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestRules(t *testing.T) {
	files, err := filepath.Glob("../rules/*.test.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no rule tests", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			if out, err := output(t, "promtool", "test", "rules", file); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestAlertmanagerConfigIsSound(t *testing.T) {
	if out, err := output(t, "amtool", "check-config", alertmanagerConfig); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestRoutes(t *testing.T) {
	for _, test := range []struct {
		labels, receiver string
	}{
		{"alertname=IGSendBalanceEmpty severity=critical client_id=1 currency=GBP", "page"},
		{"alertname=IGSendBalanceLow severity=critical client_id=1 currency=GBP", "page"},
		{"alertname=IGSendBalanceLow severity=warning client_id=1 currency=GBP", "chat"},
		{"alertname=IGSendBalanceLow severity=ask_finance client_id=1 currency=GBP", "chat"},
		{"alertname=IGSendRunwayShort severity=critical client_id=1", "page"},
		{"alertname=IGSendAPIDown severity=critical", "page"},
		{"alertname=IGSendKeyRejected severity=critical", "page"},
		{"alertname=IGSendExporterAbsent severity=critical", "page"},
		{"alertname=IGSendClientDown severity=warning client_id=1", "chat"},
		{"alertname=IGSendClientDown severity=warning client_id=1 team=payments", "chat"},
		{"alertname=IGSendBalanceLow severity=critical client_id=1 currency=GBP team=payments", "pagerduty,page"},
		{"alertname=IGSendBalanceStale severity=critical client_id=1 team=payments", "pagerduty,page"},
		{"alertname=IGSendBalanceStale severity=critical client_id=1 team=treasury", "page"},
		{"alertname=IGSendBalanceUnwatched severity=info client_id=1 currency=GBP", "chat"},
		{"alertname=IGSendWatchdog severity=none", "heartbeat"},
	} {
		args := append([]string{"config", "routes", "test", "--config.file=" + alertmanagerConfig, "--verify.receivers=" + test.receiver},
			strings.Fields(test.labels)...)
		if out, err := output(t, "amtool", args...); err != nil {
			t.Errorf("%s: %v\n%s", test.labels, err, out)
		}
	}
}
