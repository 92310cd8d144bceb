package dashboards

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql"
)

const day = 24 * time.Hour

// company has an account for each thing that can be wrong, and one in which all is well.
func company() []account {
	return []account{
		{client: "100045", name: "Payroll", currency: "GBP", balance: 231_000, spend: 110_000, threshold: 150_000, target: 3 * day},
		{client: "100046", name: "Suppliers", currency: "EUR", balance: 282_000, spend: 20_000, threshold: 90_000, target: 3 * day},
		{client: "100046", name: "Suppliers", currency: "GBP", balance: 97.5, threshold: 50, target: 3 * day},
		{client: "100047", name: "Refunds", currency: "GBP", balance: 3_600, spend: 1_200, threshold: 5_000},
		{client: "100049", name: "Closed subsidiary", currency: "GBP", balance: 29_000, threshold: 1_000, down: 9 * time.Hour},
		{client: "100050", name: "Contractors", currency: "USD", balance: 33_800, threshold: 40_000},
		{client: "100051", name: "Expenses", currency: "EUR", balance: -909.73, spend: 2_600, threshold: 8_000},
		{client: "100052", name: "Treasury", currency: "USD", balance: 1_400_000, threshold: 500_000},
		{client: "100053", name: "Just in time", currency: "GBP", balance: 50_000, spend: 100_000, target: 6 * time.Hour},
		{client: "100054", name: "Frozen", currency: "GBP", balance: 18_500, threshold: 1_000, state: "SUSPENDED", since: 3 * time.Hour},
		{client: "100055", name: "Grants", currency: "USD", balance: 10_000, threshold: 40_000},
		{client: "100056", name: "Rewards", currency: "GBP", balance: -2_390.05, threshold: 1_000},
	}
}

var troubles = []string{
	"Empty Rewards · 100056 GBP",
	"Empty Expenses · 100051 EUR",
	"Not in credit Frozen · 100054 GBP",
	"Runway short Payroll · 100045 GBP",
	"Below threshold Refunds · 100047 GBP",
	"Below threshold Grants · 100055 USD",
	"Below threshold Contractors · 100050 USD",
	"No balance Closed subsidiary · 100049 GBP",
	"OK Just in time · 100053 GBP",
	"OK Suppliers · 100046 EUR",
	"OK Suppliers · 100046 GBP",
	"OK Treasury · 100052 USD",
}

func tiles(s *screen) map[string]string {
	got := map[string]string{}
	for tile, query := range map[string]string{
		"Empty now": "empty", "Dry within 24 h": "dry", "Below a threshold": "below", "Without a balance": "missing",
		"Accounts": "accounts", "Shortest runway": "runway",
	} {
		got[tile] = s.number(tile + "/" + query)
	}
	return got
}

// TestCompany opens Balances after a day, with one exporter and with two.
func TestCompany(t *testing.T) {
	for replicas := 1; replicas <= 2; replicas++ {
		t.Run(fmt.Sprintf("replicas=%d", replicas), func(t *testing.T) {
			w := world{accounts: company(), replicas: replicas, interval: 4 * time.Minute, history: 26 * time.Hour}
			testCompany(t, open(t, w.run(t), "igsend-balances", day))
		})
	}
}

func testCompany(t *testing.T, s *screen) {
	t.Helper()
	trouble := "Accounts, worst first/trouble"
	// What is shown must not depend on when within a scrape interval somebody looks.
	for s.to = end.Truncate(4 * time.Minute); s.to.Before(end.Truncate(4 * time.Minute).Add(4 * time.Minute)); s.to = s.to.Add(37 * time.Second) {
		if diff := cmp.Diff(troubles, rows(sorted(s.instant(trouble)), "", "trouble", "client", "currency")); diff != "" {
			t.Fatalf("accounts at %s (-want +got):\n%s", s.to, diff)
		}
	}
	s.to = end
	if diff := cmp.Diff(map[string]string{
		"Empty now": "2", "Dry within 24 h": "1", "Below a threshold": "5", "Without a balance": "1", "Accounts": "12", "Shortest runway": "0",
	}, tiles(s)); diff != "" {
		t.Errorf("tiles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		"100045 GBP": "2.1", "100046 EUR": "14.1", "100047 GBP": "3.0", "100051 EUR": "0.0", "100053 GBP": "0.5",
	}, days(s, "Accounts, worst first/runway")); diff != "" {
		t.Errorf("runways in days (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"100045 GBP 0.70", "100046 EUR 4.70", "100053 GBP 2.01"},
		rows(s.instant("Accounts, worst first/target"), "%.2f", "client_id", "currency")); diff != "" {
		t.Errorf("runways as shares of their targets (-want +got):\n%s", diff)
	}
	for query, want := range map[string][]string{
		"critical": {"Expenses · 100051 EUR"},
		"short":    {"Payroll · 100045 GBP"},
		"rest":     {"Just in time · 100053 GBP", "Refunds · 100047 GBP", "Suppliers · 100046 EUR"},
	} {
		if diff := cmp.Diff(want, rows(s.instant("The ten shortest runways/"+query), "", "client", "currency")); diff != "" {
			t.Errorf("shortest runways, %s (-want +got):\n%s", query, diff)
		}
	}
	if diff := cmp.Diff("Rewards · 100056", s.instant("$client")[0].Metric.Get("client")); diff != "" {
		t.Errorf("the details are not those of the worst account (-want +got):\n%s", diff)
	}
	testAlerts(t, s.instant("Alerts firing now/alerts"))
}

// testAlerts checks that critical alerts sort before others, with the name of their client.
func testAlerts(t *testing.T, alerts promql.Vector) {
	t.Helper()
	rank := map[string]string{"critical": "1", "warning": "2", "info": "3"}
	seen := map[string]bool{}
	for _, a := range alerts {
		seen[a.Metric.Get("severity")] = true
		if got, want := a.Metric.Get("rank"), rank[a.Metric.Get("severity")]; got != want {
			t.Errorf("%s has the rank %s, want %s", a.Metric, got, want)
		}
		if !strings.HasSuffix(a.Metric.Get("client"), " · "+a.Metric.Get("client_id")) {
			t.Errorf("%s does not name its client", a.Metric)
		}
	}
	if len(alerts) < 9 || !seen["critical"] || !seen["warning"] {
		t.Errorf("%d alerts", len(alerts))
	}
}

// days returns runways by account, with those that need history left out.
func days(s *screen, name string) map[string]string {
	got := map[string]string{}
	for _, r := range s.instant(name) {
		text := fmt.Sprintf("%.1f", r.F/86400)
		if r.F == -1 {
			text = "needs a day of history"
		}
		got[r.Metric.Get("client_id")+" "+r.Metric.Get("currency")] = text
	}
	return got
}

// TestFirstDay opens Balances on the first day of a Prometheus, and when it has seen a day.
func TestFirstDay(t *testing.T) {
	needs := map[string]string{}
	for _, a := range company() {
		needs[a.client+" "+a.currency] = "needs a day of history"
	}
	for history, dry := range map[time.Duration]string{4 * time.Minute: "-1", time.Hour: "-1", 20 * time.Hour: "1"} {
		t.Run(history.String(), func(t *testing.T) {
			accounts := company()
			for i := range accounts {
				accounts[i].down = 0
			}
			w := world{accounts: accounts, replicas: 1, interval: 4 * time.Minute, history: history}
			s := open(t, w.run(t), "igsend-balances", day)
			if diff := cmp.Diff(needs, days(s, "Accounts, worst first/runway")); diff != "" {
				t.Errorf("runways (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]string{
				"Empty now": "2", "Dry within 24 h": dry, "Below a threshold": "5", "Without a balance": "0", "Accounts": "12", "Shortest runway": "-1",
			}, tiles(s)); diff != "" {
				t.Errorf("tiles (-want +got):\n%s", diff)
			}
			for _, name := range []string{"critical", "short", "rest"} {
				if v := s.instant("The ten shortest runways/" + name); len(v) > 0 {
					t.Errorf("runways on the first day: %v", v)
				}
			}
			// Without runways, the account furthest below its threshold comes first.
			want := []string{"Below threshold Grants · 100055 USD", "Below threshold Refunds · 100047 GBP", "Below threshold Contractors · 100050 USD"}
			if diff := cmp.Diff(want, rows(sorted(s.instant("Accounts, worst first/trouble")), "", "trouble", "client", "currency")[3:6]); diff != "" {
				t.Errorf("accounts below a threshold (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSizes opens Balances for companies with 1, 3 and 200 clients, in whose history all
// clients failed for an hour. Every query must work, and no account may have two rows.
func TestSizes(t *testing.T) {
	for _, clients := range []int{1, 3, 200} {
		t.Run(fmt.Sprintf("clients=%d", clients), func(t *testing.T) {
			var accounts []account
			for i := range clients {
				a := account{client: fmt.Sprint(200_000 + i), name: fmt.Sprintf("Client %03d", i), currency: "GBP",
					balance: float64(10_000 * (i + 1)), spend: 1_000, threshold: 5_000}
				if i%4 == 1 {
					accounts = append(accounts, a)
					a.currency = "EUR"
				}
				accounts = append(accounts, a)
			}
			last := len(accounts) - 1
			accounts[last].down, accounts[last].again = 8*time.Hour, 5*time.Hour
			if clients == 200 {
				accounts[100].state, accounts[100].since = "SUSPENDED", 4*time.Hour
			}
			w := world{accounts: accounts, replicas: 1, interval: 4 * time.Minute, history: 12 * time.Hour, outage: 10 * time.Hour}
			s := open(t, w.run(t), "igsend-balances", day)
			s.values["client"] = "200000"
			testRows(t, s)
			if got, want := s.number("Accounts/accounts"), fmt.Sprint(len(accounts)); got != want {
				t.Errorf("%s accounts, want %s", got, want)
			}
			testStates(t, s, accounts)
		})
	}
}

// testRows runs every query. A table has one row for each account.
func testRows(t *testing.T, s *screen) {
	t.Helper()
	for name, q := range s.queries {
		if !q.instant {
			s.series(name, 4*time.Minute)
			continue
		}
		seen := map[string]bool{}
		for _, row := range rows(s.instant(name), "", "client_id", "currency", "alertname", "severity") {
			if row != "   " && seen[row] {
				t.Errorf("%s has two rows for %s", name, row)
			}
			seen[row] = true
		}
		if v := len(seen); v == 0 && !mayBeEmpty[name] {
			t.Errorf("%s is empty", name)
		}
	}
}

// mayBeEmpty has the queries that return nothing for a company in which all is well.
var mayBeEmpty = map[string]bool{
	"Alerts firing now/alerts":          true,
	"Accounts, worst first/spend":       true,
	"Accounts, worst first/target":      true,
	"The ten shortest runways/critical": true,
	"The ten shortest runways/short":    true,
	"The ten shortest runways/rest":     true,
}

// testStates checks that the outage of all clients does not count: the client that was down
// alone comes first, then the one that was not in credit.
func testStates(t *testing.T, s *screen, accounts []account) {
	t.Helper()
	got := []string{}
	for _, m := range s.series("State over time, the 20 worst accounts/state", 4*time.Minute) {
		got = append(got, m.Metric.Get("client"))
	}
	last := accounts[len(accounts)-1]
	want := []string{last.name + " · " + last.client}
	if len(accounts) > 100 {
		want = []string{"Client 080 · 200080", want[0]}
	}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if len(got) != min(20, len(accounts)) {
		t.Errorf("%d states", len(got))
	}
}
