package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The test sends alerts to Alertmanager and asks which of them it inhibits.
func TestInhibition(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		alerts     []string // alertname severity, then client_id and currency if any
		suppressed []string
	}{
		{
			"the worst of one account is enough, and of no other",
			[]string{
				"IGSendBalanceLow critical 1 GBP", "IGSendBalanceLow warning 1 GBP", "IGSendBalanceLow warning 1 EUR",
				"IGSendBalanceLow warning 2 GBP", "IGSendBalanceLow ask_finance 1 GBP", "IGSendRunwayShort warning 1",
			},
			[]string{"IGSendBalanceLow warning 1 GBP"},
		},
		{
			"an empty account is low, too",
			[]string{"IGSendBalanceEmpty critical 1 GBP", "IGSendBalanceLow warning 1 GBP", "IGSendBalanceLow critical 1 GBP"},
			[]string{"IGSendBalanceLow warning 1 GBP"},
		},
		{
			"a runway silences a runway of the same client",
			[]string{"IGSendRunwayShort critical 1", "IGSendRunwayShort warning 1", "IGSendRunwayShort warning 2", "IGSendBalanceLow warning 1 GBP", "IGSendClientDown warning 1"},
			[]string{"IGSendRunwayShort warning 1"},
		},
		{
			"no cause silences anything: what fires, the rules decide",
			[]string{
				"IGSendAPIDown critical", "IGSendKeyRejected critical", "IGSendExporterAbsent critical", "IGSendClientDown warning 1", "IGSendBalanceStale critical 1",
				"IGSendBalanceMissing warning 1 GBP", "IGSendBalanceLow warning 1 GBP", "IGSendBalanceEmpty critical 2 GBP", "IGSendRunwayShort warning 1",
			},
			nil,
		},
		{
			"an alert of somebody else silences nothing",
			[]string{"NodeDown critical", "IGSendBalanceLow warning 1 GBP", "IGSendClientDown warning 1", "IGSendRunwayShort warning 1"},
			nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &stack{dir: t.TempDir(), receiver: startReceiver(t)}
			s.startAlertmanager(t)
			s.fire(t, test.alerts)
			eventually(t, "what is held back", func() error {
				if diff := cmp.Diff(test.suppressed, s.suppressed(t)); diff != "" {
					return fmt.Errorf("(-want +got):\n%s", diff)
				}
				return nil
			})
		})
	}
}

var labelNames = []string{"alertname", "severity", "client_id", "currency"}

func (s *stack) fire(t *testing.T, alerts []string) {
	t.Helper()
	var body []any
	for _, a := range alerts {
		labels := map[string]string{"job": "igsend"}
		for i, value := range strings.Fields(a) {
			labels[labelNames[i]] = value
		}
		body = append(body, map[string]any{"labels": labels})
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post("http://"+s.alertmanager+"/api/v2/alerts", "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, answer)
	}
	// States are known only after every alert has been through the pipeline.
	eventually(t, "all alerts are processed", func() error {
		for _, a := range s.held(t) {
			if a.Status.State == "unprocessed" {
				return fmt.Errorf("%v is not processed yet", a.Labels)
			}
		}
		if n := len(s.held(t)); n != len(alerts) {
			return fmt.Errorf("%d of %d alerts arrived", n, len(alerts))
		}
		return nil
	})
}

func (s *stack) suppressed(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, a := range s.held(t) {
		if a.Status.State != "suppressed" {
			continue
		}
		var words []string
		for _, name := range labelNames {
			if v := a.Labels[name]; v != "" {
				words = append(words, v)
			}
		}
		found = append(found, strings.Join(words, " "))
	}
	slices.Sort(found)
	return found
}
