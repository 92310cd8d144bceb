package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
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

	fmt.Fprintf(stdout, "A simulated IGSend API with %d clients is at %s\n\nOpen\n", len(cfg.Clients), api.Endpoint())
	scheme := "http"
	if *server.web.WebConfigFile != "" {
		scheme = "https"
	}
	for _, address := range *server.web.WebListenAddresses {
		fmt.Fprintf(stdout, "  %s://%s%s\n", scheme, browsable(address), server.telemetryPath)
	}
	fmt.Fprintln(stdout, "\nStop with Ctrl-C.")

	load := func() (collector.Settings, error) {
		client, err := newClient(cfg.API)
		return collector.Settings{Config: cfg, API: client}, err
	}
	return serve(ctx, load, server, scrape, logger)
}

// browsable returns an address that a browser can open for one that is listened on.
func browsable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
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
		for currency, severities := range client.Thresholds {
			for severity, amount := range severities {
				c.Thresholds = append(c.Thresholds, config.Threshold{
					Currency: currency, Severity: severity, Amount: decimal.RequireFromString(amount),
				})
			}
		}
		slices.SortFunc(c.Thresholds, func(a, b config.Threshold) int {
			return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Severity, b.Severity))
		})
		for severity, duration := range client.Runway {
			c.Runway = append(c.Runway, config.RunwayThreshold{Severity: severity, Duration: duration})
		}
		slices.SortFunc(c.Runway, func(a, b config.RunwayThreshold) int { return cmp.Compare(a.Severity, b.Severity) })
		cfg.Clients = append(cfg.Clients, c)
	}
	return cfg
}
