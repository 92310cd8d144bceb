package collector

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// HandlerOptions say how scrapes are answered. All fields but MaxRequests are needed.
type HandlerOptions struct {
	// Timeout is the time for a scrape that does not say how long it may take.
	Timeout time.Duration
	// TimeoutOffset is how long before a scrape's own timeout the answer goes out.
	TimeoutOffset time.Duration
	// MaxRequests is how many scrapes of all clients, and how many probes of each client,
	// may be under way; others get 503. 0: any number.
	MaxRequests int
	// Process collects the metrics of the exporter itself. A *prometheus.Registry is a
	// Collector, too.
	Process prometheus.Collector
}

type handler struct {
	fetcher *Fetcher
	options HandlerOptions
	log     promhttp.Logger

	mu       sync.Mutex
	underWay map[igsend.ClientID]int // scrapes; at 0, those of all clients
}

func newHandler(f *Fetcher, o HandlerOptions, logger *slog.Logger) *handler {
	return &handler{
		fetcher: f, options: o, log: slog.NewLogLogger(logger.Handler(), slog.LevelError), underWay: map[igsend.ClientID]int{},
	}
}

// NewHandler returns a handler that answers each scrape with the metrics of all
// clients, fetched for this scrape, and those of the exporter. It answers 200 whatever
// IGSend does, and 503 when too many scrapes are under way.
func NewHandler(f *Fetcher, o HandlerOptions, logger *slog.Logger) http.Handler {
	h := newHandler(f, o, logger)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const all = 0
		if !h.enter(w, all) {
			return
		}
		defer h.leave(all)
		ctx, cancel := context.WithTimeout(r.Context(), h.timeout(r.Header))
		defer cancel()
		h.write(w, r, New(ctx, f), o.Process)
		// Half of what a scrape holds when it is written, all series in the form of the registry,
		// is garbage now. A collection that ran in between took it for live and would let the heap
		// grow to twice as much in the next scrape (BenchmarkSizing). The answer must not wait.
		go runtime.GC()
	})
}

// NewExporterHandler returns a handler that answers with the metrics of the exporter alone.
// It asks IGSend for nothing.
func NewExporterHandler(f *Fetcher, o HandlerOptions, logger *slog.Logger) http.Handler {
	h := newHandler(f, o, logger)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.write(w, r, f.upstream, o.Process) })
}

// enter counts a scrape of a client in, or answers 503.
func (h *handler) enter(w http.ResponseWriter, id igsend.ClientID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if most := h.options.MaxRequests; most > 0 && h.underWay[id] >= most {
		http.Error(w, "Too many scrapes under way: the limit is --web.max-requests="+strconv.Itoa(most)+".", http.StatusServiceUnavailable)
		return false
	}
	h.underWay[id]++
	return true
}

func (h *handler) leave(id igsend.ClientID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.underWay[id]--; h.underWay[id] == 0 {
		delete(h.underWay, id)
	}
}

// write answers with the metrics, which promhttp collects. It passes no context to
// collectors, hence a registry for each scrape.
func (h *handler) write(w http.ResponseWriter, r *http.Request, metrics ...prometheus.Collector) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics...)
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:          h.log,
		ErrorHandling:     promhttp.ContinueOnError, // one bad series must not cost the others
		EnableOpenMetrics: true,
	}).ServeHTTP(w, r)
}

// timeoutHeader is set by Prometheus: its scrape_timeout, in seconds.
const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// timeout returns the time that a scrape has until its answer must go out. A bad
// header is as good as none: it never makes the time shorter.
func (h *handler) timeout(header http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(header.Get(timeoutHeader), 64)
	timeout := time.Duration(seconds * float64(time.Second))
	switch {
	case err != nil || !(seconds > 0) || seconds > maxTimeout.Seconds():
		return h.options.Timeout
	case timeout <= h.options.TimeoutOffset:
		return timeout / 2
	}
	return timeout - h.options.TimeoutOffset
}

// maxTimeout is more than any scrape takes and less than what a Duration can't hold.
const maxTimeout = 24 * time.Hour
