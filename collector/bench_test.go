//go:build unix

package collector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// The benchmarks ask a simulated API over TLS in a process of its own, whose CPU is
// not counted. Machines are noisy, so each figure is a ratio against something that
// was run in the same minute.

// A rig is an exporter's handler and the API that it asks.
type rig struct {
	api     *simulator
	handler http.Handler
}

func newRig(b *testing.B, clients, concurrency int, latency time.Duration) *rig {
	b.Helper()
	api := startSimulator(b, clients, latency)
	cfg := &config.Config{API: config.API{
		Endpoint: api.endpoint, Keys: igsend.KeySource{Public: api.keys.Public, Private: api.keys.Private},
		Concurrency: concurrency, RequestTimeout: 10 * time.Second, MaxAttempts: 2, BalanceUnit: igsend.UnitMajor,
	}}
	for _, id := range api.clients {
		cfg.Clients = append(cfg.Clients, config.Client{ID: id})
	}
	client, err := igsend.NewClient(igsend.Options{
		Endpoint: api.endpoint, RequestTimeout: cfg.API.RequestTimeout, MaxConnections: concurrency, TLS: api.tls(),
	})
	if err != nil {
		b.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	fetcher := collector.NewFetcher(collector.Settings{Config: cfg, API: client}, logger)
	b.Cleanup(fetcher.Close)
	options := collector.HandlerOptions{Timeout: time.Minute, Process: prometheus.NewRegistry()}
	return &rig{api, collector.NewHandler(fetcher, options, logger)}
}

// scrape scrapes once. Nothing is kept of the exposition, as a server keeps nothing.
func (r *rig) scrape(b *testing.B) {
	b.Helper()
	w := discard{http.Header{}}
	r.handler.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil))
}

type discard struct{ header http.Header }

// Header implements http.ResponseWriter.
func (d discard) Header() http.Header { return d.header }

// Write implements http.ResponseWriter.
func (discard) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter; a scrape that does not answer 200 is no scrape.
func (discard) WriteHeader(status int) {
	if status != http.StatusOK {
		panic(status)
	}
}

// BenchmarkScrape1000 tells how close a scrape of 1,000 clients at 50 ms latency and
// concurrency 50 comes to the ideal, which is 20 rounds of 50 ms, and how many
// connections the first and each later scrape open.
func BenchmarkScrape1000(b *testing.B) {
	const clients, concurrency, latency = 1000, 50, 50 * time.Millisecond
	r := newRig(b, clients, concurrency, latency)
	r.scrape(b)
	first := r.api.stats(b)
	for b.Loop() {
		r.scrape(b)
	}
	last := r.api.stats(b)
	ideal := clients / concurrency * latency
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(ideal), "x-ideal")
	b.ReportMetric(float64(first.Connections), "conns-first")
	b.ReportMetric(float64(last.Connections-first.Connections), "conns-later")
	if first.MaxOpenConnections > concurrency || last.Connections != first.Connections {
		b.Errorf("%d connections open at once, want %d at most; %d opened after the first scrape, want none",
			first.MaxOpenConnections, concurrency, last.Connections-first.Connections)
	}
}

// BenchmarkCPU tells the CPU time of one balance, from the request to the exposition,
// as a multiple of that of a bare loop of GETs with encoding/json on the same server.
// The two alternate, and the mean over all rounds counts.
func BenchmarkCPU(b *testing.B) {
	const clients, concurrency = 1000, 8
	r := newRig(b, clients, concurrency, 0)
	bare := newBareLoop(r.api, concurrency)
	r.scrape(b)
	bare.run(b)
	var ours, theirs time.Duration
	for b.Loop() {
		theirs += cpu(func() { bare.run(b) })
		ours += cpu(func() { r.scrape(b) })
	}
	b.ReportMetric(float64(ours)/float64(theirs), "x-bare-loop")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N)/clients, "cpu-ns/balance")
}

// BenchmarkClients tells that CPU time and memory of a client do not grow with their
// number: CPU against the bare loop, and the memory that stays after scrapes.
func BenchmarkClients(b *testing.B) {
	for _, clients := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			before := heap()
			r := newRig(b, clients, 8, 0)
			bare := newBareLoop(r.api, 8)
			r.scrape(b)
			bare.run(b)
			var ours, theirs time.Duration
			for b.Loop() {
				theirs += cpu(func() { bare.run(b) })
				ours += cpu(func() { r.scrape(b) })
			}
			b.ReportMetric(float64(ours)/float64(theirs), "x-bare-loop")
			b.ReportMetric(float64(heap()-before)/float64(clients), "heap-B/client")
			runtime.KeepAlive(r)
		})
	}
}

// cpu returns the CPU time of this process for f.
func cpu(f func()) time.Duration {
	runtime.GC() // what others left behind is not f's
	before := processCPU()
	f()
	return processCPU() - before
}

func processCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// heap returns the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied in two steps
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// bareLoop is what one would write in ten minutes: GETs with net/http, answers with
// encoding/json, and nothing made of them.
type bareLoop struct {
	api    *simulator
	client *http.Client
	slots  int
}

func newBareLoop(api *simulator, slots int) *bareLoop {
	return &bareLoop{api, &http.Client{Transport: &http.Transport{
		TLSClientConfig: api.tls(), MaxIdleConnsPerHost: slots, MaxConnsPerHost: slots,
	}}, slots}
}

func (l *bareLoop) run(b *testing.B) {
	b.Helper()
	ids := make(chan igsend.ClientID)
	var workers sync.WaitGroup
	for range l.slots {
		workers.Go(func() {
			for id := range ids {
				if err := l.get(id); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, id := range l.api.clients {
		ids <- id
	}
	close(ids)
	workers.Wait()
}

func (l *bareLoop) get(id igsend.ClientID) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, l.api.endpoint+"?ClientID="+id.String(), nil)
	if err != nil {
		return err
	}
	r.SetBasicAuth(l.api.keys.Public, l.api.keys.Private)
	resp, err := l.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		CoreRes struct {
			Status    int    `json:"status"`
			Message   string `json:"Message"`
			MessageID int    `json:"MessageID"`
		} `json:"coreRes"`
		TableRes []struct {
			ClientID int64  `json:"ClientID"`
			Balance  string `json:"AccountBalance"`
			Status   string `json:"Status"`
			Currency string `json:"Balance Currency"`
			State    string `json:"Balance State"`
		} `json:"tableRes"`
	}
	return json.Unmarshal(body, &answer)
}
