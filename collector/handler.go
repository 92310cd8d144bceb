package collector

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// HandlerOptions say how scrapes are answered. All fields but MaxRequests are needed.
type HandlerOptions struct {
	// Timeout is the time for a scrape that does not say how long it may take.
	Timeout time.Duration
	// TimeoutOffset is how long before a scrape's own timeout the answer goes out.
	TimeoutOffset time.Duration
	// MaxRequests is how many scrapes may be under way; others get 503. 0: any number.
	MaxRequests int
	// Process collects the metrics of the exporter itself. A *prometheus.Registry is a
	// Collector, too.
	Process prometheus.Collector
}

// NewHandler returns a handler that answers each scrape with the metrics of all
// clients, fetched for this scrape, and those of the exporter. It answers 200 whatever
// IGSend does, and 503 when too many scrapes are under way.
func NewHandler(f *Fetcher, o HandlerOptions, logger *slog.Logger) http.Handler {
	h := &handler{fetcher: f, options: o, log: slog.NewLogLogger(logger.Handler(), slog.LevelError)}
	if o.MaxRequests > 0 {
		h.scrapes = make(chan struct{}, o.MaxRequests)
	}
	return h
}

type handler struct {
	fetcher *Fetcher
	options HandlerOptions
	log     promhttp.Logger
	scrapes chan struct{} // one for each scrape under way; nil: no limit
}

// ServeHTTP answers one scrape.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.scrapes != nil {
		select {
		case h.scrapes <- struct{}{}:
			defer func() { <-h.scrapes }()
		default:
			http.Error(w, "Too many scrapes under way: the limit is --web.max-requests="+strconv.Itoa(h.options.MaxRequests)+".",
				http.StatusServiceUnavailable)
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout(r.Header))
	defer cancel()
	// promhttp passes no context to collectors, hence a registry for each scrape.
	registry := prometheus.NewRegistry()
	registry.MustRegister(New(ctx, h.fetcher), h.options.Process)
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:          h.log,
		ErrorHandling:     promhttp.ContinueOnError, // one bad series must not cost the others
		EnableOpenMetrics: true,
	}).ServeHTTP(w, r)
	// Half of what a scrape holds when it is written, all series in the form of the registry,
	// is garbage now. A collection that ran in between took it for live and would let the heap
	// grow to twice as much in the next scrape (BenchmarkSizing).
	go runtime.GC()
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
