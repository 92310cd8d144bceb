package main

import (
	"context"
	"io"
	"net/http"

	"github.com/igsend-exporter/igsend_exporter/collector"
)

const runbooks = "https://github.com/igsend-exporter/igsend_exporter/blob/main/deploy/runbooks.md"

// newMux returns the exporter's pages. Only the metrics ask IGSend. Once ctx is done, the
// exporter is no longer ready.
func newMux(ctx context.Context, telemetryPath string, metrics http.Handler, status func() collector.Status, reload *reloader) *http.ServeMux {
	mux := http.NewServeMux()
	if telemetryPath == "/" {
		mux.Handle("GET /{$}", metrics)
	} else {
		mux.Handle("GET /{$}", newLandingPage(status, reload.last, telemetryPath, []link{
			{telemetryPath, "Metrics", "ask IGSend for every configured client"},
			{"/-/healthy", "Health", ""},
			{"/-/ready", "Readiness", ""},
			{runbooks, "Runbooks", "for each alert"},
		}))
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
	return mux
}
