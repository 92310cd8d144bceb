package main

import (
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

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/igsend-exporter/igsend_exporter/collector"
)

// A stop lets scrapes under way finish for drainTime, then has them answer with what
// they have, and ends what is left at stopTime.
const (
	drainTime = 7 * time.Second
	stopTime  = 9 * time.Second
)

type serverOptions struct {
	web                    *web.FlagConfig
	telemetryPath          string
	disableExporterMetrics bool
	maxRequests            int
}

func (o *serverOptions) addFlags(app *kingpin.Application) {
	app.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").StringVar(&o.telemetryPath)
	app.Flag("web.disable-exporter-metrics", "Exclude metrics about the exporter itself (promhttp_*, process_*, go_*).").
		BoolVar(&o.disableExporterMetrics)
	app.Flag("web.max-requests", "Maximum number of parallel scrapes; others are answered 503. 0: no limit.").
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

// validate checks what the flags alone can't express.
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
	}
	return nil
}

// serve runs the exporter until ctx is done.
func serve(ctx context.Context, load func() (collector.Settings, error), server serverOptions, scrape scrapeOptions, logger *slog.Logger) error {
	if err := validate(server, scrape); err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // from here on, none ends the process
	settings, err := load()
	if err != nil {
		return err
	}
	logger.Info("Starting igsend_exporter", "version", version.Info(), "build_context", version.BuildContext())
	logWarnings(logger, settings.Config.Warnings)
	fetcher := collector.NewFetcher(settings, logger)
	defer fetcher.Close()

	registry := prometheus.NewRegistry()
	registry.MustRegister(versioncollector.NewCollector("igsend_exporter"))
	registry.MustRegister(fetcher.Collectors()...)
	reload := newReloader(load, fetcher, registry, logger)
	if !server.disableExporterMetrics {
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	metrics := collector.NewHandler(fetcher, collector.HandlerOptions{
		Timeout: scrape.timeout, TimeoutOffset: scrape.offset, MaxRequests: server.maxRequests, Process: registry,
	}, logger)
	if !server.disableExporterMetrics {
		metrics = promhttp.InstrumentMetricHandler(registry, metrics)
	}
	mux, err := newMux(ctx, server.telemetryPath, metrics, reload)
	if err != nil {
		return err
	}
	defer reloadOnHangup(hangups, reload)()
	return listen(ctx, mux, server.web, logger)
}

// reloadOnHangup reloads at each SIGHUP, until the function that it returns is called.
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

// listen serves handler until ctx is done, and then until the scrapes under way have
// been answered.
func listen(ctx context.Context, handler http.Handler, flags *web.FlagConfig, logger *slog.Logger) error {
	scrapes, endScrapes := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endScrapes(nil)
	server := &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return scrapes },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	stopStopping := context.AfterFunc(ctx, func() {
		defer close(stopped)
		logger.Info("Stopping; scrapes under way are answered first")
		drain := time.AfterFunc(drainTime, func() { endScrapes(context.DeadlineExceeded) })
		defer drain.Stop()
		final, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		if err := server.Shutdown(final); err != nil {
			logger.Warn("Scrapes were cut short", "err", err)
			_ = server.Close()
		}
	})
	err := web.ListenAndServe(server, flags, logger)
	if stopStopping() { // never stopped: it could not be served
		return err
	}
	<-stopped // ListenAndServe returns as soon as Shutdown begins
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
