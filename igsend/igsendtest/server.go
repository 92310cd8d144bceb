package igsendtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A Server serves an [API] over HTTP/1.1. The API is embedded: its methods set the
// answers and return the counts.
type Server struct {
	*API

	endpoint string
	cert     *certificate // nil without TLS

	http   *http.Server
	cancel context.CancelFunc // ends the context of every request
	served chan struct{}      // closed when the server no longer accepts connections
}

// NewServer starts a server on a free port of the loopback interface. Like
// net/http/httptest, it panics if it can't listen.
func NewServer(keys igsend.Keys) *Server {
	listener := listen()
	return start(&Server{
		API:      NewAPI(keys),
		endpoint: "http://" + listener.Addr().String() + Path,
	}, listener)
}

// NewTLSServer is like NewServer, but uses TLS with a self-signed certificate for
// 127.0.0.1. Clients have to trust it: see [Server.TLSClientConfig]. The faults affect
// every handshake.
func NewTLSServer(keys igsend.Keys, faults ...TLSFault) *Server {
	listener := listen()
	cert, config := newTLS(faults)
	return start(&Server{
		API:      NewAPI(keys),
		endpoint: "https://" + listener.Addr().String() + Path,
		cert:     cert,
	}, tls.NewListener(listener, config))
}

// Endpoint returns the URL of the Client Balance method, without the query.
func (s *Server) Endpoint() string { return s.endpoint }

// TLSClientConfig returns a new configuration that trusts the server, or nil if the
// server doesn't use TLS.
func (s *Server) TLSClientConfig() *tls.Config {
	if s.cert == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.cert.pem)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// CertificatePEM returns the certificate that a client has to trust, as the content of a
// CA file, or nil if the server doesn't use TLS.
func (s *Server) CertificatePEM() []byte {
	if s.cert == nil {
		return nil
	}
	return s.cert.pem
}

// Close shuts the server down. When it returns, all connections are closed and no handler
// is running, even those that were hanging. It may be called more than once.
func (s *Server) Close() {
	s.cancel()
	_ = s.http.Close()
	<-s.served
	// A connection accepted during the first Close is closed by the second.
	_ = s.http.Close()
	s.busy.Wait()
}

func start(s *Server, listener net.Listener) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.served = make(chan struct{})
	s.http = &http.Server{
		Handler:     s.API,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState:   s.connState,
		ErrorLog:    log.New(io.Discard, "", 0), // handshakes fail on purpose
	}
	go func() { // Serve, unlike ServeTLS, negotiates no HTTP/2
		defer close(s.served)
		_ = s.http.Serve(listener) // returns when Close ends it
	}()
	return s
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("igsendtest: %v", err))
	}
	return listener
}
