package collector

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func TestTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		header string
		want   time.Duration
	}{
		"less the offset":         {"5", 4500 * time.Millisecond},
		"fractions":               {"0.75", 250 * time.Millisecond},
		"as large as the offset":  {"0.5", 250 * time.Millisecond},
		"smaller than the offset": {"0.2", 100 * time.Millisecond},
		"missing":                 {"", 10 * time.Second},
		"not a number":            {"soon", 10 * time.Second},
		"NaN":                     {"NaN", 10 * time.Second},
		"infinite":                {"+Inf", 10 * time.Second},
		"zero":                    {"0", 10 * time.Second},
		"negative":                {"-5", 10 * time.Second},
		"more than a day":         {"1e300", 10 * time.Second},
		"with a unit":             {"5s", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			h := &handler{options: HandlerOptions{Timeout: 10 * time.Second, TimeoutOffset: 500 * time.Millisecond}}
			header := http.Header{}
			if test.header != "" {
				header.Set("X-Prometheus-Scrape-Timeout-Seconds", test.header)
			}
			if got := h.timeout(header); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func newTestHandler(f *Fetcher, maxRequests int) http.Handler {
	return NewHandler(f, HandlerOptions{
		Timeout: 10 * time.Second, TimeoutOffset: 500 * time.Millisecond, MaxRequests: maxRequests, Process: prometheus.NewRegistry(),
	}, slog.New(slog.DiscardHandler))
}

// get scrapes the handler, which answers text, or OpenMetrics when accept says so.
func get(t *testing.T, h http.Handler, accept string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("HTTP status %d, want 200", w.Code)
	}
	return w.Body.String()
}

// everything is a configuration and an API that show every metric and its edges.
func everything() Settings {
	api := &fakeAPI{latency: 31250 * time.Microsecond} // exact in binary, for sums that are
	api.setFunc(100045, func(n int) reply {
		return reply{balances: gbp([]string{"50000.50", "48000.25", "60000"}[n-1])}
	})
	api.set(100046, reply{balances: []igsend.Balance{
		balanceOf("-812.6", "GBP", "OVERDRAWN"),
		balanceOf("9400000", "JPY", "IN_CREDIT"),
	}})
	api.set(100047, reply{
		balances: []igsend.Balance{balanceOf("7", "EUR", "UNKNOWN")},
		err:      &igsend.Error{Reason: igsend.ReasonMalformed},
	})
	api.set(100048, fails(igsend.ReasonRejected, 200))
	api.set(100049, never)
	amount := decimal.RequireFromString
	return Settings{API: api, Config: &config.Config{
		API: settings(api, nil, func(c *config.API) { c.Concurrency = 5 }).Config.API, // all at once
		Clients: []config.Client{
			{
				ID: 100045, Name: "Payroll", Labels: map[string]string{"team": "payments", "cost_centre": "4711"},
				Thresholds: []config.Threshold{{Currency: "GBP", Severity: "critical", Amount: amount("10000")}, {Currency: "GBP", Severity: "warning", Amount: amount("50000")}},
				Runway:     []config.RunwayThreshold{{Severity: "critical", Duration: 24 * time.Hour}, {Severity: "warning", Duration: 72 * time.Hour}},
			},
			{ID: 100046, Name: "Quote\" backslash\\ newline\n", Labels: map[string]string{"zone": "eu"}},
			{ID: 100047},
			{ID: 100048, Thresholds: []config.Threshold{{Currency: "USD", Severity: "warning", Amount: amount("-1.5")}}},
			{ID: 100049},
		},
	}}
}

func TestExposition(t *testing.T) {
	for file, accept := range map[string]string{
		"metrics.txt":         "text/plain",
		"metrics.openmetrics": "application/openmetrics-text; version=1.0.0",
	} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := everything()
				h := newTestHandler(NewFetcher(s, slog.New(slog.DiscardHandler)), 0)
				get(t, h, accept)
				golden(t, file, get(t, h, accept))
			})
		})
	}
}

// golden compares got with a file of the testdata folder. With -update in the
// environment variable GOLDEN, it writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("GOLDEN") == "update" {
		writeFile(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestPromlint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := everything()
		h := newTestHandler(NewFetcher(s, slog.New(slog.DiscardHandler)), 0)
		problems, err := promlint.New(strings.NewReader(get(t, h, "text/plain"))).Lint()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]promlint.Problem(nil), problems); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	})
}

// The balance is gone with the answer; what it rose and fell by stays, and the gap is
// bridged.
func TestABalanceIsAbsentWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(1, func(n int) reply {
			if n == 2 {
				return fails(igsend.ReasonHTTP, 500)
			}
			return reply{balances: gbp([]string{"100", "", "75"}[n-1])}
		})
		h := newTestHandler(newTestFetcher(api, ids(1, 1), nil), 0)
		for i, want := range []string{
			"igsend_client_balance 100, igsend_client_balance_decrease_total 0, igsend_client_balance_state 1, igsend_client_up 1",
			"igsend_client_balance_decrease_total 0, igsend_client_up 0",
			"igsend_client_balance 75, igsend_client_balance_decrease_total 25, igsend_client_balance_state 1, igsend_client_up 1",
		} {
			got := excerpt(get(t, h, "text/plain"), "igsend_client_balance", "igsend_client_balance_decrease_total", "igsend_client_balance_state", "igsend_client_up")
			if got != want {
				t.Errorf("scrape %d:\n got %s\nwant %s", i, got, want)
			}
		}
	})
}

// excerpt returns the named metrics of an exposition without their labels.
func excerpt(exposition string, names ...string) string {
	var found []string
	for line := range strings.Lines(exposition) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, _ := strings.Cut(series, "{")
		for _, n := range names {
			if n == name {
				found = append(found, name+" "+value)
			}
		}
	}
	return strings.Join(found, ", ")
}

func TestMaxRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		h := newTestHandler(newTestFetcher(api, ids(1, 1), nil), 1)
		done := make(chan string)
		go func() { done <- get(t, h, "text/plain") }()
		synctest.Wait()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("HTTP status %d, want 503", w.Code)
		}
		<-done
		get(t, h, "text/plain") // there is a slot again
	})
}

// An exporter that stops answers with what it has.
func TestAStopIsADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, never)
		h := newTestHandler(newTestFetcher(api, ids(1, 2), nil), 0)
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(context.DeadlineExceeded) })
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
		want := "igsend_client_up 0, igsend_client_up 1"
		if got := excerpt(w.Body.String(), "igsend_client_up"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// The garbage of a scrape of all clients is collected after it. The answer does not wait.
func TestGarbageIsCollectedAfterAScrape(t *testing.T) {
	f := newTestFetcher(&fakeAPI{}, ids(1, 3), nil)
	h := NewHandler(f, HandlerOptions{Timeout: time.Minute, Process: prometheus.NewRegistry()}, slog.New(slog.DiscardHandler))
	collections := func() uint32 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.NumForcedGC
	}
	before := collections()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for collections() == before {
		runtime.Gosched()
	}
}
