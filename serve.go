package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	pathpkg "path"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/igsend-exporter/igsend_exporter/collector"
)

// These times count from the start of a shutdown. Until drainTime, scrapes in progress may
// finish. Then they answer with what they have. At stopTime, open connections are closed.
// At killTime, the process exits.
const (
	drainTime = 7 * time.Second
	stopTime  = 9 * time.Second
	killTime  = 10 * time.Second
)

type serverOptions struct {
	web                    *web.FlagConfig
	telemetryPath          string
	disableExporterMetrics bool
	maxRequests            int

	listening func(net.Listener) // if not nil, called when a listener begins to accept
}

func (o *serverOptions) addFlags(app *kingpin.Application) {
	app.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").StringVar(&o.telemetryPath)
	app.Flag("web.disable-exporter-metrics", "Exclude metrics about the exporter itself (promhttp_*, process_*, go_*).").
		BoolVar(&o.disableExporterMetrics)
	app.Flag("web.max-requests", "Maximum number of parallel scrapes, and of parallel probes of each client; others get 503. 0: no limit.").
		Default("40").IntVar(&o.maxRequests)
}

type scrapeOptions struct {
	timeout time.Duration
	offset  time.Duration
}

func (o *scrapeOptions) addFlags(app *kingpin.Application) {
	app.Flag("scrape.timeout", "Time for a scrape that does not say in its header how long it may take.").
		Default("10s").DurationVar(&o.timeout)
	app.Flag("scrape.timeout-offset", "How long before the timeout of a scrape its answer goes out.").
		Default("500ms").DurationVar(&o.offset)
}

// validate checks what kingpin can't check.
func validate(server serverOptions, scrape scrapeOptions) error {
	switch path := server.telemetryPath; {
	case scrape.timeout <= 0:
		return fmt.Errorf("--scrape.timeout=%s: must be above 0", scrape.timeout)
	case scrape.offset < 0:
		return fmt.Errorf("--scrape.timeout-offset=%s: must not be negative", scrape.offset)
	case server.maxRequests < 0:
		return fmt.Errorf("--web.max-requests=%d: must not be negative", server.maxRequests)
	case !strings.HasPrefix(path, "/") || pathpkg.Clean(path) != path || strings.ContainsAny(path, "{} ?#%"):
		return fmt.Errorf("--web.telemetry-path=%s: must be a plain path that begins with /, such as /metrics", path)
	case strings.HasPrefix(path, "/-/"):
		return fmt.Errorf("--web.telemetry-path=%s: paths below /-/ are taken", path)
	case path == probePath || path == targetsPath:
		return fmt.Errorf("--web.telemetry-path=%s: this path is taken", path)
	}
	return nil
}

// serve runs the exporter until ctx is done.
func serve(ctx context.Context, load func() (collector.Settings, error), watch *fileWatch, server serverOptions, scrape scrapeOptions, fleet shardOptions, logger *slog.Logger) error {
	shard, err := fleet.parse()
	if err := cmp.Or(validate(server, scrape), err); err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	// Before loading, so that no SIGHUP ends the process and no change is missed.
	signal.Notify(hangups, syscall.SIGHUP)
	watch.begin()
	settings, err := load()
	switch {
	case ctx.Err() != nil:
		return nil // stopped before it served
	case err != nil:
		return err
	}
	logger.Info("Starting igsend_exporter", "version", version.Info(), "build_context", version.BuildContext())
	limitMemory(memlimit.FromCgroup, logger)
	part := shard.part(settings)
	logger.Info("Configuration loaded", shard.describe(part.Config, settings.Config)...)
	logWarnings(logger, settings.Config.Warnings)
	fetcher := collector.NewFetcher(part, logger)
	defer fetcher.Close()

	registry := prometheus.NewRegistry()
	registry.MustRegister(versioncollector.NewCollector("igsend_exporter"))
	registry.MustRegister(shard.collectors()...)
	reload := newReloader(load, shard, fetcher, registry, logger)
	if !server.disableExporterMetrics {
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	instrument := func(h http.Handler) http.Handler {
		if server.disableExporterMetrics {
			return h
		}
		return promhttp.InstrumentMetricHandler(registry, h)
	}
	options := collector.HandlerOptions{
		Timeout: scrape.timeout, TimeoutOffset: scrape.offset, MaxRequests: server.maxRequests, Process: registry,
	}
	mux := newMux(ctx, server.telemetryPath, metricPages{
		metrics:  instrument(collector.NewHandler(fetcher, options, logger)),
		exporter: instrument(collector.NewExporterHandler(fetcher, options, logger)),
		probe:    instrument(collector.NewProbeHandler(fetcher, options, logger)),
		targets:  newTargetsHandler(fetcher),
	}, fetcher.Status, reload)
	defer reloadOnHangup(hangups, reload)()
	go watch.run(ctx, reload.reload)
	return listen(ctx, mux, server, logger)
}

// reloadOnHangup reloads at each SIGHUP. It returns a function that stops this.
func reloadOnHangup(hangups chan os.Signal, reload *reloader) (stop func()) {
	var done sync.WaitGroup
	done.Go(func() {
		for range hangups {
			_ = reload.reload() // logged, and in the metrics
		}
	})
	return func() {
		signal.Stop(hangups)
		close(hangups)
		done.Wait()
	}
}

// listen serves handler until ctx is done, and then lets scrapes in progress finish.
func listen(ctx context.Context, handler http.Handler, o serverOptions, logger *slog.Logger) error {
	scrapes, endScrapes := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endScrapes(nil)
	server := &http.Server{
		Handler: handler,
		BaseContext: func(l net.Listener) context.Context {
			if o.listening != nil {
				o.listening(l)
			}
			return scrapes
		},
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- web.ListenAndServe(server, o.web, logger) }()
	select {
	case err := <-failed:
		var network *net.OpError
		if file := *o.web.WebConfigFile; file != "" && !errors.As(err, &network) {
			err = fmt.Errorf("--web.config.file=%s: %w", file, err)
		}
		return err
	case <-ctx.Done():
	}
	logger.Info("Stopping after the scrapes in progress")
	drain := time.AfterFunc(drainTime, func() { endScrapes(context.DeadlineExceeded) })
	defer drain.Stop()
	final, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := server.Shutdown(final); err != nil {
		logger.Warn("Scrapes were interrupted", "err", err)
		_ = server.Close()
	}
	return nil
}
