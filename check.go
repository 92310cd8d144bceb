package main

import (
	"errors"
	"fmt"
	"io"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// check validates everything that a start would look at, and prints all that is wrong,
// one line each.
func check(source settingsSource, server serverOptions, scrape scrapeOptions, stdout io.Writer) error {
	problems := []error{validate(server, scrape)}
	cfg, err := source.config()
	if err != nil {
		problems = append(problems, err)
	} else {
		problems = append(problems, source.checkFiles(cfg.API)...)
	}
	if err := web.Validate(*server.web.WebConfigFile); err != nil {
		problems = append(problems, fmt.Errorf("--web.config.file: %w", err))
	}
	if err := errors.Join(problems...); err != nil {
		fmt.Fprintln(stdout, err)
		return errReported
	}
	fmt.Fprintf(stdout, "OK: %d clients at %s\n", len(cfg.Clients), cfg.API.Endpoint)
	return nil
}

// checkFiles looks at the files that a valid configuration names.
func (s settingsSource) checkFiles(api config.API) (problems []error) {
	// One half at a time, for each to be told with its line.
	const some = "present"
	halves := []struct {
		field string
		keys  igsend.KeySource
	}{
		{"public_key", igsend.KeySource{Public: api.Keys.Public, PublicFile: api.Keys.PublicFile, Private: some}},
		{"private_key", igsend.KeySource{Public: some, Private: api.Keys.Private, PrivateFile: api.Keys.PrivateFile}},
	}
	for _, half := range halves {
		if _, err := half.keys.Keys(); err != nil {
			problems = append(problems, s.locate(err, half.field+"_file", half.field))
		}
	}
	if _, err := promconfig.NewTLSConfig(&api.TLS); err != nil {
		problems = append(problems, s.locate(err, "tls_config"))
	}
	return problems
}

// locate names the first of the fields below api that the file has, and its line.
func (s settingsSource) locate(err error, fields ...string) error {
	for _, field := range fields {
		if line := config.Line(s.file, "api", field); line > 0 {
			return config.Error{File: s.file, Line: line, Field: "api." + field, Message: err.Error()}
		}
	}
	return err
}
