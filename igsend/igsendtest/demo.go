package igsendtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A DemoClient is the configuration of one client of the demo.
type DemoClient struct {
	ID     igsend.ClientID
	Name   string
	Labels map[string]string
	// Thresholds are in the major unit of the currency, by currency and severity.
	Thresholds map[string]map[string]string
	// Runway is how long the balance should last, by severity. It is short because the
	// demo pays out in minutes what a company pays out in weeks.
	Runway map[string]time.Duration
}

// Demo adds eight clients to the API and returns their configuration. They show payouts and
// top-ups, a client with two currencies, one that runs low and becomes overdrawn, one that
// stays overdrawn, one that IGSend rejects, one for which the API fails for some seconds
// of every minute, and one whose currency has no decimals.
//
// Everything except latency depends only on the time since start.
func Demo(api *API, start time.Time) []DemoClient {
	api.SetLatency(25 * time.Millisecond) // for the client that is rejected
	scenario := demoScenario()
	clients := make([]DemoClient, len(scenario))
	for i, d := range scenario {
		clients[i] = d.DemoClient
		if d.purses != nil {
			api.SetClientFunc(d.ID, func(now time.Time) Client { return d.at(now.Sub(start)) })
		}
		if d.flaky {
			api.SetClientFault(d.ID, failingEveryMinute(start))
		}
	}
	return clients
}

// A demoClient is a DemoClient with its simulated money.
type demoClient struct {
	DemoClient
	purses  []purse // nil: IGSend doesn't know the client
	latency time.Duration
	flaky   bool
}

// A purse is the balance in one currency. In each cycle it starts full, goes down in
// unequal steps until it is low, and is then topped up. Amounts are in the minor unit of
// the currency.
type purse struct {
	currency  string
	full, low int64
	cycle     time.Duration
	payouts   int // per cycle, at equal intervals
}

func demoScenario() []demoClient {
	severities := func(warning, critical string) map[string]string {
		return map[string]string{"warning": warning, "critical": critical}
	}
	runway := func(warning, critical time.Duration) map[string]time.Duration {
		return map[string]time.Duration{"warning": warning, "critical": critical}
	}
	return []demoClient{
		{
			DemoClient: DemoClient{
				ID: 100045, Name: "Payroll", Labels: map[string]string{"team": "payments"},
				Thresholds: map[string]map[string]string{"GBP": severities("40000", "10000")},
				Runway:     runway(60*time.Second, 20*time.Second),
			},
			purses:  []purse{{currency: "GBP", full: 250_000_00, low: 48_211_37, cycle: 6 * time.Minute, payouts: 36}},
			latency: 35 * time.Millisecond,
		},
		{
			DemoClient: DemoClient{
				ID: 100046, Name: "Suppliers", Labels: map[string]string{"team": "procurement"},
				Thresholds: map[string]map[string]string{"GBP": severities("15000", "5000"), "EUR": severities("30000", "10000")},
			},
			purses: []purse{
				{currency: "GBP", full: 80_000_00, low: 20_480_15, cycle: 4 * time.Minute, payouts: 16},
				{currency: "EUR", full: 120_500_50, low: 35_120_09, cycle: 5 * time.Minute, payouts: 25},
			},
			latency: 60 * time.Millisecond,
		},
		{
			DemoClient: DemoClient{
				ID: 100047, Name: "Refunds", Labels: map[string]string{"team": "support"},
				Thresholds: map[string]map[string]string{"GBP": severities("5000", "1500")},
				Runway:     runway(90*time.Second, 30*time.Second),
			},
			purses:  []purse{{currency: "GBP", full: 12_000_00, low: -150_25, cycle: 3 * time.Minute, payouts: 36}},
			latency: 20 * time.Millisecond,
		},
		{
			DemoClient: DemoClient{
				ID: 100048, Name: "Rewards", Labels: map[string]string{"team": "marketing"},
				Thresholds: map[string]map[string]string{"GBP": severities("1000", "0")},
			},
			purses:  []purse{{currency: "GBP", full: -812_60, low: -2_390_05, cycle: 2 * time.Minute, payouts: 8}},
			latency: 45 * time.Millisecond,
		},
		{
			DemoClient: DemoClient{
				ID: 100049, Name: "Closed subsidiary", Labels: map[string]string{"team": "finance"},
				Thresholds: map[string]map[string]string{"GBP": severities("1000", "100")},
			},
		},
		{
			DemoClient: DemoClient{
				ID: 100050, Name: "Contractors", Labels: map[string]string{"team": "payments"},
				Thresholds: map[string]map[string]string{"EUR": severities("10000", "2500")},
			},
			purses:  []purse{{currency: "EUR", full: 64_000_00, low: 12_033_80, cycle: 5 * time.Minute, payouts: 20}},
			latency: 120 * time.Millisecond,
			flaky:   true,
		},
		{
			DemoClient: DemoClient{
				ID: 100051, Name: "Tokyo office", Labels: map[string]string{"team": "apac"},
				Thresholds: map[string]map[string]string{"JPY": severities("1000000", "250000")},
			},
			purses:  []purse{{currency: "JPY", full: 9_400_000, low: 1_512_345, cycle: 4 * time.Minute, payouts: 24}},
			latency: 110 * time.Millisecond,
		},
		{
			DemoClient: DemoClient{
				ID: 100052, Name: "Treasury", Labels: map[string]string{"team": "finance"},
				Thresholds: map[string]map[string]string{"USD": severities("500000", "100000")},
			},
			purses:  []purse{{currency: "USD", full: 1_400_000_00, low: 905_004_41, cycle: 30 * time.Minute, payouts: 90}},
			latency: 80 * time.Millisecond,
		},
	}
}

func (d demoClient) at(elapsed time.Duration) Client {
	c := Client{Latency: d.latency}
	for _, p := range d.purses {
		c.Rows = append(c.Rows, p.at(elapsed))
	}
	return c
}

func (p purse) at(elapsed time.Duration) Row {
	interval := p.cycle / time.Duration(p.payouts)
	paid := int64(max(elapsed, 0) % p.cycle / interval)
	minor := p.full - (p.full-p.low)*payoutShare(paid)/payoutShare(int64(p.payouts)-1)
	row := Row{Balance: formatMinor(minor, p.currency), Currency: p.currency, State: "IN_CREDIT"}
	if minor < 0 {
		row.State = "OVERDRAWN"
	}
	return row
}

// payoutShare returns the total weight of the first n payouts. Consecutive payouts have
// different weights.
func payoutShare(n int64) int64 {
	var sum int64
	for i := range n {
		sum += 3 + i*7%11
	}
	return sum
}

func formatMinor(minor int64, currency string) string {
	if currency == "JPY" {
		return fmt.Sprint(minor)
	}
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}

// failingEveryMinute fails in three ways every minute, each for some seconds.
func failingEveryMinute(start time.Time) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented Answer) {
		fault := Documented
		switch second := time.Since(start) % time.Minute / time.Second; {
		case second >= 20 && second < 28:
			fault = Status(http.StatusServiceUnavailable)
		case second >= 36 && second < 42:
			fault = TruncatedJSON(strings.Index(string(documented.Body), "tableRes"))
		case second >= 50 && second < 54:
			fault = Hang
		}
		fault(w, r, documented)
	}
}
