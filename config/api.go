package config

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

const (
	// MaxConcurrency keeps the number of connections to IGSend below 1024, the usual limit
	// for open files of a process.
	MaxConcurrency = 1000
	// maxAttempts is more than a scrape has time for.
	maxAttempts = 10
)

// endpoints maps the name of an environment to its endpoint.
var endpoints = map[string]string{"live": igsend.LiveEndpoint, "sandbox": igsend.SandboxEndpoint}

func defaultAPI() API {
	return API{
		Environment:    "live",
		Endpoint:       igsend.LiveEndpoint,
		Concurrency:    8,
		RequestTimeout: 5 * time.Second,
		MaxAttempts:    2,
		BalanceUnit:    igsend.UnitMajor,
	}
}

func readAPI(v value) API {
	api := defaultAPI()
	s, ok := v.section()
	if !ok {
		return api
	}
	environment, endpoint := s.get("environment"), s.get("endpoint")
	switch {
	case endpoint.excludes(environment):
	case endpoint.present():
		api.Environment, api.Endpoint = "", readEndpoint(endpoint)
	default:
		api.readEnvironment(environment)
	}
	public := s.key("public_key", &api.Keys.Public, &api.Keys.PublicFile)
	private := s.key("private_key", &api.Keys.Private, &api.Keys.PrivateFile)
	if s.walk.files {
		checkKeys(api.Keys, public, private)
	}
	readInteger(s.get("concurrency"), &api.Concurrency, 1, MaxConcurrency)
	readInteger(s.get("max_attempts"), &api.MaxAttempts, 1, maxAttempts)
	read(s.get("request_timeout"), &api.RequestTimeout, wantPositive, parsePositive)
	read(s.get("min_refresh_interval"), &api.MinRefreshInterval, wantDuration, parseDuration)
	read(s.get("requests_per_second"), &api.RequestsPerSecond, "a number in at most 40 plain digits, not negative, such as 5 or 0.5", parseRate)
	read(s.get("balance_unit"), &api.BalanceUnit, "major (1400000 is 1400000.00 GBP) or minor (it is 14000.00 GBP)", func(s string) (igsend.Unit, bool) {
		unit := igsend.Unit(s)
		return unit, unit == igsend.UnitMajor || unit == igsend.UnitMinor
	})
	api.TLS = readTLS(s.get("tls_config"))
	api.Proxy = readProxy(s)
	s.done()
	return api
}

// readEnvironment sets the environment and its endpoint.
func (api *API) readEnvironment(v value) {
	read(v, &api.Environment, "live or sandbox", func(s string) (string, bool) { return s, endpoints[s] != "" })
	api.Endpoint = endpoints[api.Environment]
}

// key sets text to one half of the keys, or file to the name of its file. It returns the
// field that it used, or the zero value if there is not exactly one.
func (s *section) key(name string, text, file *string) value {
	notBlank := func(s string) (string, bool) { return s, strings.TrimSpace(s) != "" }
	inline, named := s.get(name), s.get(name+"_file")
	switch {
	case inline.excludes(named):
	case inline.present():
		read(inline, text, "text", notBlank)
		return inline
	case named.present():
		read(named, file, "text", notBlank)
		*file = promconfig.JoinDir(s.walk.dir, *file)
		return named
	default:
		named.fail("is missing: name the file that holds the key, or write the key itself as %s", name)
	}
	return value{}
}

// readEndpoint returns the URL of the Client Balance method. Every request to it carries
// the keys, so it must be https, or http on loopback. Messages never repeat the URL, which
// may contain a password.
func readEndpoint(v value) (address string) {
	if !read(v, &address, "a URL", anyText) {
		return ""
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || !hasHost(u):
		v.fail("must be a URL, such as %s", igsend.LiveEndpoint)
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		v.fail("must begin with https://, because every request carries the keys: http is for loopback only (localhost, 127.0.0.0/8, ::1)")
	case u.User != nil:
		v.fail("must not contain a user or password: the keys are public_key and private_key")
	case strings.ContainsAny(address, "?#"):
		v.fail("must not contain a query (?) or fragment (#): the client ID is added to every request")
	}
	return address
}

// hasHost reports whether u has a host, and a valid port if it has a port.
func hasHost(u *url.URL) bool {
	if u.Port() != "" {
		if port, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || port == 0 {
			return false
		}
	}
	return u.Opaque == "" && u.Hostname() != ""
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// readTLS reads the fields of Prometheus's tls_config, without ca_ref, cert_ref and
// key_ref. Those need a secret store, which this exporter does not have.
func readTLS(v value) (cfg promconfig.TLSConfig) {
	s, ok := v.section()
	if !ok {
		return cfg
	}
	before := len(v.walk.problems)
	for _, pair := range []struct {
		name         string
		inline, file *string
	}{{"ca", &cfg.CA, &cfg.CAFile}, {"cert", &cfg.Cert, &cfg.CertFile}, {"key", (*string)(&cfg.Key), &cfg.KeyFile}} {
		inline, file := s.get(pair.name), s.get(pair.name+"_file")
		inline.excludes(file)
		inline.text(pair.inline)
		file.text(pair.file)
	}
	s.get("server_name").text(&cfg.ServerName)
	read(s.get("insecure_skip_verify"), &cfg.InsecureSkipVerify, "true or false", parseBool)
	versions := "one of " + strings.Join(slices.Sorted(maps.Keys(promconfig.TLSVersions)), ", ")
	version := func(s string) (promconfig.TLSVersion, bool) { v, ok := promconfig.TLSVersions[s]; return v, ok }
	read(s.get("min_version"), &cfg.MinVersion, versions, version)
	read(s.get("max_version"), &cfg.MaxVersion, versions, version)
	s.done()
	cfg.SetDirectory(v.walk.dir)
	err := cfg.Validate()
	if err == nil && v.walk.files {
		_, err = promconfig.NewTLSConfig(&cfg)
	}
	if err != nil && len(v.walk.problems) == before {
		v.fail("%v", err)
	}
	return cfg
}

// readProxy refuses the same combinations as Prometheus.
func readProxy(s *section) (cfg promconfig.ProxyConfig) {
	proxyURL, noProxy, fromEnvironment := s.get("proxy_url"), s.get("no_proxy"), s.get("proxy_from_environment")
	cfg.ProxyURL.URL = readProxyURL(proxyURL)
	noProxy.text(&cfg.NoProxy)
	read(fromEnvironment, &cfg.ProxyFromEnvironment, "true or false", parseBool)
	switch {
	case cfg.ProxyFromEnvironment && (proxyURL.excludes(fromEnvironment) || noProxy.excludes(fromEnvironment)):
	case cfg.NoProxy != "" && !proxyURL.filled():
		noProxy.fail("needs proxy_url: without a proxy it has no effect")
	}
	return cfg
}

// readProxyURL returns the URL of a proxy, or nil if it is empty. Messages never repeat
// the URL, which often contains a password.
func readProxyURL(v value) *url.URL {
	var address string
	if v.text(&address); address == "" {
		return nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || !hasHost(u):
		v.fail("must be a URL, such as http://proxy.example.com:3128; percent-encode special characters in the user and password")
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		v.fail("must begin with http://, https://, socks5:// or socks5h://")
	}
	return u
}
