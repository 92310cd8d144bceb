package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/exporter-toolkit/web"
)

// check validates everything that a start would read, and prints all that is wrong,
// one line each.
func check(source settingsSource, webConfigFile string, stdout io.Writer) error {
	var problems []error
	cfg, err := source.config()
	if err != nil {
		problems = append(problems, err)
	} else {
		_, err := cfg.API.Keys.Keys()
		problems = append(problems, err)
		_, err = newClient(cfg.API)
		problems = append(problems, err)
	}
	if err := web.Validate(webConfigFile); err != nil {
		problems = append(problems, fmt.Errorf("--web.config.file: %w", err))
	}
	if err := errors.Join(problems...); err != nil {
		fmt.Fprintln(stdout, err)
		return errReported
	}
	fmt.Fprintf(stdout, "OK: %d clients at %s\n", len(cfg.Clients), cfg.API.Endpoint)
	return nil
}
