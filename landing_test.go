package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func balance(amount, currency, state string) igsend.Balance {
	return igsend.Balance{Amount: decimal.RequireFromString(amount), Currency: currency, State: state}
}

func thresholds(warning, critical string) []config.Threshold {
	return []config.Threshold{
		{Currency: "GBP", Severity: "critical", Amount: decimal.RequireFromString(critical)},
		{Currency: "GBP", Severity: "warning", Amount: decimal.RequireFromString(warning)},
	}
}

// statusOf returns clients with one of each thing that can be said of an account.
func statusOf(now time.Time) collector.Status {
	client := func(id igsend.ClientID, name string, err *igsend.Error, balances ...igsend.Balance) collector.ClientStatus {
		c := collector.ClientStatus{Client: config.Client{ID: id, Name: name}, Took: 80 * time.Millisecond}
		c.Answer = collector.Answer{ClientID: id, Balances: balances, Err: err, At: now.Add(-20 * time.Second)}
		if err == nil {
			c.LastSuccess = c.Answer.At
		}
		return c
	}
	fine := client(1, "Fine", nil, balance("1188.11", "GBP", "IN_CREDIT"), balance("97.5", "EUR", "IN_CREDIT"), balance("9400000", "JPY", "IN_CREDIT"))
	failing := client(2, "Failing", &igsend.Error{Reason: igsend.ReasonTimeout, Message: "not for this page"})
	failing.LastSuccess, failing.Took = now.Add(-26*time.Hour-40*time.Minute), 5*time.Second
	partly := client(3, "Partly", &igsend.Error{Reason: igsend.ReasonMalformed}, balance("5", "GBP", "UNKNOWN"))
	low := client(4, "Low", nil, balance("49999.99", "GBP", "IN_CREDIT"))
	low.Thresholds = thresholds("50000", "10000")
	lower := client(5, "Lower", nil, balance("0.001", "GBP", "IN_CREDIT"))
	lower.Thresholds = thresholds("50000", "10000")
	own := client(6, "Own severity", nil, balance("1", "GBP", "IN_CREDIT"))
	own.Thresholds = []config.Threshold{{Currency: "EUR", Severity: "finance"}, {Currency: "EUR", Severity: "page"}, {Currency: "GBP", Severity: "finance", Amount: decimal.RequireFromString("2")}}
	overdrawn := client(7, "Overdrawn", nil, balance("-1234567.8", "GBP", "OVERDRAWN"))
	empty := client(8, "Empty", nil, balance("0", "GBP", "IN_CREDIT"))
	hostile := client(9, `<script>alert(1)</script>"><img src=x onerror=alert(1)>`+"\u202e&amp;", nil, balance("1", "GBP", `"><B>`))
	unasked := collector.ClientStatus{Client: config.Client{ID: 10}}
	return collector.Status{
		Scraped: now.Add(-20 * time.Second), Took: 1234567 * time.Microsecond,
		Clients: []collector.ClientStatus{fine, failing, partly, low, lower, own, overdrawn, empty, hostile, unasked},
	}
}

// served returns the page for a status, as a browser gets it.
func served(status collector.Status, reloadFailed bool) *httptest.ResponseRecorder {
	reloaded := func() (time.Time, bool) { return time.Now().Add(-3 * time.Hour), reloadFailed }
	page := newLandingPage(func() collector.Status { return status }, reloaded, "/metrics", []link{{"/metrics", "Metrics", "ask IGSend"}})
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w
}

// TestLandingPage compares the page with testdata/landing.html. With GOLDEN=update in the
// environment, it writes the file.
func TestLandingPage(t *testing.T) {
	const golden = "testdata/landing.html"
	synctest.Test(t, func(t *testing.T) {
		w := served(statusOf(time.Now()), false)
		got := strings.Replace(w.Body.String(), landingCSS, "", 1)
		if os.Getenv("GOLDEN") == "update" {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("page (-want +got):\n%s", diff)
		}
		if got := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; style-src 'sha256-") {
			t.Errorf("Content-Security-Policy: %s", got)
		}
	})
}

func TestLandingPageSays(t *testing.T) {
	one := func(now time.Time) collector.Status {
		status := statusOf(now)
		status.Clients = status.Clients[:1]
		return status
	}
	for name, test := range map[string]struct {
		status       func(now time.Time) collector.Status
		reloadFailed bool
		want         []string
	}{
		"one client": {one, false, []string{"1 client: 1 answered, 0 failing."}},
		"before the first scrape": {
			func(time.Time) collector.Status {
				return collector.Status{Clients: make([]collector.ClientStatus, 2)}
			},
			false,
			[]string{"2 clients. No scrape yet: balances appear here after the first one.", "Not asked yet"},
		},
		"after a reload that failed": {one, true, []string{"The last reload of the configuration failed. The previous one is in use"}},
		"without scrapes": {
			func(now time.Time) collector.Status {
				status := one(now)
				status.Scraped = now.Add(-time.Hour)
				return status
			},
			false,
			[]string{"No scrape has been answered for 1h. The balances below are that old."},
		},
		"with advice": {
			func(now time.Time) collector.Status {
				status := one(now)
				status.Advice = "More slots would do."
				return status
			},
			false,
			[]string{`<p class="problem">More slots would do.</p>`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := served(test.status(time.Now()), test.reloadFailed).Body.String()
				for _, want := range test.want {
					if !strings.Contains(body, want) {
						t.Errorf("the page lacks %q:\n%s", want, body)
					}
				}
			})
		})
	}
}

// With thousands of clients, the page shows those that need attention, and counts the rest.
func TestLandingPageOfManyClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := statusOf(time.Now())
		empty := status.Clients[7]
		for i := range 2000 {
			fine := status.Clients[3]
			fine.ID, fine.Thresholds = igsend.ClientID(100+i), nil
			status.Clients = append(status.Clients, fine)
		}
		empty.ID = 5000
		status.Clients = append(status.Clients, empty)
		body := served(status, false).Body.String()
		rows := strings.Count(body, `<th scope="row"`)
		if diff := cmp.Diff(maxRows, rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		for _, want := range []string{">5000<", "1814 more accounts in the metrics. None needs attention sooner."} {
			if !strings.Contains(body, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
	})
}

func TestFormatAmount(t *testing.T) {
	for _, test := range []struct{ amount, currency, want string }{
		{"0", "GBP", "0.00"},
		{"-0.5", "GBP", "-0.50"},
		{"100", "GBP", "100.00"},
		{"1000", "JPY", "1,000"},
		{"-123456", "GBP", "-123,456.00"},
		{"1234567.125", "GBP", "1,234,567.125"},
		{"1.5", "BHD", "1.500"},
		{"7", "XAU", "7"},
	} {
		if got := formatAmount(decimal.RequireFromString(test.amount), test.currency); got != test.want {
			t.Errorf("%s %s: got %q, want %q", test.amount, test.currency, got, test.want)
		}
	}
}
