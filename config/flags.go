package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

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
		cfg.API.readEnvironment(w.flag("--igsend.environment", environment))
	}
	if len(ids) == 0 {
		w.fail(0, "--igsend.client-id", "is missing: name at least one client, such as --igsend.client-id=100045")
	}
	for _, text := range ids {
		var c Client
		v := w.flag("--igsend.client-id", text)
		if read(v, &c.ID, wantID, parseID) && slices.ContainsFunc(cfg.Clients, func(other Client) bool { return other.ID == c.ID }) {
			v.fail("%s is given twice: remove one", c.ID)
		}
		cfg.Clients = append(cfg.Clients, c)
	}
	cfg.API.Keys = keys
	checkKeys(keys, w.variable("IGSEND_PUBLIC_KEY", keys.Public, keys.PublicFile), w.variable("IGSEND_PRIVATE_KEY", keys.Private, keys.PrivateFile))
	return w.finish(cfg)
}

// flag returns the value of a flag as if it were in a file.
func (w *walk) flag(name, text string) value {
	return value{walk: w, path: name, node: &yaml.Node{Kind: yaml.ScalarNode, Value: text}}
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
