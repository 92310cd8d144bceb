package igsend

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	// maxHeaderBytes bounds the header of an answer; documented ones take a few hundred.
	maxHeaderBytes = 64 << 10
	// keepAlive is how often an idle connection is probed, so that routers between
	// two scrapes don't forget it.
	keepAlive = 15 * time.Second
)

// newTransport returns a transport that opens at most MaxConnections connections
// and keeps them, so that a second round of calls opens none. Limiting the calls
// alone would not do: net/http finishes a dial whose request was given another
// connection meanwhile.
func newTransport(o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: o.RequestTimeout, KeepAlive: keepAlive}
	tlsConfig := o.TLS
	if tlsConfig == nil {
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // one request a connection: HTTP/2 would put all on one
	return &http.Transport{
		Proxy:       o.Proxy,
		DialContext: dialer.DialContext,
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialTLS(ctx, dialer, tlsConfig, network, addr)
		},
		TLSClientConfig:        tlsConfig, // for the handshake behind a proxy
		TLSHandshakeTimeout:    o.RequestTimeout,
		MaxConnsPerHost:        o.MaxConnections,
		MaxIdleConnsPerHost:    o.MaxConnections,
		IdleConnTimeout:        0, // IGSend decides how long; a scrape interval may be an hour
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // see headerFor
		Protocols:              protocols,
	}
}

// dialTLS connects and shakes hands within the dialer's timeout. net/http would do
// the same, but report a connection that is cut within the handshake as any other.
func dialTLS(ctx context.Context, dialer *net.Dialer, config *tls.Config, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialer.Timeout)
	defer cancel()
	raw, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	config = config.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(addr) // net/http always passes host:port
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, &handshakeError{err}
	}
	return conn, nil
}

// A handshakeError tells a failed handshake from a failed connection.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }
