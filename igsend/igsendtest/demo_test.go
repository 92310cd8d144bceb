package igsendtest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// tableRow has the fields of a row that the tests check.
type tableRow struct {
	ClientID                         igsend.ClientID
	Balance, Status, Currency, State string
}

// A balance is one currency of one client.
type balance struct {
	ID       igsend.ClientID
	Currency string
}

// parseRows returns the rows of a documented answer, or nil for any other answer.
func parseRows(a answer) []tableRow {
	var body struct {
		TableRes []map[string]any `json:"tableRes"`
	}
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		return nil
	}
	var rows []tableRow // nil if there is no tableRes, as in the documented failure
	for _, r := range body.TableRes {
		rows = append(rows, tableRow{
			igsend.ClientID(r["ClientID"].(float64)), r["AccountBalance"].(string),
			r["Status"].(string), r["Balance Currency"].(string), r["Balance State"].(string),
		})
	}
	return rows
}

// demoOver asks for every client of the demo once a second and passes each answer to see.
// It gives up calls that hang. The demo starts when its process is as old as age.
func demoOver(t *testing.T, age, span time.Duration, see func(id igsend.ClientID, at, took time.Duration, a answer)) {
	t.Helper()
	type result struct {
		id   igsend.ClientID
		took time.Duration
		a    answer
	}
	synctest.Test(t, func(t *testing.T) {
		srv, client := newPipe(t)
		start := time.Now().Add(age)
		clients := igsendtest.Demo(srv.API, start)
		client.Timeout = 500 * time.Millisecond
		for at := time.Duration(0); at <= span; at += time.Second {
			time.Sleep(time.Until(start.Add(at)))
			results := make(chan result)
			for _, c := range clients {
				go func() {
					begin := time.Now()
					a, _ := do(client, newRequest(t.Context(), srv, c.ID))
					results <- result{c.ID, time.Since(begin), a}
				}()
			}
			for range clients {
				r := <-results
				see(r.id, at, r.took, r.a)
			}
		}
	})
}

// The first minute, to the penny: the balances depend only on the time since the start.
func TestDemoIsDeterministic(t *testing.T) {
	want := map[balance][]string{
		{100045, "GBP"}: {"250000.00", "247814.57", "236158.91", "226688.68", "216489.98"},
		{100046, "EUR"}: {"120500.50", "119145.26", "114627.78", "111917.29", "101978.83"},
		{100046, "GBP"}: {"80000.00", "78512.01", "73552.02", "70576.03", "64128.04"},
		{100047, "GBP"}: {"12000.00", "11166.59", "9982.27", "8929.54", "8008.41"},
		{100048, "GBP"}: {"-812.60", "-894.19", "-1166.16", "-1329.35", "-1682.91"},
		{100050, "EUR"}: {"64000.00", "62987.68", "59613.25", "57588.59", "53201.83"},
		{100051, "JPY"}: {"9400000", "9267805", "8562763", "7989917", "7373005"},
		{100052, "USD"}: {"1400000.00", "1400000.00", "1397899.60", "1390898.25", "1386697.44"},
	}
	for _, age := range []time.Duration{0, 17*time.Hour + 123*time.Millisecond} {
		got := make(map[balance][]string)
		demoOver(t, age, time.Minute, func(_ igsend.ClientID, at, _ time.Duration, a answer) {
			for _, row := range parseRows(a) {
				if at%(15*time.Second) == 0 {
					key := balance{row.ClientID, row.Currency}
					got[key] = append(got[key], row.Balance)
				}
			}
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("balances every 15 s, started at %v (-want +got):\n%s", age, diff)
		}
	}
}

// A course summarizes how one balance changes during the demo.
type course struct {
	Lowest, Highest float64
	TopUps          int
	States          []string // in order of first appearance
}

// A failure says how often a client failed in one way, and in which seconds of the minute.
type failure struct{ Count, First, Last int }

func TestDemoShowsEverything(t *testing.T) {
	courses := make(map[balance]*course)
	failures := make(map[igsend.ClientID]map[string]failure)
	latencies := make(map[igsend.ClientID]time.Duration)
	last := make(map[balance]float64)
	demoOver(t, time.Hour+17*time.Second, 12*time.Minute, func(id igsend.ClientID, at, took time.Duration, a answer) {
		if a.Err == "" {
			latencies[id] = max(latencies[id], took)
		}
		rows := parseRows(a)
		if rows == nil {
			if failures[id] == nil {
				failures[id] = make(map[string]failure)
			}
			f, second := failures[id][kind(a)], int(at%time.Minute/time.Second)
			if f.Count == 0 {
				f.First = second
			}
			failures[id][kind(a)] = failure{f.Count + 1, min(f.First, second), max(f.Last, second)}
		}
		for _, row := range rows {
			amount, err := strconv.ParseFloat(row.Balance, 64)
			if err != nil || row.ClientID != id || row.Status != "success" {
				t.Fatalf("row %+v for client %s: %v", row, id, err)
			}
			key := balance{id, row.Currency}
			if courses[key] == nil {
				courses[key] = &course{Lowest: amount, Highest: amount}
				last[key] = amount
			}
			c := courses[key]
			c.Lowest, c.Highest = min(c.Lowest, amount), max(c.Highest, amount)
			if amount > last[key] {
				c.TopUps++
			}
			last[key] = amount
			if !slices.Contains(c.States, row.State) {
				c.States = append(c.States, row.State)
			}
		}
	})

	inCredit, overdrawn := "IN_CREDIT", "OVERDRAWN"
	if diff := cmp.Diff(map[balance]*course{
		{100045, "GBP"}: {48211.37, 250000, 2, []string{inCredit}},
		{100046, "GBP"}: {20480.15, 80000, 3, []string{inCredit}},
		{100046, "EUR"}: {35120.09, 120500.50, 2, []string{inCredit}},
		{100047, "GBP"}: {-150.25, 12000, 4, []string{inCredit, overdrawn}},
		{100048, "GBP"}: {-2390.05, -812.60, 6, []string{overdrawn}},
		{100050, "EUR"}: {12033.80, 64000, 2, []string{inCredit}},
		{100051, "JPY"}: {1512345, 9400000, 3, []string{inCredit}},
		{100052, "USD"}: {1201861.74, 1400000, 0, []string{inCredit}},
	}, courses); diff != "" {
		t.Errorf("balances in twelve minutes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[igsend.ClientID]map[string]failure{
		100049: {"MessageID 10009": {721, 0, 59}},
		100050: {"status 503": {12 * 8, 20, 27}, "ends early": {12 * 6, 36, 41}, "hangs": {12 * 4, 50, 53}},
	}, failures); diff != "" {
		t.Errorf("failures in twelve minutes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[igsend.ClientID]time.Duration{
		100045: 35 * time.Millisecond, 100046: 60 * time.Millisecond, 100047: 20 * time.Millisecond, 100048: 45 * time.Millisecond,
		100049: 25 * time.Millisecond, 100050: 120 * time.Millisecond, 100051: 110 * time.Millisecond, 100052: 80 * time.Millisecond,
	}, latencies); diff != "" {
		t.Errorf("latencies (-want +got):\n%s", diff)
	}
}

// kind returns the name of a failure.
func kind(a answer) string {
	switch {
	case strings.HasSuffix(a.Err, "context deadline exceeded"):
		return "hangs"
	case a.Err != "":
		return a.Err
	case a.Status != 200:
		return fmt.Sprintf("status %d", a.Status)
	case strings.HasSuffix(a.Body, `"MessageID": 10009}}`):
		return "MessageID 10009"
	case strings.HasPrefix(documentedBody, a.Body[:len(a.Body)-1]):
		return "ends early"
	}
	return fmt.Sprintf("%+v", a)
}

// The thresholds must fit the simulated balances, or no alert would fire.
func TestDemoConfiguration(t *testing.T) {
	type summary struct {
		Name, Team string
		Currencies []string // with thresholds
		Runway     map[string]time.Duration
	}
	got := make(map[igsend.ClientID]summary)
	for _, c := range igsendtest.Demo(igsendtest.NewAPI(keys), time.Now()) {
		got[c.ID] = summary{c.Name, c.Labels["team"], slices.Sorted(maps.Keys(c.Thresholds)), c.Runway}
		for currency, severities := range c.Thresholds {
			if severities["warning"] == "" || severities["critical"] == "" || len(severities) != 2 {
				t.Errorf("client %s: thresholds in %s are %v", c.ID, currency, severities)
			}
		}
	}
	want := map[igsend.ClientID]summary{
		100045: {"Payroll", "payments", []string{"GBP"}, map[string]time.Duration{"warning": time.Minute, "critical": 20 * time.Second}},
		100046: {"Suppliers", "procurement", []string{"EUR", "GBP"}, nil},
		100047: {"Refunds", "support", []string{"GBP"}, map[string]time.Duration{"warning": 90 * time.Second, "critical": 30 * time.Second}},
		100048: {"Rewards", "marketing", []string{"GBP"}, nil},
		100049: {"Closed subsidiary", "finance", []string{"GBP"}, nil},
		100050: {"Contractors", "payments", []string{"EUR"}, nil},
		100051: {"Tokyo office", "apac", []string{"JPY"}, nil},
		100052: {"Treasury", "finance", []string{"USD"}, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
}
