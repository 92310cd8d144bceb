package igsend

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"time"
)

// Options configure a Client. Only Endpoint is required.
type Options struct {
	// Endpoint is the URL of the Client Balance method without a query, such as
	// LiveEndpoint.
	Endpoint string
	// RequestTimeout limits one call, from connecting to the last byte. Default: 5s.
	RequestTimeout time.Duration
	// MaxConnections limits how many connections are open at once. Further calls wait
	// for a free one. Default: 8.
	MaxConnections int
	// BalanceUnit is the unit in which IGSend writes balances. Default: UnitMajor.
	BalanceUnit Unit
	// UserAgent is sent with every request. Default: "igsend-go".
	UserAgent string
	// TLS is used for https endpoints. Default: the system's certificate authorities.
	TLS *tls.Config
	// Proxy returns the proxy for a request, as in http.Transport. Default: none.
	Proxy func(*http.Request) (*url.URL, error)
	// Transport replaces the client's own transport. MaxConnections, TLS and Proxy then
	// have no effect. Default: none.
	Transport http.RoundTripper
}

func (o Options) withDefaults() Options {
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = 5 * time.Second
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 8
	}
	if o.BalanceUnit == "" {
		o.BalanceUnit = UnitMajor
	}
	if o.UserAgent == "" {
		o.UserAgent = "igsend-go"
	}
	return o
}
