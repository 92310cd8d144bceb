package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// amtool renders exactly what a person gets, so the whole text is compared.
func TestMessages(t *testing.T) {
	began := time.Date(2026, time.March, 2, 3, 4, 0, 0, time.UTC)
	low := map[string]any{
		"status":   "firing",
		"labels":   map[string]string{"alertname": "IGSendBalanceLow", "severity": "critical", "client_id": "100045", "currency": "GBP"},
		"startsAt": began,
		"annotations": map[string]string{
			"summary":       "Client 100045 (Payroll): the GBP balance is below its critical threshold.",
			"description":   "The balance is 9500.00 GBP, below 1234567.50 GBP; of client 100045, in 2026, 999.00 JPY are -1000.00 JPY.",
			"runbook_url":   "https://example.org/runbooks.md#igsendbalancelow",
			"dashboard_url": "http://localhost:3000/d/igsend-balances?var-client_id=100045",
		},
	}
	empty := map[string]any{
		"status": "firing", "startsAt": began,
		"labels":      map[string]string{"alertname": "IGSendBalanceEmpty", "severity": "critical", "client_id": "100045", "currency": "EUR"},
		"annotations": map[string]string{"summary": "Client 100045 (Payroll): the EUR account is empty."},
	}
	resolved := map[string]any{
		"status": "resolved", "startsAt": began, "endsAt": began.Add(2 * time.Hour),
		"labels": low["labels"], "annotations": low["annotations"],
	}
	common := map[string]string{"severity": "critical", "client_id": "100045", "name": "Payroll"}
	for _, test := range []struct {
		name, template, status string
		alerts                 []any
		want                   string
	}{
		{"one alert", "title", "firing", []any{low},
			"[CRITICAL] Client 100045 (Payroll): the GBP balance is below its critical threshold."},
		{"two alerts of one client", "title", "firing", []any{low, empty}, "[CRITICAL] Client 100045 (Payroll): 2 firing"},
		{"one of two resolved", "title", "firing", []any{resolved, empty}, "[CRITICAL] Client 100045 (Payroll): 1 firing, 1 resolved"},
		{"resolved", "title", "resolved", []any{resolved},
			"[RESOLVED] Client 100045 (Payroll): the GBP balance is below its critical threshold."},
		{"one alert", "text", "firing", []any{low}, `*Client 100045 (Payroll): the GBP balance is below its critical threshold.*
The balance is 9,500.00 GBP, below 1,234,567.50 GBP; of client 100045, in 2026, 999.00 JPY are -1,000.00 JPY.
Since Mon 2 Mar 03:04 UTC, critical
Runbook: https://example.org/runbooks.md#igsendbalancelow
Dashboard: http://localhost:3000/d/igsend-balances?var-client_id=100045
`},
		{"resolved", "text", "resolved", []any{resolved}, `*Resolved: Client 100045 (Payroll): the GBP balance is below its critical threshold.*
From Mon 2 Mar 03:04 to Mon 2 Mar 05:04 UTC
`},
	} {
		t.Run(test.template+" of "+test.name, func(t *testing.T) {
			data, err := json.Marshal(map[string]any{
				"receiver": "page", "status": test.status, "alerts": test.alerts,
				"groupLabels": common, "commonLabels": common, "externalURL": "http://alertmanager:9093",
			})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "data.json")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := output(t, "amtool", "template", "render", "--template.glob="+templates, "--template.data="+file,
				`--template.text={{ template "igsend.`+test.template+`" . }}`)
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			if got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}
