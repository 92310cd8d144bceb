package main

import (
	"context"
	"io"
	"net/http"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
)

// newMux returns the exporter's pages. Only the metrics ask IGSend. Once ctx is done, the
// exporter is no longer ready.
func newMux(ctx context.Context, telemetryPath string, metrics, reload http.Handler) (*http.ServeMux, error) {
	landing, err := web.NewLandingPage(web.LandingConfig{
		Name:        "igsend_exporter",
		Description: "Prometheus exporter for the balances of client accounts at IGSend",
		Version:     version.Info(),
		Profiling:   "false",
		Links: []web.LandingLinks{
			{Address: telemetryPath, Text: "Metrics", Description: "asks IGSend for every configured client"},
			{Address: "/-/healthy", Text: "Health"},
			{Address: "/-/ready", Text: "Readiness"},
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if telemetryPath == "/" {
		mux.Handle("GET /{$}", metrics)
	} else {
		mux.Handle("GET /{$}", landing)
		mux.Handle("GET "+telemetryPath, metrics)
	}
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
	return mux, nil
}
