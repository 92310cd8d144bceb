package collector_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// A program of its own registers a Collector beside its other metrics.
func ExampleNew() {
	keys := igsend.Keys{Public: "public", Private: "private"}
	api := igsendtest.NewServer(keys) // in place of IGSend
	defer api.Close()
	api.SetClient(100045, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})

	client, err := igsend.NewClient(igsend.Options{Endpoint: api.Endpoint()})
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := &config.Config{
		API: config.API{
			Endpoint:    api.Endpoint(),
			Keys:        igsend.KeySource{Public: keys.Public, Private: keys.Private},
			Concurrency: 8, RequestTimeout: 5 * time.Second, MaxAttempts: 2, BalanceUnit: igsend.UnitMajor,
		},
		Clients: []config.Client{{ID: 100045, Name: "Payroll"}},
	}
	fetcher := collector.NewFetcher(collector.Settings{Config: cfg, API: client}, slog.Default())
	defer fetcher.Close()

	registry := prometheus.NewRegistry()
	registry.MustRegister(collector.New(context.Background(), fetcher))
	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, family := range families {
		if family.GetName() == "igsend_client_balance" {
			fmt.Println(family.GetName(), family.Metric[0].Gauge.GetValue())
		}
	}
	// Output: igsend_client_balance 1.4e+06
}
