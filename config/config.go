// Package config reads the configuration from YAML files, or from flags, and validates
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
	// Clients has at least one client, in the order of the files. Each ID occurs once.
	Clients []Client
	// Files is how many files the clients come from: the configuration file, and those that
	// its clients_from matches. It is 0 if there is no file.
	Files int
	// Warnings lists probable mistakes, sorted by file and line.
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

// Load reads and validates the file at path and those that its clients_from matches, and
// checks the key and certificate files that it names. Relative names are relative to its
// directory. If the configuration is invalid, or files keep changing while they are read,
// the error is [Errors]. If the file at path can't be read, it is any other error.
func Load(path string) (*Config, error) {
	for attempts := 3; ; attempts-- {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("configuration file: %w", err)
		}
		main, err := readSource(file)
		if err != nil {
			return nil, fmt.Errorf("configuration file: %w", err)
		}
		w := newWalk(path, filepath.Dir(path))
		w.files = true
		cfg, err := w.read(main)
		// Whoever replaces files is soon done. A pipe can be read only once.
		if !w.unsettled || attempts == 1 || !main.info.Mode().IsRegular() {
			return cfg, err
		}
	}
}

// Parse validates the content of a configuration file, but does not read the files that
// it names: clients that are only in those of clients_from are missing in the result.
// Relative names are relative to dir. The error is [Errors], in which File is empty.
func Parse(data []byte, dir string) (*Config, error) {
	return newWalk("", dir).read(source{data: data})
}

// read returns the configuration in main and in the files that its clients_from matches, or
// everything that is wrong with it.
func (w *walk) read(main source) (*Config, error) {
	cfg := Config{Files: 1}
	s, own, ok := w.parse(main.data)
	if !ok {
		return w.finish(cfg)
	}
	cfg.API = readAPI(s.get("api"))
	from := s.get("clients_from")
	patterns := readPatterns(from)
	s.done()
	if !from.present() {
		own.require()
	}
	lists := []list{own}
	if w.files {
		further := w.readFurther(patterns, from, main)
		cfg.Files += len(further)
		lists = append(lists, w.parseFurther(further)...)
	}
	cfg.Clients = w.merge(lists)
	for _, l := range lists[1:] {
		l.walk.sort()
		w.further = append(w.further, l.walk.problems...)
	}
	return w.finish(cfg)
}

// parse returns the sections of a file and its clients. ok is false if there are none to
// read.
func (w *walk) parse(data []byte) (s *section, clients list, ok bool) {
	root, clients, inPieces := w.parsePieces(data)
	if !inPieces {
		if root, ok = w.document(data); !ok {
			return nil, list{}, false
		}
	}
	if s, ok = root.section(); !ok {
		return nil, list{}, false
	}
	field := s.get("clients")
	if !inPieces {
		clients = readClients(field, 0)
	}
	clients.value = field
	return s, clients, true
}

// finish returns cfg with the warnings, or all problems if one of them is an error.
func (w *walk) finish(cfg Config) (*Config, error) {
	w.sort()
	problems := slices.Concat(w.problems, w.further)
	if slices.ContainsFunc(problems, func(e Error) bool { return !e.Warning }) {
		return nil, problems
	}
	cfg.Warnings = problems
	return &cfg, nil
}

func (w *walk) sort() {
	slices.SortStableFunc(w.problems, func(a, b Error) int { return a.Line - b.Line })
}
