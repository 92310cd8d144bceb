// Package config reads the configuration from a YAML file, or from flags, and validates
// it. It checks the key and certificate files that the configuration names, but does not
// keep their content. It makes no network connections.
//
// A returned Config satisfies every rule in the comments on its fields. If a file has
// errors, all of them are reported at once, as [Errors], each with its line and field.
// What is valid but probably a mistake is in Config.Warnings. Messages never contain a
// key, a password or a value that could be one.
package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A Config is a valid configuration.
type Config struct {
	API API
	// Clients has at least one client, in the order of the file. Each ID occurs once.
	Clients []Client
	// Warnings lists probable mistakes, sorted by line.
	Warnings Errors
}

// API says how to call IGSend.
type API struct {
	// Environment is "live" or "sandbox", or empty when the file gives an endpoint instead.
	Environment string
	// Endpoint is the URL of the Client Balance method: https, or http on loopback.
	// It has no user, query or fragment.
	Endpoint string
	// Keys says where the keys are. Each half is either text or a file, never both.
	Keys igsend.KeySource
	// Concurrency is how many requests may be in flight at once: 1 to 1000.
	Concurrency int
	// RequestTimeout is how long one request may take. It is above 0.
	RequestTimeout time.Duration
	// MaxAttempts is how many times one scrape may ask for a client: 1 to 10.
	MaxAttempts int
	// MinRefreshInterval is how long a good answer is reused. 0 means that it is not.
	MinRefreshInterval time.Duration
	// RequestsPerSecond is finite and not negative. 0 means no limit.
	RequestsPerSecond float64
	// BalanceUnit is the unit in which IGSend writes balances.
	BalanceUnit igsend.Unit
	// TLS and Proxy are valid according to their own Validate methods.
	TLS   promconfig.TLSConfig
	Proxy promconfig.ProxyConfig
}

// A Client is one client account at IGSend.
type Client struct {
	ID   igsend.ClientID
	Name string
	// Labels maps label names to values. It is nil if there are none.
	Labels map[string]string
	// Thresholds is sorted by currency, then severity. Each pair occurs once. The
	// "critical" threshold of a currency is never above its "warning" threshold.
	Thresholds []Threshold
	// Runway is sorted by severity. Each occurs once. "critical" is never above "warning".
	Runway []RunwayThreshold
}

// A Threshold is a balance and the severity of an account whose balance is below it.
type Threshold struct {
	// Currency is three upper-case letters.
	Currency string
	// Severity is chosen by the user: [a-z][a-z0-9_]*.
	Severity string
	// Amount is exact, in the major unit of the currency; it may be negative.
	Amount decimal.Decimal
}

// A RunwayThreshold is a duration and the severity of an account that will be empty in
// less time.
type RunwayThreshold struct {
	// Severity is chosen by the user: [a-z][a-z0-9_]*.
	Severity string
	// Duration is above 0.
	Duration time.Duration
}

// maxSize limits the size of a configuration file, so that the path of a device can't fill
// the memory. A file with 10,000 clients, labels and thresholds has 2 MiB.
const maxSize = 16 << 20

// Load reads and validates the file at path, and checks the key and certificate files that
// it names. Relative names are relative to its directory. If the configuration is invalid,
// the error is [Errors]. If the file can't be read, it is any other error.
func Load(path string) (*Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return (&walk{file: path, dir: filepath.Dir(path), files: true, budget: maxBorrowed}).read(data)
}

// Parse validates the content of a configuration file, but does not read the files that
// it names. Relative names are relative to dir. The error is [Errors], in which File is
// empty.
func Parse(data []byte, dir string) (*Config, error) {
	return (&walk{dir: dir, budget: maxBorrowed}).read(data)
}

// read returns the configuration in data, or everything that is wrong with it.
func (w *walk) read(data []byte) (*Config, error) {
	var cfg Config
	if root, ok := w.document(data); ok {
		if s, ok := root.section(); ok {
			cfg.API = readAPI(s.get("api"))
			cfg.Clients = readClients(s.get("clients"))
			s.done()
		}
	}
	return w.finish(cfg)
}

// finish returns cfg with the warnings, or all problems if one of them is an error.
func (w *walk) finish(cfg Config) (*Config, error) {
	slices.SortStableFunc(w.problems, func(a, b Error) int { return a.Line - b.Line })
	if slices.ContainsFunc(w.problems, func(e Error) bool { return !e.Warning }) {
		return nil, w.problems
	}
	cfg.Warnings = w.problems
	return &cfg, nil
}
