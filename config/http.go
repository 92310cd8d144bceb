package config

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// tls reads tls_config. Prometheus also has ca_ref, cert_ref and key_ref, for which
// a process needs a store of secrets that this one does not have.
func (v value) tls() promconfig.TLSConfig {
	var cfg promconfig.TLSConfig
	ca, cert, key := half{name: "ca"}, half{name: "cert"}, half{name: "key"}
	var lowest, highest value
	v.fields(map[string]func(value){
		"ca":                   func(f value) { ca.text, cfg.CA = f, f.optional() },
		"ca_file":              func(f value) { ca.file, cfg.CAFile = f, f.optional() },
		"cert":                 func(f value) { cert.text, cfg.Cert = f, f.optional() },
		"cert_file":            func(f value) { cert.file, cfg.CertFile = f, f.optional() },
		"key":                  func(f value) { key.text, cfg.Key = f, promconfig.Secret(f.optional()) },
		"key_file":             func(f value) { key.file, cfg.KeyFile = f, f.optional() },
		"server_name":          func(f value) { cfg.ServerName = f.optional() },
		"insecure_skip_verify": func(f value) { cfg.InsecureSkipVerify = f.boolean() },
		"min_version":          func(f value) { lowest, cfg.MinVersion = f, f.tlsVersion() },
		"max_version":          func(f value) { highest, cfg.MaxVersion = f, f.tlsVersion() },
	})
	ca.refuseBoth()
	cert.refuseBoth()
	key.refuseBoth()
	switch certificate, privateKey := cert.given(), key.given(); {
	case certificate.present() && !privateKey.present():
		certificate.fail("needs its private key: set key_file, or key, too")
	case privateKey.present() && !certificate.present():
		privateKey.fail("needs its certificate: set cert_file, or cert, too")
	}
	if cfg.MaxVersion != 0 && cfg.MinVersion > cfg.MaxVersion {
		lowest.fail("is above max_version, in line %d", highest.line)
	}
	return cfg
}

// tlsVersion reads the name of a TLS version as Prometheus writes it.
func (v value) tlsVersion() promconfig.TLSVersion {
	text, ok := v.scalar("a TLS version")
	version, known := promconfig.TLSVersions[text]
	if ok && !known {
		v.refuse("one of " + strings.Join(slices.Sorted(maps.Keys(promconfig.TLSVersions)), ", "))
	}
	return version
}

// proxyFields are the fields of the section api that say how to reach a proxy.
type proxyFields struct{ url, exceptions, fromEnvironment value }

// proxy reads the fields, and refuses combinations as Prometheus does.
func (p proxyFields) proxy() promconfig.ProxyConfig {
	var cfg promconfig.ProxyConfig
	if p.url.present() {
		cfg.ProxyURL.URL = p.url.proxyURL()
	}
	if p.exceptions.present() {
		cfg.NoProxy = p.exceptions.optional()
	}
	if p.fromEnvironment.present() {
		cfg.ProxyFromEnvironment = p.fromEnvironment.boolean()
	}
	switch {
	case cfg.ProxyFromEnvironment && p.url.filled():
		p.url.fail("proxy_from_environment is set too, in line %d: remove one", p.fromEnvironment.line)
	case cfg.ProxyFromEnvironment && cfg.NoProxy != "":
		p.exceptions.fail("proxy_from_environment is set too, in line %d, and brings its own NO_PROXY: remove one", p.fromEnvironment.line)
	case cfg.NoProxy != "" && !p.url.filled():
		p.exceptions.fail("needs proxy_url: there is no proxy to except hosts from")
	}
	return cfg
}

// proxyURL reads the URL of a proxy; nil when it is empty. No message repeats the
// URL, which often holds a password.
func (v value) proxyURL() *url.URL {
	text := v.optional()
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || !hasHost(u):
		v.fail("must be a URL, such as http://proxy.example.com:3128; percent-encode what is special in a user or password")
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		v.fail("must begin with http://, https://, socks5:// or socks5h://")
	}
	return u
}
