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
	// maxConcurrency keeps the number of connections to IGSend below 1024, the usual limit
	// for open files of a process.
	maxConcurrency = 1000
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

func (s *apiSection) validate() API {
	api := defaultAPI()
	if s.broken {
		return api
	}
	switch {
	case s.Endpoint.excludes(s.Environment.value):
	case s.Endpoint.present():
		api.Environment, api.Endpoint = "", s.Endpoint.endpoint()
	case s.Environment.present():
		api.Environment, api.Endpoint = s.Environment.environment()
	}
	api.Keys.Public, api.Keys.PublicFile = s.key(s.PublicKey, s.PublicKeyFile, "public_key")
	api.Keys.Private, api.Keys.PrivateFile = s.key(s.PrivateKey, s.PrivateKeyFile, "private_key")
	if s.walk.files {
		checkKeys(api.Keys, oneOf(s.PublicKey.value, s.PublicKeyFile.value), oneOf(s.PrivateKey.value, s.PrivateKeyFile.value))
	}
	s.Concurrency.read(&api.Concurrency, 1, maxConcurrency)
	s.MaxAttempts.read(&api.MaxAttempts, 1, maxAttempts)
	if s.RequestTimeout.present() {
		api.RequestTimeout, _ = s.RequestTimeout.read(true)
	}
	api.MinRefreshInterval, _ = s.MinRefreshInterval.read(false)
	s.RequestsPerSecond.read(&api.RequestsPerSecond)
	if s.BalanceUnit.present() {
		api.BalanceUnit = s.BalanceUnit.unit()
	}
	if s.TLS.present() {
		api.TLS = s.TLS.validate()
	}
	api.Proxy = s.proxy()
	return api
}

// key returns one half of the keys: its text or the name of its file. Messages never
// repeat the text.
func (s *apiSection) key(key, file text, name string) (string, string) {
	switch {
	case key.excludes(file.value):
	case key.present():
		return key.required(), ""
	case file.present():
		return "", promconfig.JoinDir(s.walk.dir, file.required())
	default:
		s.failBelow(name+"_file", "is missing: name the file that holds the key, or write the key itself as %s", name)
	}
	return "", ""
}

// environment returns the name of an environment and its endpoint.
func (t text) environment() (name, endpoint string) {
	name, ok := t.scalar("live or sandbox")
	if ok && endpoints[name] == "" {
		t.refuse("live or sandbox")
	}
	return name, endpoints[name]
}

// unit returns the unit of balances.
func (t text) unit() igsend.Unit {
	name, ok := t.scalar("major or minor")
	unit := igsend.Unit(name)
	if ok && unit != igsend.UnitMajor && unit != igsend.UnitMinor {
		t.refuse("major (1400000 is 1400000.00 GBP) or minor (it is 14000.00 GBP)")
	}
	return unit
}

// endpoint returns the URL of the Client Balance method. Every request to it carries the
// keys, so it must be https, or http on loopback. Messages never repeat the URL, which
// may contain a password.
func (t text) endpoint() string {
	address, ok := t.scalar("a URL")
	if !ok {
		return ""
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || !hasHost(u):
		t.fail("must be a URL, such as %s", igsend.LiveEndpoint)
	case u.Scheme != "https" && u.Scheme != "http":
		t.fail("must begin with https://, or with http:// on loopback")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		t.fail("must begin with https://, because every request carries the keys: http is for loopback only (localhost, 127.0.0.0/8, ::1)")
	case u.User != nil:
		t.fail("must not contain a user or password: the keys are public_key and private_key")
	case strings.Contains(address, "?"):
		t.fail("must not contain a query: the client ID is added to every request")
	case strings.Contains(address, "#"):
		t.fail("must not contain a fragment (#): IGSend would never see it")
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

func (s *tlsSection) validate() promconfig.TLSConfig {
	before := len(s.walk.problems)
	cfg := promconfig.TLSConfig{
		CA: s.CA.read(), CAFile: s.CAFile.read(),
		Cert: s.Cert.read(), CertFile: s.CertFile.read(),
		Key: promconfig.Secret(s.Key.read()), KeyFile: s.KeyFile.read(),
		ServerName:         s.ServerName.read(),
		InsecureSkipVerify: s.InsecureSkipVerify.read(),
		MinVersion:         s.MinVersion.tlsVersion(),
		MaxVersion:         s.MaxVersion.tlsVersion(),
	}
	s.CA.excludes(s.CAFile.value)
	s.Cert.excludes(s.CertFile.value)
	s.Key.excludes(s.KeyFile.value)
	certificate, key := oneOf(s.Cert.value, s.CertFile.value), oneOf(s.Key.value, s.KeyFile.value)
	switch {
	case certificate.filled() && !key.filled():
		certificate.fail("needs a private key: set key_file or key too")
	case key.filled() && !certificate.filled():
		key.fail("needs a certificate: set cert_file or cert too")
	}
	if cfg.MaxVersion != 0 && cfg.MinVersion > cfg.MaxVersion {
		s.MinVersion.fail("is above max_version in line %d", s.MaxVersion.line)
	}
	cfg.SetDirectory(s.walk.dir)
	if s.walk.files && len(s.walk.problems) == before {
		if _, err := promconfig.NewTLSConfig(&cfg); err != nil {
			s.fail("%v", err)
		}
	}
	return cfg
}

func oneOf(text, file value) value {
	if text.filled() {
		return text
	}
	return file
}

// tlsVersion returns the TLS version that Prometheus knows by this name.
func (t text) tlsVersion() promconfig.TLSVersion {
	name, ok := t.scalar("a TLS version")
	version, known := promconfig.TLSVersions[name]
	if ok && !known {
		t.refuse("one of %s", strings.Join(slices.Sorted(maps.Keys(promconfig.TLSVersions)), ", "))
	}
	return version
}

// proxy refuses the same combinations as Prometheus.
func (s *apiSection) proxy() (cfg promconfig.ProxyConfig) {
	cfg.ProxyURL.URL = s.ProxyURL.proxyURL()
	cfg.NoProxy = s.NoProxy.read()
	cfg.ProxyFromEnvironment = s.ProxyFromEnvironment.read()
	switch {
	case cfg.ProxyFromEnvironment && (s.ProxyURL.excludes(s.ProxyFromEnvironment.value) || s.NoProxy.excludes(s.ProxyFromEnvironment.value)):
	case cfg.NoProxy != "" && !s.ProxyURL.filled():
		s.NoProxy.fail("needs proxy_url: without a proxy it has no effect")
	}
	return cfg
}

// proxyURL returns the URL of a proxy, or nil if it is empty. Messages never repeat the
// URL, which often contains a password.
func (t text) proxyURL() *url.URL {
	address := t.read()
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || !hasHost(u):
		t.fail("must be a URL, such as http://proxy.example.com:3128; percent-encode special characters in the user and password")
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		t.fail("must begin with http://, https://, socks5:// or socks5h://")
	}
	return u
}
