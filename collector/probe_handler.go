package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

var (
	successDesc = desc("probe_success",
		"1 when this probe has a complete, valid answer for the client.")
	durationDesc = desc("probe_duration_seconds",
		"How long the probe took, including the time that it waited for its turn.")
)

// NewProbeHandler returns a handler for probes: scrapes of one configured client, which the
// parameter client_id names. It answers 400 if the parameters are wrong, 404 if the client is
// not configured, and otherwise as the handler of all clients does. With debug=true, it shows
// the steps of the probe instead.
func NewProbeHandler(f *Fetcher, o HandlerOptions, logger *slog.Logger) http.Handler {
	h := newHandler(f, o, logger)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, debug, err := parseProbe(r.URL.RawQuery)
		if err != nil {
			http.Error(w, "A probe is /probe?client_id=ID: "+err.Error()+".", http.StatusBadRequest)
			return
		}
		if !h.enter(w, id) {
			return
		}
		defer h.leave(id)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), h.timeout(r.Header))
		defer cancel()
		var steps *steps
		if debug {
			steps = newSteps(begun)
		}
		scrape, ok := f.probe(ctx, id, steps)
		if !ok {
			http.Error(w, "Client "+id.String()+" is not among the clients of this exporter.", http.StatusNotFound)
			return
		}
		f.show(scrape)
		success := zero
		if scrape.answers[0].Err == nil {
			success = one
		}
		metrics := append(samples(f.samples(scrape, scrape.first)),
			sample{desc: successDesc, gauge: success}, sample{desc: durationDesc, gauge: gauge(time.Since(begun).Seconds())})
		if debug {
			writeSteps(w, id, steps, metrics)
			return
		}
		h.write(w, r, metrics)
	})
}

// parseProbe parses the parameters of a probe. Unknown ones are an error: a misspelt one
// must not be ignored.
func parseProbe(query string) (id igsend.ClientID, debug bool, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return 0, false, errors.New("the parameters are not in the form name=value&name=value")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch all := values[name]; {
		case name != "client_id" && name != "debug":
			return 0, false, fmt.Errorf("%.40q is not a parameter; the parameters are client_id and debug=true", name)
		case len(all) != 1:
			return 0, false, fmt.Errorf("%s occurs %d times", name, len(all))
		case name == "debug" && all[0] != "true":
			return 0, false, errors.New("debug can only be true")
		}
	}
	if id, err = igsend.ParseClientID(values.Get("client_id")); err != nil {
		return 0, false, errors.New("client_id must be a positive whole number without leading zeros")
	}
	return id, values.Has("debug"), nil
}

// samples are those of a finished probe. They implement prometheus.Collector.
type samples []sample

// Describe implements prometheus.Collector.
func (s samples) Describe(ch chan<- *prometheus.Desc) {
	for i := range s {
		ch <- s[i].desc
	}
}

// Collect implements prometheus.Collector.
func (s samples) Collect(ch chan<- prometheus.Metric) {
	for i := range s {
		ch <- &s[i]
	}
}

// writeSteps writes what happened to a probe as plain text, for people.
func writeSteps(w http.ResponseWriter, id igsend.ClientID, steps *steps, metrics samples) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	families, err := registry.Gather()
	if err != nil {
		steps.add("the metrics are not complete: %v", err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	fmt.Fprintf(w, "Steps of the probe of client %s:\n\n%s\nMetrics that Prometheus would get:\n\n", id, steps) //nolint:gosec // plain text
	for _, family := range families {
		_, _ = expfmt.MetricFamilyToText(w, family)
	}
}
