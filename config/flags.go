package config

import (
	"strings"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// FromFlags returns the configuration for the flags --igsend.client-id and
// --igsend.environment. Everything else has the defaults of a file. An empty environment
// means live. The keys come from the environment variables IGSEND_PUBLIC_KEY and
// IGSEND_PRIVATE_KEY, or from those with _FILE added. FromFlags checks key files as Load
// does, but does not change their names. The error is [Errors], in which Field is the
// flag or variable.
func FromFlags(ids []string, environment string, keys igsend.KeySource) (*Config, error) {
	cfg := Config{API: defaultAPI()}
	w := &walk{}
	if environment != "" {
		cfg.API.Environment, cfg.API.Endpoint = environment, endpoints[environment]
		if cfg.API.Endpoint == "" {
			w.fail(0, "--igsend.environment", "must be live or sandbox, not %s", quote(environment))
		}
	}

	if len(ids) == 0 {
		w.fail(0, "--igsend.client-id", "is missing: name at least one client, such as --igsend.client-id=100045")
	}
	seen := make(map[igsend.ClientID]bool)
	for _, text := range ids {
		id, err := igsend.ParseClientID(text)
		switch {
		case err != nil:
			w.fail(0, "--igsend.client-id", "must be a client ID in plain digits, such as 100045, not %s", quote(text))
		case seen[id]:
			w.fail(0, "--igsend.client-id", "%s is given twice: remove one", id)
		}
		seen[id] = true
		cfg.Clients = append(cfg.Clients, Client{ID: id})
	}

	cfg.API.Keys = keys
	checkKeys(keys, w.variable("IGSEND_PUBLIC_KEY", keys.Public, keys.PublicFile), w.variable("IGSEND_PRIVATE_KEY", keys.Private, keys.PrivateFile))
	return w.finish(cfg)
}

// variable returns the environment variable that is set: name, or name with _FILE added.
// If both or neither are set, it reports that and returns the zero value.
func (w *walk) variable(name, key, file string) value {
	hasKey, hasFile := strings.TrimSpace(key) != "", strings.TrimSpace(file) != ""
	switch {
	case hasKey && hasFile:
		w.fail(0, name, "%s_FILE is also set: unset one", name)
		return value{}
	case !hasKey && !hasFile:
		w.fail(0, name, "is missing: set it to the key, or %s_FILE to the name of the file that holds it", name)
		return value{}
	case hasFile:
		name += "_FILE"
	}
	return value{walk: w, path: name, name: name}
}
