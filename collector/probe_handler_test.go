package collector

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func newTestProbeHandler(f *Fetcher, maxRequests int) http.Handler {
	return NewProbeHandler(f, HandlerOptions{
		Timeout: 10 * time.Second, TimeoutOffset: 500 * time.Millisecond, MaxRequests: maxRequests, Process: prometheus.NewRegistry(),
	}, slog.New(slog.DiscardHandler))
}

// getProbe probes with a query and returns the status and the body.
func getProbe(t *testing.T, h http.Handler, query, accept string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe", nil)
	r.URL.RawQuery = query
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// Each probe's body, whole.
func TestProbeExposition(t *testing.T) {
	for file, accept := range map[string]string{
		"probes.txt":         "text/plain",
		"probes.openmetrics": "application/openmetrics-text; version=1.0.0",
		"probes.debug":       "",
	} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := everything()
				h := newTestProbeHandler(NewFetcher(s, slog.New(slog.DiscardHandler)), 0)
				var bodies strings.Builder
				for _, client := range s.Config.Clients {
					query := "client_id=" + client.ID.String()
					if accept == "" {
						query += "&debug=true"
					}
					status, body := getProbe(t, h, query, accept)
					if status != http.StatusOK {
						t.Errorf("client %s: HTTP status %d, want 200", client.ID, status)
					}
					fmt.Fprintf(&bodies, "=== %s\n%s\n", query, body)
				}
				golden(t, file, bodies.String())
			})
		})
	}
}

func TestProbesPassPromlint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestProbeHandler(NewFetcher(everything(), slog.New(slog.DiscardHandler)), 0)
		_, body := getProbe(t, h, "client_id=100045", "text/plain")
		problems, err := promlint.New(strings.NewReader(body)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]promlint.Problem(nil), problems); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	})
}

func TestBadProbes(t *testing.T) {
	const (
		usage    = "A probe is /probe?client_id=ID: "
		notAnID  = usage + "client_id must be a positive whole number without leading zeros.\n"
		notAForm = usage + "the parameters are not in the form name=value&name=value.\n"
	)
	for _, test := range []struct {
		query  string
		status int
		body   string
	}{
		{"", 400, notAnID},
		{"client_id", 400, notAnID},
		{"client_id=", 400, notAnID},
		{"client_id=0", 400, notAnID},
		{"client_id=-1", 400, notAnID},
		{"client_id=%2B1", 400, notAnID},
		{"client_id=01", 400, notAnID},
		{"client_id=1.0", 400, notAnID},
		{"client_id=1e3", 400, notAnID},
		{"client_id=+1", 400, notAnID},
		{"client_id=1%0A", 400, notAnID},
		{"client_id=1%00", 400, notAnID},
		{"client_id=%D9%A1", 400, notAnID}, // an Arabic 1
		{"client_id=0x1", 400, notAnID},
		{"client_id=1_0", 400, notAnID},
		{"client_id=9223372036854775808", 400, notAnID},
		{"client_id=" + strings.Repeat("9", 100_000), 400, notAnID},
		{"client_id=<script>", 400, notAnID},
		{"debug=true", 400, notAnID},
		{"client_id=1&client_id=1", 400, usage + "client_id occurs 2 times.\n"},
		{"client_id=1&client_id=2", 400, usage + "client_id occurs 2 times.\n"},
		{"client_id=1&debug=true&debug=true", 400, usage + "debug occurs 2 times.\n"},
		{"client_id=1&debug=1", 400, usage + "debug can only be true.\n"},
		{"client_id=1&debug=", 400, usage + "debug can only be true.\n"},
		{"client_id=1&target=x", 400, usage + "\"target\" is not a parameter; the parameters are client_id and debug=true.\n"},
		{"client_id=1&=", 400, usage + "\"\" is not a parameter; the parameters are client_id and debug=true.\n"},
		{"Client_ID=1", 400, usage + "\"Client_ID\" is not a parameter; the parameters are client_id and debug=true.\n"},
		{"client_id=1&" + strings.Repeat("x", 100_000), 400, usage + `"` + strings.Repeat("x", 40) + "\" is not a parameter; the parameters are client_id and debug=true.\n"},
		{"client_id=1&%FF", 400, usage + "\"\\xff\" is not a parameter; the parameters are client_id and debug=true.\n"},
		{"client_id=1;debug=true", 400, notAForm},
		{"client_id=%zz", 400, notAForm},
		{"client_id=9223372036854775807", 404, "Client 9223372036854775807 is not among the clients of this exporter.\n"},
		{"client_id=2", 404, "Client 2 is not among the clients of this exporter.\n"},
		{"client_id=2&debug=true", 404, "Client 2 is not among the clients of this exporter.\n"},
	} {
		name := test.query[:min(len(test.query), 40)]
		t.Run(name, func(t *testing.T) {
			api := &fakeAPI{}
			h := newTestProbeHandler(newTestFetcher(api, ids(1, 1), nil), 40)
			status, body := getProbe(t, h, test.query, "")
			if status != test.status {
				t.Errorf("HTTP status %d, want %d", status, test.status)
			}
			if diff := cmp.Diff(test.body, body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if got := api.asked(); len(got) != 0 {
				t.Errorf("asked %v, want nothing", got)
			}
		})
	}
}

// A query is either refused, or names one client in its only spelling.
func FuzzParseProbe(f *testing.F) {
	for _, query := range []string{"client_id=1", "client_id=1&debug=true", "debug=true&client_id=100045", "client_id=1&client_id=2", "client_id=%31", ";"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		id, debug, err := parseProbe(query)
		if err != nil {
			if id != 0 && debug {
				t.Errorf("%q: client %s beside the error %v", query, id, err)
			}
			return
		}
		if id <= 0 {
			t.Errorf("%q: client %s", query, id)
		}
		again, debugAgain, err := parseProbe("client_id=" + id.String())
		if again != id || debugAgain || err != nil {
			t.Errorf("%q: client %s parses as %s, %t, %v", query, id, again, debugAgain, err)
		}
	})
}

// The limit is for each client: a fleet of probes is as many at once as it has clients.
func TestMaxProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		for _, id := range ids(1, 100) {
			api.set(id, never)
		}
		h := newTestProbeHandler(newTestFetcher(api, ids(1, 100), nil), 1)
		var probes sync.WaitGroup
		for _, id := range ids(1, 100) {
			probes.Go(func() {
				if status, _ := getProbe(t, h, "client_id="+id.String(), ""); status != http.StatusOK {
					t.Errorf("client %s: HTTP status %d, want 200", id, status)
				}
			})
		}
		synctest.Wait()
		if status, body := getProbe(t, h, "client_id=7", ""); status != http.StatusServiceUnavailable {
			t.Errorf("client 7 again: HTTP status %d, want 503: %s", status, body)
		}
		probes.Wait()
		api.set(7, reply{balances: gbp("1")})
		if status, _ := getProbe(t, h, "client_id=7", ""); status != http.StatusOK {
			t.Errorf("client 7 later: HTTP status %d, want 200", status)
		}
	})
}

// The exporter's own metrics can be had without those of the clients.
func TestExporterHandler(t *testing.T) {
	api := &fakeAPI{}
	process := prometheus.NewRegistry()
	process.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "igsend_exporter_test", Help: "A metric of the process."}))
	h := NewExporterHandler(newTestFetcher(api, ids(1, 3), nil), HandlerOptions{Process: process}, slog.New(slog.DiscardHandler))
	var names []string
	for line := range strings.Lines(get(t, h, "text/plain")) {
		if fields := strings.Fields(line); fields[1] == "TYPE" {
			names = append(names, fields[2])
		}
	}
	want := []string{"igsend_exporter_test", "igsend_upstream_errors_total", "igsend_upstream_request_duration_seconds", "igsend_upstream_requests_in_flight"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if got := api.asked(); len(got) != 0 {
		t.Errorf("asked %v, want nothing", got)
	}
}
