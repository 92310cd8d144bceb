package igsend

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"time"
)

// Options say how a Client asks. Only Endpoint is needed.
type Options struct {
	// Endpoint is the URL of the Client Balance method without its query, such as
	// LiveEndpoint.
	Endpoint string
	// RequestTimeout bounds one call from connecting to the last byte. Default: 5s.
	RequestTimeout time.Duration
	// MaxConnections bounds the connections that are open at once. Calls beyond it
	// wait. Default: 8.
	MaxConnections int
	// BalanceUnit is the unit in which IGSend writes balances. Default: UnitMajor.
	BalanceUnit Unit
	// UserAgent is sent with every request. Default: "igsend-go".
	UserAgent string
	// TLS is used for https endpoints. Default: the system's certificate authorities.
	TLS *tls.Config
	// Proxy returns the proxy for a request, as in http.Transport. Default: none.
	Proxy func(*http.Request) (*url.URL, error)
	// Transport replaces the client's own, which MaxConnections, TLS and Proxy
	// configure; they are then without effect. Default: none.
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
