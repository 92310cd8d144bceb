package config

import (
	"fmt"
	"strings"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// FromFlags returns the configuration that the flags --igsend.client-id and
// --igsend.environment stand for, with the defaults of a file; an empty environment
// is live. The keys are those that the environment variables IGSEND_PUBLIC_KEY,
// IGSEND_PRIVATE_KEY or their _FILE forms name; names of key files are left as they
// are. What is wrong comes back as [Errors], whose Field is the flag or variable.
func FromFlags(ids []string, environment string, keys igsend.KeySource) (*Config, error) {
	cfg := Config{API: defaultAPI()}
	var problems Errors
	fail := func(field, format string, args ...any) {
		problems = append(problems, Error{Field: field, Message: fmt.Sprintf(format, args...)})
	}

	if environment != "" {
		endpoint := endpoints[environment]
		if endpoint == "" {
			fail("--igsend.environment", "must be live or sandbox, not %s", quote(environment))
		}
		cfg.API.Environment, cfg.API.Endpoint = environment, endpoint
	}

	if len(ids) == 0 {
		fail("--igsend.client-id", "is missing: name at least one client, such as --igsend.client-id=100045")
	}
	seen := make(map[igsend.ClientID]bool)
	for _, text := range ids {
		id, err := igsend.ParseClientID(text)
		switch {
		case err != nil:
			fail("--igsend.client-id", "must be a client ID in plain digits, such as 100045, not %s", quote(text))
		case seen[id]:
			fail("--igsend.client-id", "%s is given twice: remove one", id)
		}
		seen[id] = true
		cfg.Clients = append(cfg.Clients, Client{ID: id})
	}

	for _, half := range []struct{ variable, text, file string }{
		{"IGSEND_PUBLIC_KEY", keys.Public, keys.PublicFile},
		{"IGSEND_PRIVATE_KEY", keys.Private, keys.PrivateFile},
	} {
		text, file := strings.TrimSpace(half.text) != "", strings.TrimSpace(half.file) != ""
		switch {
		case text && file:
			fail(half.variable, "%s_FILE is set too: unset one", half.variable)
		case !text && !file:
			fail(half.variable, "is missing: set it to the key, or %s_FILE to the name of the file that holds it", half.variable)
		}
	}
	cfg.API.Keys = keys

	if len(problems) > 0 {
		return nil, problems
	}
	return &cfg, nil
}
