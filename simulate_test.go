package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// A simulatedBalance is one currency of one client.
type simulatedBalance struct {
	ID       igsend.ClientID
	Currency string
}

// A simulatedRow has the fields of a row that the tests check.
type simulatedRow struct {
	ClientID                         igsend.ClientID
	Balance, Status, Currency, State string
}

// A simulatedAnswer is what the API of the demo answered. Of an API that hangs it is empty.
type simulatedAnswer struct {
	Status int
	Body   string
	Took   time.Duration
}

// rows returns the rows of a documented answer, or nil for any other answer.
func (a simulatedAnswer) rows() []simulatedRow {
	var body struct {
		TableRes []map[string]any `json:"tableRes"`
	}
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		return nil
	}
	var rows []simulatedRow // nil if there is no tableRes, as in the documented failure
	for _, r := range body.TableRes {
		rows = append(rows, simulatedRow{
			igsend.ClientID(r["ClientID"].(float64)), r["AccountBalance"].(string),
			r["Status"].(string), r["Balance Currency"].(string), r["Balance State"].(string),
		})
	}
	return rows
}

// failure returns the name of a failure.
func (a simulatedAnswer) failure() string {
	var body struct{ CoreRes struct{ MessageID int } }
	switch err := json.Unmarshal([]byte(a.Body), &body); {
	case a.Status == 0:
		return "hangs"
	case a.Status != http.StatusOK:
		return fmt.Sprintf("status %d", a.Status)
	case err != nil:
		return err.Error()
	}
	return fmt.Sprintf("MessageID %d", body.CoreRes.MessageID)
}

func askSimulated(api *igsendtest.API, id igsend.ClientID) (a simulatedAnswer) {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, igsendtest.Path+"?ClientID="+id.String(), nil)
	r.SetBasicAuth(keys.Public, keys.Private)
	defer func() {
		if recovered := recover(); recovered != nil && recovered != http.ErrAbortHandler { //nolint:errorlint // a value that was passed to panic
			panic(recovered)
		}
	}()
	w, begin := httptest.NewRecorder(), time.Now()
	api.ServeHTTP(w, r)
	return simulatedAnswer{w.Code, w.Body.String(), time.Since(begin)}
}

// simulateFor asks for every client of the demo at each step and passes each answer to see.
// The demo starts when its process is as old as age.
func simulateFor(t *testing.T, age, span, step time.Duration, see func(id igsend.ClientID, at time.Duration, a simulatedAnswer)) {
	t.Helper()
	type result struct {
		id igsend.ClientID
		simulatedAnswer
	}
	synctest.Test(t, func(*testing.T) {
		api := igsendtest.NewAPI(keys)
		start := time.Now().Add(age)
		simulate(api, start)
		for at := time.Duration(0); at <= span; at += step {
			time.Sleep(time.Until(start.Add(at)))
			results := make(chan result)
			const clients = 8
			for i := range igsend.ClientID(clients) {
				go func() { results <- result{100045 + i, askSimulated(api, 100045+i)} }()
			}
			for range clients {
				r := <-results
				see(r.id, at, r.simulatedAnswer)
			}
		}
	})
}

// The first minute, to the penny: the balances depend only on the time since the start.
func TestDemoIsDeterministic(t *testing.T) {
	want := map[simulatedBalance][]string{
		{100045, "GBP"}: {"250000.00", "250000.00", "249998.25", "249992.39", "249988.87"},
		{100046, "EUR"}: {"120500.50", "120499.90", "120497.90", "120496.70", "120494.10"},
		{100046, "GBP"}: {"80000.00", "80000.00", "79998.98", "79998.98", "79995.54"},
		{100047, "GBP"}: {"4800.00", "4800.00", "4800.00", "4799.80", "4799.80"},
		{100048, "GBP"}: {"-812.60", "-812.60", "-812.60", "-812.60", "-812.70"},
		{100050, "EUR"}: {"64000.00", "64000.00", "63999.20", "63999.20", "63996.51"},
		{100051, "JPY"}: {"9400000", "9400000", "9399894", "9399541", "9399329"},
		{100052, "USD"}: {"1400000.00", "1400000.00", "1400000.00", "1400000.00", "1400000.00"},
	}
	for _, age := range []time.Duration{0, 17*time.Hour + 123*time.Millisecond} {
		got := make(map[simulatedBalance][]string)
		simulateFor(t, age, time.Minute, time.Second, func(_ igsend.ClientID, at time.Duration, a simulatedAnswer) {
			for _, row := range a.rows() {
				if at%(15*time.Second) == 0 {
					key := simulatedBalance{row.ClientID, row.Currency}
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
	Runway          float64  // the shortest, in days, at the pace of the last day
	States          []string // in order of first appearance
}

// The demo is a healthy company with a few problems: only Refunds and Rewards are below their
// thresholds, and only they have less than three days left.
func TestDemoIsHealthy(t *testing.T) {
	courses := make(map[simulatedBalance]*course)
	amounts := make(map[simulatedBalance][]float64)
	simulateFor(t, time.Hour, 31*24*time.Hour, time.Hour, func(id igsend.ClientID, _ time.Duration, a simulatedAnswer) {
		for _, row := range a.rows() {
			amount, err := strconv.ParseFloat(row.Balance, 64)
			if err != nil || row.ClientID != id || row.Status != "success" {
				t.Fatalf("row %+v for client %s: %v", row, id, err)
			}
			key := simulatedBalance{id, row.Currency}
			if courses[key] == nil {
				courses[key] = &course{Lowest: amount, Highest: amount, Runway: 99}
				amounts[key] = []float64{amount}
			}
			c := courses[key]
			c.Lowest, c.Highest = min(c.Lowest, amount), max(c.Highest, amount)
			amounts[key] = append(amounts[key], amount)
			spent := 0.0
			for i, n := max(1, len(amounts[key])-24), len(amounts[key]); i < n; i++ {
				spent += max(0, amounts[key][i-1]-amounts[key][i])
			}
			if last := amounts[key][len(amounts[key])-2]; amount > last {
				c.TopUps++
			}
			if len(amounts[key]) > 25 {
				c.Runway = min(c.Runway, math.Round(max(0, amount)/spent*10)/10)
			}
			if !slices.Contains(c.States, row.State) {
				c.States = append(c.States, row.State)
			}
		}
	})
	inCredit := []string{"IN_CREDIT"}
	if diff := cmp.Diff(map[simulatedBalance]*course{
		{100045, "GBP"}: {109049.52, 250000, 4, 5.4, inCredit},
		{100046, "GBP"}: {40807.79, 80000, 6, 5.2, inCredit},
		{100046, "EUR"}: {65503.49, 120500.50, 5, 7.1, inCredit},
		{100047, "GBP"}: {1655.85, 4800, 10, 1.6, inCredit},
		{100048, "GBP"}: {-2373.85, -812.60, 7, 0, []string{"OVERDRAWN"}},
		{100050, "EUR"}: {33290.53, 64000, 6, 5.4, inCredit},
		{100051, "JPY"}: {4562979, 9400000, 7, 3.7, inCredit},
		{100052, "USD"}: {905004.41, 1400000, 1, 53.5, inCredit},
	}, courses); diff != "" {
		t.Errorf("balances in a month (-want +got):\n%s", diff)
	}
}

// A failurePattern says how often a client failed in one way, and in which seconds of the minute.
type failurePattern struct{ Count, First, Last int }

func TestDemoFailures(t *testing.T) {
	failures := make(map[igsend.ClientID]map[string]failurePattern)
	latencies := make(map[igsend.ClientID]time.Duration)
	simulateFor(t, time.Hour+17*time.Second, 12*time.Minute, time.Second, func(id igsend.ClientID, at time.Duration, a simulatedAnswer) {
		latencies[id] = max(latencies[id], a.Took)
		if a.rows() != nil {
			return
		}
		if failures[id] == nil {
			failures[id] = make(map[string]failurePattern)
		}
		f, second := failures[id][a.failure()], int(at%time.Minute/time.Second)
		if f.Count == 0 {
			f.First = second
		}
		failures[id][a.failure()] = failurePattern{f.Count + 1, min(f.First, second), max(f.Last, second)}
	})
	if diff := cmp.Diff(map[igsend.ClientID]map[string]failurePattern{
		100049: {"MessageID 10009": {721, 0, 59}},
		100050: {"status 503": {12 * 8, 20, 27}, "unexpected end of JSON input": {12 * 6, 36, 41}, "hangs": {12 * 4, 50, 53}},
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

func TestDemoConfig(t *testing.T) {
	cfg, err := config.Parse(fmt.Appendf(nil, demoConfig, "http://127.0.0.1:1"+igsendtest.Path), "")
	if err != nil || cfg.Warnings != nil {
		t.Fatal(err, cfg.Warnings)
	}
	type summary struct {
		Name, Team string
		Currencies []string // with thresholds
		Runway     []time.Duration
	}
	got := make(map[igsend.ClientID]summary)
	for _, c := range cfg.Clients {
		s := summary{Name: c.Name, Team: c.Labels["team"]}
		for i := 0; i < len(c.Thresholds); i += 2 { // critical and warning
			s.Currencies = append(s.Currencies, c.Thresholds[i].Currency)
		}
		for _, runway := range c.Runway {
			s.Runway = append(s.Runway, runway.Duration)
		}
		got[c.ID] = s
	}
	want := map[igsend.ClientID]summary{
		100045: {"Payroll", "payments", []string{"GBP"}, []time.Duration{24 * time.Hour, 72 * time.Hour}},
		100046: {"Suppliers", "procurement", []string{"EUR", "GBP"}, nil},
		100047: {"Refunds", "support", []string{"GBP"}, []time.Duration{12 * time.Hour, 48 * time.Hour}},
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
