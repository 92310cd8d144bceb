package main

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/igsend-exporter/igsend_exporter/collector"
)

// A reloader replaces the settings of a running exporter. It validates the new ones first.
// If anything is wrong with them, the current ones stay in use.
type reloader struct {
	load    func() (collector.Settings, error)
	shard   shard
	fetcher *collector.Fetcher
	logger  *slog.Logger

	mu         sync.Mutex // one reload at a time
	successful prometheus.Gauge
	succeeded  prometheus.Gauge
}

// newReloader returns a reloader. Its metrics say that the last reload succeeded, because
// the configuration has just been loaded.
func newReloader(load func() (collector.Settings, error), shard shard, fetcher *collector.Fetcher, registry prometheus.Registerer, logger *slog.Logger) *reloader {
	r := &reloader{
		load: load, shard: shard, fetcher: fetcher, logger: logger,
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "igsend_exporter_config_last_reload_successful",
			Help: "1 when the last reload of the configuration succeeded, 0 when it failed and the previous one is in use.",
		}),
		succeeded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "igsend_exporter_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration in use was loaded.",
		}),
	}
	registry.MustRegister(r.successful, r.succeeded)
	r.succeed()
	return r
}

func (r *reloader) succeed() {
	r.successful.Set(1)
	r.succeeded.SetToCurrentTime()
}

// last returns when the settings in use were loaded, and whether a reload has failed since.
// It does not wait for a reload in progress.
func (r *reloader) last() (loaded time.Time, failed bool) {
	var successful, succeeded dto.Metric
	_ = r.successful.Write(&successful) // a gauge returns no error
	_ = r.succeeded.Write(&succeeded)
	return time.UnixMilli(int64(succeeded.GetGauge().GetValue() * 1000)), successful.GetGauge().GetValue() == 0
}

// reload loads the settings. Scrapes use them from the next one on.
func (r *reloader) reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	settings, err := r.load()
	if err != nil {
		r.successful.Set(0)
		r.logger.Error("Reloading the configuration failed; the previous one stays in use", "err", err)
		return err
	}
	part := r.shard.part(settings)
	r.fetcher.Apply(part)
	r.succeed()
	r.logger.Info("Configuration reloaded", r.shard.describe(part.Config, settings.Config)...)
	logWarnings(r.logger, settings.Config.Warnings)
	return nil
}

// ServeHTTP reloads the settings. It answers 500 with the reason when that fails.
func (r *reloader) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if err := r.reload(); err != nil {
		http.Error(w, "Reloading the configuration failed; the previous one stays in use:\n"+err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write([]byte("Configuration reloaded.\n"))
}
