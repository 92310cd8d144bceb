package igsend

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	// maxHeaderBytes limits the header of an answer. Real ones have a few hundred bytes.
	maxHeaderBytes = 64 << 10
	// keepAlive is how often an idle connection is probed, so that routers don't drop
	// it between two scrapes.
	keepAlive = 15 * time.Second
)

// newTransport returns a transport that opens at most MaxConnections connections
// and keeps them, so that the next scrape can use them again. Limiting the number of
// calls is not enough: when a connection becomes free while net/http dials another one
// for the same request, net/http uses the free one and still finishes the dial.
func newTransport(o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: o.RequestTimeout, KeepAlive: keepAlive}
	tlsConfig := o.TLS
	if tlsConfig == nil {
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // HTTP/2 would send all requests over one connection
	return &http.Transport{
		Proxy:       o.Proxy,
		DialContext: dialer.DialContext,
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialTLS(ctx, dialer, tlsConfig, network, addr)
		},
		TLSClientConfig:        tlsConfig, // for the handshake through a proxy
		TLSHandshakeTimeout:    o.RequestTimeout,
		MaxConnsPerHost:        o.MaxConnections,
		MaxIdleConnsPerHost:    o.MaxConnections,
		IdleConnTimeout:        0, // IGSend closes them; a scrape interval may be an hour
		MaxResponseHeaderBytes: maxHeaderBytes,
		Protocols:              protocols,
	}
}

// dialTLS connects and completes the TLS handshake within the dialer's timeout. net/http
// could do this too, but its errors would not tell a connection that is closed during
// the handshake from any other closed connection.
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

// A handshakeError reports that the TLS handshake failed, not the connection.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }
