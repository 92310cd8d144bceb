// Package config turns a YAML file, or the flags that stand in for one, into a
// validated Config. It looks at the files with keys and certificates that the
// configuration names, but keeps nothing of them; it talks to nobody.
//
// A Config that this package returns keeps every rule written on its fields. When
// something is wrong with a file, all of it is reported at once, as [Errors], each
// with its line and field. What is valid but probably a mistake is in
// Config.Warnings. No message repeats a key, a password or a value that could be one.
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

// A Config says whom to ask, how to ask, and what to expect.
type Config struct {
	API API
	// Clients holds at least one client, in the order of the file; no ID occurs twice.
	Clients []Client
	// Warnings says what is probably a mistake, in the order of the lines of the file.
	Warnings Errors
}

// API says how to talk to IGSend.
type API struct {
	// Environment is "live" or "sandbox", or empty when the file gives an endpoint instead.
	Environment string
	// Endpoint is the URL of the Client Balance method: https, or http on loopback.
	// It holds no user, query or fragment.
	Endpoint string
	// Keys says where the keys are; each half is either text or a file, never both.
	Keys igsend.KeySource
	// Concurrency is how many requests may be in flight at once: 1 to 1000.
	Concurrency int
	// RequestTimeout is what one request may take; above 0.
	RequestTimeout time.Duration
	// MaxAttempts is how often one client is asked in one sweep: 1 to 10.
	MaxAttempts int
	// MinRefreshInterval is how long a good answer is served again; 0: never.
	MinRefreshInterval time.Duration
	// RequestsPerSecond is finite and not negative; 0: no limit.
	RequestsPerSecond float64
	// BalanceUnit is the unit in which IGSend writes balances.
	BalanceUnit igsend.Unit
	// TLS and Proxy pass the checks of their own Validate methods.
	TLS   promconfig.TLSConfig
	Proxy promconfig.ProxyConfig
}

// A Client is one account that IGSend is asked about.
type Client struct {
	ID   igsend.ClientID
	Name string
	// Labels maps label names to values; nil when there are none.
	Labels map[string]string
	// Thresholds is sorted by currency, then severity; no pair occurs twice. The
	// threshold "critical" of a currency is never above its "warning".
	Thresholds []Threshold
	// Runway is sorted by severity; none occurs twice. "critical" is never above "warning".
	Runway []RunwayThreshold
}

// A Threshold is the balance below which a client's account is in the state
// that Severity names.
type Threshold struct {
	// Currency is three upper-case letters.
	Currency string
	// Severity is the user's word: [a-z][a-z0-9_]*.
	Severity string
	// Amount is exact, in the major unit of the currency; it may be negative.
	Amount decimal.Decimal
}

// A RunwayThreshold is the time to an empty account below which the account is
// in the state that Severity names.
type RunwayThreshold struct {
	// Severity is the user's word: [a-z][a-z0-9_]*.
	Severity string
	// Duration is above 0.
	Duration time.Duration
}

// maxSize bounds a configuration file, in bytes: 10,000 clients with labels and
// thresholds take 2 MiB, and a path that names a device should not fill the memory.
const maxSize = 16 << 20

// Load reads and validates the file at path and the files with keys and certificates
// that it names; relative names are taken as relative to its directory. What is wrong
// comes back as [Errors]; a configuration file that can't be read is another error.
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
	w := &walk{file: path, dir: filepath.Dir(path), files: true, budget: maxBorrowed}
	return w.read(data)
}

// Parse validates the content of a configuration file, without a look at the files
// that it names. Relative names are taken as relative to dir. What is wrong comes
// back as [Errors], whose File is empty.
func Parse(data []byte, dir string) (*Config, error) {
	w := &walk{dir: dir, budget: maxBorrowed}
	return w.read(data)
}

// read returns the configuration that data holds, or all that is wrong with it.
func (w *walk) read(data []byte) (*Config, error) {
	var cfg Config
	if root, ok := w.document(data); ok {
		var section fileSection
		section.fill(root, "")
		cfg = section.validate()
	}
	return w.finish(cfg)
}

// finish returns cfg with the warnings, or all problems when one is more than that.
func (w *walk) finish(cfg Config) (*Config, error) {
	slices.SortStableFunc(w.problems, func(a, b Error) int { return a.Line - b.Line })
	if slices.ContainsFunc(w.problems, func(e Error) bool { return !e.Warning }) {
		return nil, w.problems
	}
	cfg.Warnings = w.problems
	return &cfg, nil
}

func (s *fileSection) validate() (cfg Config) {
	if s.broken {
		return cfg
	}
	if s.API.present() {
		cfg.API = s.API.validate()
	} else {
		s.failBelow("api", "is missing: it says where the keys are, in public_key_file and private_key_file")
	}
	const example = "list at least one client, such as `- id: 100045`"
	switch clients := s.Clients; {
	case !clients.present():
		s.failBelow("clients", "is missing: "+example)
	case clients.isNull():
		clients.fail("has no value: " + example)
	case len(clients.items) == 0 && !clients.broken:
		clients.fail("is empty: " + example)
	default:
		cfg.Clients = validateClients(clients.items)
	}
	return cfg
}
