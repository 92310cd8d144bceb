// Package e2e runs the real exporter, Prometheus and Alertmanager with the files that deploy/ ships, against the simulated
// IGSend API.
package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestAWeekThatGoesWrong(t *testing.T) {
	t.Parallel()
	s := startStack(t)
	s.api.tell(t, map[string]any{
		"Keys":     []string{"public", "first"},
		"Balances": map[string]any{"100045": map[string]string{"GBP": "80000.00"}, "100046": map[string]string{"EUR": "5000.00"}},
	})
	s.waitFor(t, `client:igsend_client_up:max{client_id="100045"} == 1 and on () (client:igsend_client_up:max{client_id="100046"} == 1)`)
	s.receiver.wait(t, "heartbeat")

	t.Log("payouts leave the account below both thresholds")
	s.api.tell(t, map[string]any{"Balances": map[string]any{"100045": map[string]string{"GBP": "9500.00"}}})
	s.waitFor(t, `count(ALERTS{alertname="IGSendBalanceLow",alertstate="pending"}) == 2`)
	if m := s.receiver.find("page"); len(m) > 0 {
		t.Errorf("a page too early: %q", m)
	}
	s.skip(t, 2*time.Minute, "IGSendBalanceLow")
	page := s.receiver.wait(t, "page", "[CRITICAL]", "Client 100045 (Payroll): the GBP balance is below its critical threshold.")
	for _, words := range []string{
		"The balance is 9,500.00 GBP, below the critical threshold of 10,000.00 GBP.",
		"Top up at least 500.00 GBP. If nobody does, payouts in GBP fail once it is empty.",
		"Runbook: https://github.com/igsend-exporter/igsend_exporter/blob/main/deploy/runbooks.md#igsendbalancelow",
		"Dashboard: http://localhost:3000/d/igsend-balances?var-client_id=100045&var-currency=GBP",
	} {
		if !containsAll(page.text, words) {
			t.Errorf("the page does not say %q:\n%s", words, page.text)
		}
	}
	s.mustInhibit(t, "IGSendBalanceLow", "warning")

	t.Log("the exporter is redeployed under another address")
	since := s.activeSince(t, "IGSendBalanceLow", "critical")
	s.exporter.stop(t)
	s.startExporter(t)
	s.writePrometheusConfig(t)
	s.reloadPrometheus(t)
	s.waitFor(t, fmt.Sprintf(`igsend_client_up{instance=%q} == 1`, s.exporterAt))
	if now := s.activeSince(t, "IGSendBalanceLow", "critical"); !now.Equal(since) {
		t.Errorf("the redeploy restarted the alert: active since %s, before that since %s", now, since)
	}

	t.Log("the API goes down")
	s.api.tell(t, map[string]any{"Status": http.StatusServiceUnavailable})
	s.waitFor(t, `exporter:igsend_client_up:max == 0`)
	s.unanswered(t, 10*time.Minute)
	page = s.receiver.wait(t, "page", "[CRITICAL] IGSend gives no valid answer for any client")
	if !containsAll(page.text, "none of the 2 clients", "http") {
		t.Errorf("the page does not say how many clients and why:\n%s", page.text)
	}
	s.mustFireStill(t, "IGSendBalanceLow", "critical")

	t.Log("the API is back and refuses the key")
	s.api.tell(t, map[string]any{"Status": 0, "Keys": []string{"public", "second"}})
	s.receiver.wait(t, "page", "[CRITICAL] IGSend refuses the API key, or its file cannot be read")
	s.mustFireStill(t, "IGSendBalanceLow", "critical")
	// They must not even be pending: Alertmanager inhibits none of them.
	for _, name := range []string{"IGSendClientDown", "IGSendBalanceStale"} {
		found, err := s.query(t, `last_over_time(ALERTS{alertname="`+name+`"}[1h])`)
		if err != nil || len(found) > 0 {
			t.Errorf("an alert for each client as well as the page for all: %v, %v", found, err)
		}
		if m := s.receiver.find("chat", name); len(m) > 0 {
			t.Errorf("a message for each client as well as the page for all: %q", m)
		}
	}

	t.Log("the new key is put in place, and the account is topped up")
	s.setKey(t, "second")
	s.api.tell(t, map[string]any{"Balances": map[string]any{"100045": map[string]string{"GBP": "95000.00"}}})
	s.waitFor(t, `client_currency:igsend_client_balance:min{client_id="100045"} == 95000`)
	s.restartPrometheus(t, time.Now()) // keep_firing_for does not survive a restart
	for _, title := range []string{"Client 100045 (Payroll): ", "IGSend refuses the API key", "IGSend gives no valid answer"} {
		s.receiver.wait(t, "page", "[RESOLVED]", title)
	}
	eventually(t, "nothing is left but the watchdog", func() error {
		for _, a := range s.alerts(t) {
			if a.State == "firing" && a.Labels["alertname"] != "IGSendWatchdog" {
				return fmt.Errorf("%v is %s", a.Labels, a.State)
			}
		}
		return nil
	})
}

func (s *stack) reloadPrometheus(t *testing.T) {
	t.Helper()
	resp, err := http.Post("http://"+s.prometheusAt+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("reload: %s", resp.Status)
	}
}

func (s *stack) activeSince(t *testing.T, name, severity string) time.Time {
	t.Helper()
	for _, a := range s.alerts(t) {
		if a.Labels["alertname"] == name && a.Labels["severity"] == severity {
			return a.ActiveAt
		}
	}
	t.Fatalf("%s %s is not active", name, severity)
	return time.Time{}
}

// mustFireStill checks that the alert is active in Alertmanager, neither silenced nor inhibited.
func (s *stack) mustFireStill(t *testing.T, name, severity string) {
	t.Helper()
	eventually(t, name+" "+severity+" still fires", func() error {
		for _, state := range s.delivered(t, name, severity) {
			if state == "active" {
				return nil
			}
		}
		return fmt.Errorf("its state in Alertmanager is %q", s.delivered(t, name, severity))
	})
}

// mustInhibit checks that all such alerts are suppressed in Alertmanager.
func (s *stack) mustInhibit(t *testing.T, name, severity string) {
	t.Helper()
	eventually(t, name+" "+severity+" is inhibited", func() error {
		states := s.delivered(t, name, severity)
		if len(states) == 0 {
			return fmt.Errorf("it is not in Alertmanager")
		}
		for _, state := range states {
			if state != "suppressed" {
				return fmt.Errorf("its state in Alertmanager is %q", states)
			}
		}
		return nil
	})
}

func (s *stack) delivered(t *testing.T, name, severity string) []string {
	t.Helper()
	var states []string
	for _, a := range s.held(t) {
		if a.Labels["alertname"] == name && a.Labels["severity"] == severity {
			states = append(states, a.Status.State)
		}
	}
	return states
}

// A heldAlert is an alert in Alertmanager.
type heldAlert struct {
	Labels map[string]string
	Status struct{ State string }
}

func (s *stack) held(t *testing.T) []heldAlert {
	t.Helper()
	body, err := get(t.Context(), "http://"+s.alertmanager+"/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	var alerts []heldAlert
	if err := json.Unmarshal(body, &alerts); err != nil {
		t.Fatal(err)
	}
	return alerts
}
