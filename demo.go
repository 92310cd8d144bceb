package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// demo serves the metrics of a simulated IGSend API inside the process.
func demo(ctx context.Context, server serverOptions, scrape scrapeOptions, fleet shardOptions, stdout io.Writer, logger *slog.Logger) error {
	api := igsendtest.NewServer(igsend.Keys{Public: "demo-public-key", Private: "demo-private-key"})
	defer api.Close()
	simulate(api.API, time.Now())
	cfg, err := config.Parse(fmt.Appendf(nil, demoConfig, api.Endpoint()), "")
	if err != nil {
		return err
	}

	server.listening = func(l net.Listener) {
		fmt.Fprintf(stdout, "Open %s%s for the balances of %d clients at a simulated IGSend API (%s); Ctrl-C stops.\n",
			browsable(l), server.telemetryPath, len(cfg.Clients), api.Endpoint())
	}
	load := func() (collector.Settings, error) {
		client, err := newClient(cfg.API)
		return collector.Settings{Config: cfg, API: client}, err
	}
	return serve(ctx, load, &fileWatch{}, server, scrape, fleet, logger)
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

// demoConfig is the configuration for the simulated clients.
const demoConfig = `
api:
  endpoint: %s
  public_key: demo-public-key
  private_key: demo-private-key
clients:
- id: 100045
  name: Payroll
  labels: {team: payments}
  thresholds: {GBP: {warning: 40000, critical: 10000}}
  runway: {warning: 3d, critical: 1d}
- id: 100046
  name: Suppliers
  labels: {team: procurement}
  thresholds: {GBP: {warning: 15000, critical: 5000}, EUR: {warning: 30000, critical: 10000}}
- id: 100047
  name: Refunds
  labels: {team: support}
  thresholds: {GBP: {warning: 5000, critical: 1500}}
  runway: {warning: 2d, critical: 12h}
- id: 100048
  name: Rewards
  labels: {team: marketing}
  thresholds: {GBP: {warning: 1000, critical: 0}}
- id: 100049
  name: Closed subsidiary
  labels: {team: finance}
  thresholds: {GBP: {warning: 1000, critical: 100}}
- id: 100050
  name: Contractors
  labels: {team: payments}
  thresholds: {EUR: {warning: 10000, critical: 2500}}
- id: 100051
  name: Tokyo office
  labels: {team: apac}
  thresholds: {JPY: {warning: 1000000, critical: 250000}}
- id: 100052
  name: Treasury
  labels: {team: finance}
  thresholds: {USD: {warning: 500000, critical: 100000}}
`
