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

// A Server serves an [API] over HTTP/1.1. Scripting and counting are done on the
// API, which is embedded.
type Server struct {
	*API

	endpoint string
	cert     *certificate // nil without TLS

	http   *http.Server
	cancel context.CancelFunc // ends the context of every request
	served chan struct{}      // closed when nothing is accepted any more
}

// NewServer starts a server on a free port of the loopback interface. It panics
// when there is none, as net/http/httptest does.
func NewServer(keys igsend.Keys) *Server {
	listener := listen()
	return start(&Server{
		API:      NewAPI(keys),
		endpoint: "http://" + listener.Addr().String() + Path,
	}, listener)
}

// NewTLSServer is NewServer over TLS, with a certificate of its own making for
// 127.0.0.1 that a client has to trust: see [Server.TLSClientConfig]. The faults
// spoil every handshake.
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

// TLSClientConfig returns a new configuration that trusts the server; nil when the
// server doesn't speak TLS.
func (s *Server) TLSClientConfig() *tls.Config {
	if s.cert == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.cert.pem)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// CertificatePEM returns what a client has to trust, as the content of a CA file;
// nil when the server doesn't speak TLS.
func (s *Server) CertificatePEM() []byte {
	if s.cert == nil {
		return nil
	}
	return s.cert.pem
}

// Close ends the server and everything in it: when it returns, connections are
// closed and no handler runs, the hanging ones included. It may be called again.
func (s *Server) Close() {
	s.cancel()
	_ = s.http.Close()
	<-s.served
	// What was being accepted during the first Close is known to the second.
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
		ErrorLog:    log.New(io.Discard, "", 0), // failing handshakes are the purpose
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
