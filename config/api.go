package config

import (
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// maxConcurrency keeps the connections to IGSend below 1024, the usual limit on the
// open files of a process.
const maxConcurrency = 1000

// maxAttempts is more tries than the time of a scrape allows for.
const maxAttempts = 10

func defaultAPI() API {
	return API{
		Environment:    environmentLive,
		Endpoint:       igsend.LiveEndpoint,
		Concurrency:    8,
		RequestTimeout: 5 * time.Second,
		MaxAttempts:    2,
		BalanceUnit:    igsend.UnitMajor,
	}
}

// api reads the section api.
func (v value) api() API {
	api := defaultAPI()
	var environment, endpoint value
	public, private := half{name: "public_key"}, half{name: "private_key"}
	var proxy proxyFields
	if !v.fields(map[string]func(value){
		"environment":            func(f value) { environment = f },
		"endpoint":               func(f value) { endpoint = f },
		"public_key":             func(f value) { public.text = f },
		"public_key_file":        func(f value) { public.file = f },
		"private_key":            func(f value) { private.text = f },
		"private_key_file":       func(f value) { private.file = f },
		"concurrency":            func(f value) { api.Concurrency = f.integer(1, maxConcurrency) },
		"request_timeout":        func(f value) { api.RequestTimeout, _ = f.duration(true) },
		"max_attempts":           func(f value) { api.MaxAttempts = f.integer(1, maxAttempts) },
		"min_refresh_interval":   func(f value) { api.MinRefreshInterval, _ = f.duration(false) },
		"requests_per_second":    func(f value) { api.RequestsPerSecond = f.rate() },
		"balance_unit":           func(f value) { api.BalanceUnit = f.unit() },
		"tls_config":             func(f value) { api.TLS = f.tls() },
		"proxy_url":              func(f value) { proxy.url = f },
		"no_proxy":               func(f value) { proxy.exceptions = f },
		"proxy_from_environment": func(f value) { proxy.fromEnvironment = f },
	}) {
		return api
	}
	switch {
	case endpoint.present() && environment.present():
		endpoint.fail("stands instead of environment, in line %d: remove one", environment.line)
	case endpoint.present():
		api.Environment, api.Endpoint = "", endpoint.endpoint()
	case environment.present():
		api.Environment, api.Endpoint = environment.environment()
	}
	api.Keys.Public, api.Keys.PublicFile = public.read(v)
	api.Keys.Private, api.Keys.PrivateFile = private.read(v)
	api.Proxy = proxy.proxy()
	return api
}

// unit reads the unit of balances.
func (v value) unit() igsend.Unit {
	text, ok := v.scalar("major or minor")
	unit := igsend.Unit(text)
	if ok && unit != igsend.UnitMajor && unit != igsend.UnitMinor {
		v.refuse("major (1400000 is 1400000.00 GBP) or minor (it is 14000.00 GBP)")
	}
	return unit
}
