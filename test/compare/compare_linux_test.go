package compare

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// probe returns the URL at which json_exporter asks for a client. Prometheus needs a target for
// each client.
func (r *rig) probe(module string, client int) string {
	return r.json.url + "/probe?" + url.Values{
		"module": {module}, "target": {fmt.Sprintf("%s?ClientID=%d", r.endpoint, client)},
	}.Encode()
}

// get returns the status and the body. Any goroutine may call it.
func get(tb testing.TB, client *http.Client, url string) (int, string) {
	tb.Helper()
	resp, err := client.Get(url)
	if err != nil {
		tb.Error(err)
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Error(err)
	}
	return resp.StatusCode, string(body)
}

// TestAnswers tells what a probe costs and what it exposes: the new connections, the HTTP status,
// which becomes the metric up in Prometheus, and the samples about the balance and its trouble.
func TestAnswers(t *testing.T) {
	r := newRig(t, 5)
	exposed := func(url string) string {
		before := r.order(t, `{}`)
		status, body := get(t, http.DefaultClient, url)
		told := fmt.Sprintf("%d new, %d", r.order(t, `{}`)-before, status)
		for line := range strings.Lines(body) {
			for _, name := range []string{"balance{", "errors_total{", "status ", "up{"} {
				if sample, ok := strings.CutPrefix(line, "igsend_client_"+name); ok {
					told += ", " + name + strings.TrimSpace(sample)
				}
			}
		}
		return told
	}
	type exposition struct{ JSON, JSONWithStatus, IGSend string }
	for _, tc := range []struct {
		name, order string
		client      int
		want        exposition
	}{
		{"a balance", `{}`, 100045, exposition{
			`1 new, 200, balance{currency="GBP"} 1.4e+06`,
			`1 new, 200, balance{currency="GBP"} 1.4e+06, status 1`,
			`1 new, 200, balance{client_id="100045",currency="GBP"} 1.4e+06, up{client_id="100045"} 1`,
		}},
		{"no rows", `{"Balances": {"100046": {}}}`, 100046, exposition{
			`1 new, 200`,
			`1 new, 200, status 1`,
			`0 new, 200, errors_total{client_id="100046",reason="malformed"} 1, up{client_id="100046"} 0`,
		}},
		{"status 2 in the body", `{}`, 1, exposition{
			`1 new, 200`,
			`1 new, 200, status 2`,
			`0 new, 200, errors_total{client_id="1",reason="rejected"} 1, up{client_id="1"} 0`,
		}},
		{"HTTP 500", `{"Status": 500}`, 100047, exposition{
			`1 new, 503`,
			`1 new, 503`,
			`0 new, 200, errors_total{client_id="100047",reason="http"} 1, up{client_id="100047"} 0`,
		}},
		{"HTTP 401", `{"Status": 401}`, 100048, exposition{
			`1 new, 503`,
			`1 new, 503`,
			`0 new, 200, errors_total{client_id="100048",reason="unauthorized"} 1, up{client_id="100048"} 0`,
		}},
		{"status 2 in the body for refused keys", `{"Status": 0, "Keys": ["other", "keys"]}`, 100049, exposition{
			`1 new, 200`,
			`1 new, 200, status 2`,
			`0 new, 200, errors_total{client_id="100049",reason="unauthorized"} 1, up{client_id="100049"} 0`,
		}},
	} {
		r.order(t, tc.order)
		got := exposition{
			exposed(r.probe("balance", tc.client)),
			exposed(r.probe("status", tc.client)),
			exposed(fmt.Sprintf("%s/probe?client_id=%d", r.igsend.url, tc.client)),
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// BenchmarkCPU tells the CPU time of one balance in each exporter, their ratio, and the TLS
// handshakes of one balance. In each round, json_exporter answers a probe of each client, eight
// at a time, and this exporter one scrape, which asks for eight clients at a time. The CPU time
// of the API and of the scraper does not count.
func BenchmarkCPU(b *testing.B) {
	const clients, concurrency = 500, 8
	r := newRig(b, clients)
	scraper := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	want := func(balances int, url string) {
		if _, body := get(b, scraper, url); strings.Count(body, "\nigsend_client_balance{") != balances {
			b.Errorf("GET %s does not have %d balances", url, balances)
		}
	}
	probes := func() {
		var workers sync.WaitGroup
		for worker := range concurrency {
			workers.Go(func() {
				for i := worker; i < clients; i += concurrency {
					want(1, r.probe("balance", 100045+i))
				}
			})
		}
		workers.Wait()
	}
	scrape := func() { want(clients, r.igsend.url+"/metrics") }
	probes()
	scrape() // opens the connections that later scrapes use again

	jsonCPU, igsendCPU := r.json.cpu(b), r.igsend.cpu(b)
	var jsonHandshakes, igsendHandshakes int
	for b.Loop() {
		start := r.order(b, `{}`)
		probes()
		middle := r.order(b, `{}`)
		scrape()
		jsonHandshakes += middle - start
		igsendHandshakes += r.order(b, `{}`) - middle
	}
	jsonCPU, igsendCPU = r.json.cpu(b)-jsonCPU, r.igsend.cpu(b)-igsendCPU
	balances := float64(b.N * clients)
	b.ReportMetric(jsonCPU.Seconds()/igsendCPU.Seconds(), "x-cpu")
	b.ReportMetric(jsonCPU.Seconds()*1e6/balances, "json-cpu-µs/balance")
	b.ReportMetric(igsendCPU.Seconds()*1e6/balances, "igsend-cpu-µs/balance")
	b.ReportMetric(float64(jsonHandshakes)/balances, "json-handshakes/balance")
	b.ReportMetric(float64(igsendHandshakes)/balances, "igsend-handshakes/balance")
}
