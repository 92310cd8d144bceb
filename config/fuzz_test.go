package config

import (
	"cmp"
	"errors"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/tools/txtar"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// FuzzParse: for any input, Parse returns either a configuration that satisfies every rule
// or Errors that can be printed.
func FuzzParse(f *testing.F) {
	for _, file := range append(archives(f, "testdata/invalid/*.txtar"), "testdata/valid.txtar") {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, configuration := range archive.Files {
			f.Add(configuration.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := Parse(data, "/etc/igsend")
		if err == nil {
			checkAPI(t, cfg.API)
			checkClients(t, cfg.Clients)
			return
		}
		checkErrors(t, cfg, err)
	})
}

func checkAPI(t *testing.T, api API) {
	t.Helper()
	u, err := url.Parse(api.Endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(api.Endpoint, "?#") ||
		u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		t.Errorf("endpoint %q (%v)", api.Endpoint, err)
	}
	if api.Environment != "" && endpoints[api.Environment] != api.Endpoint {
		t.Errorf("environment %q has the endpoint %q", api.Environment, api.Endpoint)
	}
	if (api.Keys.Public == "") == (api.Keys.PublicFile == "") || (api.Keys.Private == "") == (api.Keys.PrivateFile == "") {
		t.Error("one half of the keys has two sources or none")
	}
	for _, path := range []string{api.Keys.PublicFile, api.Keys.PrivateFile, api.TLS.CAFile, api.TLS.CertFile, api.TLS.KeyFile} {
		if path != "" && !filepath.IsAbs(path) {
			t.Errorf("file name %q is relative", path)
		}
	}
	if api.Concurrency < 1 || api.Concurrency > 1000 || api.MaxAttempts < 1 || api.MaxAttempts > 10 ||
		api.RequestTimeout <= 0 || api.MinRefreshInterval < 0 ||
		!(api.RequestsPerSecond >= 0) || math.IsInf(api.RequestsPerSecond, 0) {
		t.Errorf("limits: %d at once, %d attempts, %v each, refresh %v, %v per second",
			api.Concurrency, api.MaxAttempts, api.RequestTimeout, api.MinRefreshInterval, api.RequestsPerSecond)
	}
	if api.BalanceUnit != igsend.UnitMajor && api.BalanceUnit != igsend.UnitMinor {
		t.Errorf("unit %q", api.BalanceUnit)
	}
	if err := errors.Join(api.TLS.Validate(), api.Proxy.Validate()); err != nil {
		t.Error(err)
	}
}

func checkClients(t *testing.T, clients []Client) {
	t.Helper()
	if len(clients) == 0 {
		t.Error("no clients")
	}
	ids := make(map[igsend.ClientID]bool)
	for _, c := range clients {
		if c.ID <= 0 || ids[c.ID] {
			t.Errorf("client %d is not positive or occurs twice", c.ID)
		}
		ids[c.ID] = true
		for name, value := range c.Labels {
			if !isWord(name) || strings.HasPrefix(name, "__") || name == "client_id" || name == "name" || !utf8.ValidString(value) {
				t.Errorf("label %q has the value %q", name, value)
			}
		}
		if !utf8.ValidString(c.Name) {
			t.Errorf("name %q", c.Name)
		}
		checkThresholds(t, c)
	}
}

func checkThresholds(t *testing.T, c Client) {
	t.Helper()
	byPair := func(a, b Threshold) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Severity, b.Severity))
	}
	if !slices.IsSortedFunc(c.Thresholds, byPair) || len(slices.CompactFunc(slices.Clone(c.Thresholds), func(a, b Threshold) bool { return byPair(a, b) == 0 })) != len(c.Thresholds) {
		t.Errorf("thresholds are not sorted and unique: %v", c.Thresholds)
	}
	for _, critical := range c.Thresholds {
		if !severityWord.MatchString(critical.Severity) || len(critical.Currency) != 3 || strings.Trim(critical.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Errorf("threshold %v", critical)
		}
		for _, warning := range c.Thresholds {
			if critical.Severity == "critical" && warning.Severity == "warning" && critical.Currency == warning.Currency && critical.Amount.GreaterThan(warning.Amount) {
				t.Errorf("critical %v is above warning %v", critical.Amount, warning.Amount)
			}
		}
	}
	for i, r := range c.Runway {
		if r.Duration <= 0 || !severityWord.MatchString(r.Severity) || i > 0 && c.Runway[i-1].Severity >= r.Severity {
			t.Errorf("runway thresholds %v", c.Runway)
		}
	}
}

// FuzzSecrets: a secret never appears in an error, whatever surrounds it: brackets, quotes,
// anchors, tags, a missing colon.
func FuzzSecrets(f *testing.F) {
	for _, around := range [][2]string{
		{"", ""},
		{"'", ""},
		{`"`, `\q"`},
		{"[oops, ", "]"},
		{"{", ": x}"},
		{"{x: ", "}"},
		{"*", ""},
		{"&", ""},
		{"&a ", ""},
		{"!", " x"},
		{"!!int ", ""},
		{"!!binary ", ""},
		{"%", ""},
		{"@", ""},
		{"|", ""},
		{"a: ", ""},
		{"\t", ""},
		{"http://user:", "@proxy"},
		{"http://user:", "@proxy:port"},
		{"http://user:%", "@proxy"},
		{"ftp://", "@proxy"},
		{"http://", ":3128"},
		{"https://user:", "@example.com/"},
		{"https://example.com/?", "#"},
		{"\xff", ""},
		{"\x00", ""},
		{"- ", ""},
		{"? ", ""},
		{"<<: ", ""},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		// A line break would move the secret to a field that may be shown.
		if strings.ContainsAny(before+after, "\n\r\u0085\u2028\u2029") {
			return
		}
		for _, field := range []string{"private_key: ", "public_key: ", "endpoint: ", "proxy_url: ", "tls_config: {key: ", "private_key", "private_key=", "{private_key:"} {
			content := "api:\n  colour: blue\n  max_attempts: 0\n  " + field + before + secret + after + "\n  concurrency: 0\nclients:\n- id: 0\n"
			if _, err := Parse([]byte(content), ""); err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%q reveals the secret:\n%v", content, err)
			}
		}
	})
}
