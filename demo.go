package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// demo serves the metrics of a simulated IGSend API inside the process.
func demo(ctx context.Context, server serverOptions, scrape scrapeOptions, stdout io.Writer, logger *slog.Logger) error {
	keys := igsend.Keys{Public: "demo-public-key", Private: "demo-private-key"}
	api := igsendtest.NewServer(keys)
	defer api.Close()
	cfg := demoConfig(api.Endpoint(), keys, igsendtest.Demo(api.API, time.Now()))

	server.listening = func(l net.Listener) {
		fmt.Fprintf(stdout, "Open %s%s for the balances of %d clients at a simulated IGSend API (%s); Ctrl-C stops.\n",
			browsable(l), server.telemetryPath, len(cfg.Clients), api.Endpoint())
	}
	load := func() (collector.Settings, error) {
		client, err := newClient(cfg.API)
		return collector.Settings{Config: cfg, API: client}, err
	}
	return serve(ctx, load, &fileWatch{}, server, scrape, logger)
}

// browsable returns the URL at which a browser on this machine reaches l.
func browsable(l net.Listener) string {
	scheme := "https" // web.ListenAndServe wraps a listener to add TLS
	if _, plain := l.(*net.TCPListener); plain {
		scheme = "http"
	}
	address := l.Addr().String()
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().IsUnspecified() {
		address = fmt.Sprintf("localhost:%d", a.Port())
	}
	return scheme + "://" + address
}

func demoConfig(endpoint string, keys igsend.Keys, clients []igsendtest.DemoClient) *config.Config {
	cfg := &config.Config{API: config.API{
		Endpoint:       endpoint,
		Keys:           igsend.KeySource{Public: keys.Public, Private: keys.Private},
		Concurrency:    8,
		RequestTimeout: 5 * time.Second,
		MaxAttempts:    2,
		BalanceUnit:    igsend.UnitMajor,
	}}
	for _, client := range clients {
		c := config.Client{ID: client.ID, Name: client.Name, Labels: client.Labels}
		for _, currency := range slices.Sorted(maps.Keys(client.Thresholds)) {
			for _, severity := range slices.Sorted(maps.Keys(client.Thresholds[currency])) {
				amount := decimal.RequireFromString(client.Thresholds[currency][severity])
				c.Thresholds = append(c.Thresholds, config.Threshold{Currency: currency, Severity: severity, Amount: amount})
			}
		}
		for _, severity := range slices.Sorted(maps.Keys(client.Runway)) {
			c.Runway = append(c.Runway, config.RunwayThreshold{Severity: severity, Duration: client.Runway[severity]})
		}
		cfg.Clients = append(cfg.Clients, c)
	}
	return cfg
}
