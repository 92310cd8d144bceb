package config

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	promconfig "github.com/prometheus/common/config"
	"github.com/shopspring/decimal"
	"golang.org/x/tools/txtar"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// wholly compares configurations as whole values. It compares decimals by their text, so
// that trailing zeros count.
var wholly = cmp.Options{
	cmp.Comparer(func(a, b decimal.Decimal) bool { return a.String() == b.String() }),
	cmp.AllowUnexported(url.Userinfo{}),
	cmpopts.IgnoreUnexported(promconfig.ProxyConfig{}),
}

// with returns a configuration with two key files, one client and the defaults, after
// applying change.
func with(change func(*Config)) *Config {
	cfg := &Config{
		API: API{
			Environment:    "live",
			Endpoint:       "https://api.igsend.co.uk/services/clientbalance/",
			Keys:           igsend.KeySource{PublicFile: "dir/public.key", PrivateFile: "dir/private.key"},
			Concurrency:    8,
			RequestTimeout: 5 * time.Second,
			MaxAttempts:    2,
			BalanceUnit:    igsend.UnitMajor,
		},
		Clients: []Client{{ID: 100045}},
		Files:   1,
	}
	change(cfg)
	return cfg
}

func exact(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// TestValid compares every configuration in testdata/valid.txtar with its result.
func TestValid(t *testing.T) {
	const day = 24 * time.Hour
	tests := map[string]*Config{
		"minimal.yml": with(func(cfg *Config) {
			cfg.API.Keys.PrivateFile = "/etc/igsend/private.key"
		}),
		"documented.yml": {
			API: API{
				Environment:    "live",
				Endpoint:       "https://api.igsend.co.uk/services/clientbalance/",
				Keys:           igsend.KeySource{PublicFile: "/etc/igsend/public.key", PrivateFile: "/etc/igsend/private.key"},
				Concurrency:    8,
				RequestTimeout: 5 * time.Second,
				MaxAttempts:    2,
				BalanceUnit:    igsend.UnitMajor,
			},
			Clients: []Client{{
				ID:     100045,
				Name:   "Payroll",
				Labels: map[string]string{"team": "payments"},
				Thresholds: []Threshold{
					{Currency: "GBP", Severity: "critical", Amount: exact("10000")},
					{Currency: "GBP", Severity: "warning", Amount: exact("50000")},
				},
				Runway: []RunwayThreshold{
					{Severity: "critical", Duration: day},
					{Severity: "warning", Duration: 3 * day},
				},
			}},
			Files: 1,
		},
		"everything.yml": {
			API: API{
				Endpoint:           "http://127.0.0.1:8080/services/clientbalance/",
				Keys:               igsend.KeySource{Public: "0123", Private: "tOpS3cret\n"},
				Concurrency:        1000,
				RequestTimeout:     90 * time.Second,
				MaxAttempts:        10,
				MinRefreshInterval: day + day/2,
				RequestsPerSecond:  0.5,
				BalanceUnit:        igsend.UnitMinor,
				TLS: promconfig.TLSConfig{
					CAFile:             "dir/ca.pem",
					CertFile:           "/etc/igsend/client.pem",
					KeyFile:            "dir/client.key",
					ServerName:         "igsend.internal",
					InsecureSkipVerify: true,
					MinVersion:         promconfig.TLSVersions["TLS12"],
					MaxVersion:         promconfig.TLSVersions["TLS13"],
				},
				Proxy: promconfig.ProxyConfig{
					ProxyURL: promconfig.URL{URL: &url.URL{Scheme: "http", User: url.UserPassword("user", secret), Host: "proxy.example.com:3128"}},
					NoProxy:  "localhost,10.0.0.0/8",
				},
			},
			Clients: []Client{
				{
					ID:     9223372036854775807,
					Name:   "Löhne",
					Labels: map[string]string{"team": "payments", "_region": "", "name2": "Zürich"},
					Thresholds: []Threshold{
						{Currency: "EUR", Severity: "warning", Amount: exact("0.30000000000000000001")},
						{Currency: "GBP", Severity: "critical", Amount: exact("50000")},
						{Currency: "GBP", Severity: "page_me_2", Amount: exact("-1234.5")},
						{Currency: "GBP", Severity: "warning", Amount: exact("50000")},
					},
					Runway: []RunwayThreshold{
						{Severity: "a", Duration: time.Millisecond},
						{Severity: "critical", Duration: 3 * day},
						{Severity: "warning", Duration: 3 * day},
					},
				},
				{ID: 1},
			},
			Files: 1,
		},
		"literal_text.yml": with(func(cfg *Config) {
			cfg.API.Keys = igsend.KeySource{Public: "0123", Private: "1e5"}
			cfg.Clients[0].Name = "2024-01-01"
			cfg.Clients[0].Labels = map[string]string{
				"number": "5", "grouped": "1_000", "hex": "0x10", "boolean": "yes", "capital": "TRUE", "date": "2024-01-01",
				"quoted": "null", "text": "null", "quoted_merge": "<<", "exact": "1.50",
			}
			cfg.Clients[0].Thresholds = []Threshold{
				{Currency: "GBP", Severity: "critical", Amount: exact("-1")},
				{Currency: "GBP", Severity: "warning", Amount: exact("50000.50")},
			}
		}),
		"null_sections.yml": with(func(cfg *Config) {
			cfg.Clients = []Client{{ID: 100045}, {ID: 100046}}
		}),
		"aliases_and_merges.yml": with(func(cfg *Config) {
			cfg.API.Keys.PrivateFile = cfg.API.Keys.PublicFile
			labels := map[string]string{"team": "payments", "region": "uk"}
			thresholds := []Threshold{
				{Currency: "EUR", Severity: "critical", Amount: exact("10000")},
				{Currency: "EUR", Severity: "warning", Amount: exact("50000")},
				{Currency: "GBP", Severity: "critical", Amount: exact("10000")},
				{Currency: "GBP", Severity: "warning", Amount: exact("50000")},
			}
			runway := []RunwayThreshold{{Severity: "warning", Duration: 3 * day}}
			cfg.Clients = []Client{
				{ID: 100045, Labels: labels, Thresholds: thresholds, Runway: runway},
				{
					ID: 100046, Labels: labels,
					Thresholds: append([]Threshold{{Currency: "EUR", Severity: "critical", Amount: exact("20000")}}, thresholds[1:]...),
					Runway: []RunwayThreshold{
						{Severity: "critical", Duration: day},
						{Severity: "page", Duration: day / 2},
						{Severity: "warning", Duration: 3 * day},
					},
				},
				{ID: 100047, Name: "merged whole", Labels: labels, Thresholds: thresholds, Runway: runway},
			}
		}),
		"inline_tls.yml": with(func(cfg *Config) {
			cfg.API.TLS = promconfig.TLSConfig{
				CA: "an authority", Cert: "a certificate", Key: secret, InsecureSkipVerify: true,
				MinVersion: promconfig.TLSVersions["TLS12"], MaxVersion: promconfig.TLSVersions["TLS12"],
			}
		}),
		"tls_from.yml": with(func(cfg *Config) {
			cfg.API.TLS.MinVersion, cfg.API.TLS.InsecureSkipVerify = promconfig.TLSVersions["TLS13"], true
		}),
		"prometheus_empty.yml": with(func(cfg *Config) {
			cfg.API.Environment, cfg.API.Endpoint = "sandbox", "https://sandbox.api.igsend.co.uk/services/clientbalance/"
			cfg.API.Proxy.ProxyFromEnvironment = true
		}),
		"json.yml": with(func(cfg *Config) {
			cfg.API.Environment, cfg.API.Endpoint = "", "http://LOCALHOST:1/"
			cfg.API.Keys = igsend.KeySource{Public: "p", Private: secret}
			cfg.Clients[0].Thresholds = []Threshold{{Currency: "GBP", Severity: "warning", Amount: exact("50000")}}
		}),
	}
	archive, err := txtar.ParseFile("testdata/valid.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) != len(tests) {
		t.Errorf("%d configurations in the archive, %d here", len(archive.Files), len(tests))
	}
	for _, file := range archive.Files {
		t.Run(file.Name, func(t *testing.T) {
			got, err := Parse(file.Data, "dir")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tests[file.Name], got, wholly); diff != "" {
				t.Errorf("configuration differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestByteOrderMark: editors on Windows may add a byte order mark and end lines with CRLF.
func TestByteOrderMark(t *testing.T) {
	content := "\ufeff%YAML 1.1\n---\napi:\n  public_key_file: public.key\n  private_key_file: private.key\nclients: [{id: 100045}]\n...\n"
	got, err := Parse([]byte(strings.ReplaceAll(content, "\n", "\r\n")), "dir")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(with(func(*Config) {}), got, wholly); diff != "" {
		t.Errorf("configuration differs (-want +got):\n%s", diff)
	}
}
