package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// check validates everything that the exporter reads at its start, and prints every problem
// on its own line. It also prints warnings, but does not fail because of them.
func check(source settingsSource, server serverOptions, scrape scrapeOptions, fleet shardOptions, stdout io.Writer) error {
	cfg, err := source.config()
	_, shardErr := fleet.parse()
	problems := []error{validate(server, scrape), shardErr, err}
	if err := web.Validate(*server.web.WebConfigFile); err != nil {
		problems = append(problems, fmt.Errorf("--web.config.file=%s: %w", *server.web.WebConfigFile, err))
	}
	failed := errors.Join(problems...)
	if failed == nil {
		fmt.Fprintln(stdout, "OK:", summary(cfg))
	} else {
		fmt.Fprintln(stdout, failed)
	}
	if cfg != nil && len(cfg.Warnings) > 0 {
		fmt.Fprintln(stdout, cfg.Warnings)
	}
	if failed != nil {
		return errReported
	}
	return nil
}

// summary describes a valid configuration in one line.
func summary(cfg *config.Config) string {
	clients := "1 client"
	if n := len(cfg.Clients); n != 1 {
		clients = fmt.Sprintf("%d clients", n)
	}
	if cfg.Files > 1 {
		clients += fmt.Sprintf(" in %d files", cfg.Files)
	}
	unit := "major unit: 1400000 is 1400000.00 GBP"
	if cfg.API.BalanceUnit == igsend.UnitMinor {
		unit = "minor unit: 1400000 is 14000.00 GBP"
	}
	return fmt.Sprintf("%s at %s; balances are read in the %s", clients, cfg.API.Endpoint, unit)
}
