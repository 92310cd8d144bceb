package main

import (
	"context"
	"io"
	"net/http"
	"path"

	"github.com/igsend-exporter/igsend_exporter/collector"
)

const (
	probePath   = "/probe"
	targetsPath = "/sd"

	runbooks = "https://github.com/igsend-exporter/igsend_exporter/blob/main/deploy/runbooks.md"
)

// metricPages are the pages for Prometheus.
type metricPages struct {
	metrics  http.Handler
	exporter http.Handler // the metrics without those of the clients
	probe    http.Handler
	targets  http.Handler
}

// newMux returns the exporter's pages. Only metrics and probes ask IGSend. Once ctx is done,
// the exporter is no longer ready.
func newMux(ctx context.Context, telemetryPath string, p metricPages, status func() collector.Status, reload *reloader) *http.ServeMux {
	mux := http.NewServeMux()
	if telemetryPath == "/" {
		mux.Handle("GET /{$}", p.metrics)
	} else {
		mux.Handle("GET /{$}", newLandingPage(status, reload.last, telemetryPath, []link{
			{telemetryPath, "Metrics", "ask IGSend for every configured client"},
			{targetsPath, "Targets", "for Prometheus, to scrape each client by itself"},
			{"/-/healthy", "Health", ""},
			{"/-/ready", "Readiness", ""},
			{runbooks, "Runbooks", "for each alert"},
		}))
		mux.Handle("GET "+telemetryPath, p.metrics)
	}
	mux.Handle("GET "+path.Join(telemetryPath, "exporter"), p.exporter)
	mux.Handle("GET "+probePath, p.probe)
	mux.Handle("GET "+targetsPath, p.targets)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "igsend_exporter is healthy.\n")
	})
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if ctx.Err() != nil {
			http.Error(w, "igsend_exporter is stopping.", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "igsend_exporter is ready.\n")
	})
	mux.Handle("POST /-/reload", reload)
	mux.Handle("PUT /-/reload", reload)
	return mux
}
