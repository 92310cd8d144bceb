package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// settingsSource says where the settings come from: a file, or, for a first try, flags and
// environment variables.
type settingsSource struct {
	file        string
	clientIDs   []string
	environment string

	autoReload     bool
	reloadInterval time.Duration
}

func (s *settingsSource) addFlags(app *kingpin.Application) {
	app.Flag("config.file", "Configuration file (YAML). Without it, the --igsend.* flags and the keys in the environment are used.").
		PlaceHolder("FILE").StringVar(&s.file)
	app.Flag("config.enable-auto-reload", "Reload the configuration when the content of its files changes.").BoolVar(&s.autoReload)
	app.Flag("config.auto-reload-interval", "How often to look for a change.").Default("30s").DurationVar(&s.reloadInterval)
	app.Flag("igsend.client-id", "Client ID to ask for, without a configuration file. Repeatable. The keys are in "+
		"IGSEND_PUBLIC_KEY and IGSEND_PRIVATE_KEY, or in the files that IGSEND_PUBLIC_KEY_FILE and IGSEND_PRIVATE_KEY_FILE name.").
		PlaceHolder("ID").StringsVar(&s.clientIDs)
	app.Flag("igsend.environment", "live or sandbox, without a configuration file. Default: live.").
		PlaceHolder("live").StringVar(&s.environment)
}

var errFlagsAndFile = errors.New("--config.file can't be used with the --igsend.* flags: put the clients and the environment in the file, or use only the flags")

// errNoConfiguration returns the error for a command without a configuration. If the
// current directory has an igsend.yml, the error suggests it.
func errNoConfiguration() error {
	const usual = "igsend.yml"
	if _, err := os.Stat(usual); err == nil {
		return errors.New("no configuration: " + usual + " is here, use --config.file=" + usual)
	}
	return errors.New("no configuration: use --config.file=FILE, or --igsend.client-id=ID for a first try")
}

// config returns the validated configuration. Keys that can't be read are an error here,
// where a person sees it. Later, they make a scrape fail.
func (s settingsSource) config() (*config.Config, error) {
	switch {
	case s.autoReload && s.file == "":
		return nil, errors.New("--config.enable-auto-reload needs --config.file")
	case s.reloadInterval <= 0:
		return nil, fmt.Errorf("--config.auto-reload-interval=%s: must be above 0", s.reloadInterval)
	case s.file == "" && len(s.clientIDs) == 0:
		return nil, errNoConfiguration()
	case s.file == "":
		return config.FromFlags(s.clientIDs, s.environment, keysFromEnvironment())
	case len(s.clientIDs) > 0 || s.environment != "":
		return nil, errFlagsAndFile
	}
	return config.Load(s.file)
}

// load returns the current settings.
func (s settingsSource) load() (collector.Settings, error) {
	cfg, err := s.config()
	if err != nil {
		return collector.Settings{}, err
	}
	client, err := newClient(cfg.API)
	if err != nil {
		return collector.Settings{}, err
	}
	return collector.Settings{Config: cfg, API: client}, nil
}

// logWarnings logs probable mistakes in the configuration that is now in use.
func logWarnings(logger *slog.Logger, warnings config.Errors) {
	for _, w := range warnings {
		logger.Warn("The configuration is valid, but probably not what was meant", "file", w.File, "line", w.Line, "field", w.Field, "warning", w.Message)
	}
}

// watch returns what --config.enable-auto-reload asks for.
func (s settingsSource) watch() *fileWatch {
	if !s.autoReload {
		return &fileWatch{}
	}
	return &fileWatch{files: config.NewWatch(s.file), interval: s.reloadInterval}
}

func keysFromEnvironment() igsend.KeySource {
	return igsend.KeySource{
		Public:      os.Getenv("IGSEND_PUBLIC_KEY"),
		PublicFile:  os.Getenv("IGSEND_PUBLIC_KEY_FILE"),
		Private:     os.Getenv("IGSEND_PRIVATE_KEY"),
		PrivateFile: os.Getenv("IGSEND_PRIVATE_KEY_FILE"),
	}
}

func newClient(api config.API) (*igsend.Client, error) {
	tlsConfig, err := promconfig.NewTLSConfig(&api.TLS)
	if err != nil {
		return nil, fmt.Errorf("api.tls_config: %w", err)
	}
	return igsend.NewClient(igsend.Options{
		Endpoint:       api.Endpoint,
		RequestTimeout: api.RequestTimeout,
		MaxConnections: api.Concurrency,
		BalanceUnit:    api.BalanceUnit,
		UserAgent:      "igsend_exporter/" + version.Version,
		TLS:            tlsConfig,
		Proxy:          proxy(api),
	})
}

// proxy returns nil if there is no proxy. It never returns one for plain HTTP, which is
// only for this machine: a proxy would see the keys.
func proxy(api config.API) func(*http.Request) (*url.URL, error) {
	none := api.Proxy.ProxyURL.URL == nil && !api.Proxy.ProxyFromEnvironment
	if none || strings.HasPrefix(api.Endpoint, "http:") {
		return nil
	}
	return api.Proxy.Proxy()
}
