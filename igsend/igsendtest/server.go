package igsendtest

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A Server serves an [API] over HTTP/1.1 on a free port of the loopback interface. The
// methods of the API set the answers and return the counts.
type Server struct {
	*API
	http     *httptest.Server
	cancel   context.CancelFunc // ends the context of every request
	handlers sync.WaitGroup

	mu        sync.Mutex
	handshake func(*tls.ClientHelloInfo) (*tls.Config, error)
}

// NewServer starts a server. Like net/http/httptest, it panics if it can't listen.
func NewServer(keys igsend.Keys) *Server {
	s := newServer(keys)
	s.http.Start()
	return s
}

// NewTLSServer is like NewServer, but uses TLS with the certificate of net/http/httptest
// for 127.0.0.1. Clients have to trust it: see [Server.TLSClientConfig].
func NewTLSServer(keys igsend.Keys) *Server {
	s := newServer(keys)
	s.http.StartTLS()
	return s
}

func newServer(keys igsend.Keys) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{API: NewAPI(keys), cancel: cancel}
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handlers.Add(1)
		defer s.handlers.Done()
		s.ServeHTTP(w, r)
	}))
	s.http.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	s.http.Config.ConnState = s.connState
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	s.http.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s.mu.Lock()
		handshake := s.handshake
		s.mu.Unlock()
		if handshake == nil {
			return nil, nil
		}
		return handshake(hello)
	}}
	return s
}

// Endpoint returns the URL of the Client Balance method, without the query.
func (s *Server) Endpoint() string { return s.http.URL + Path }

// TLSClientConfig returns a new configuration that trusts the server, or nil if the
// server doesn't use TLS.
func (s *Server) TLSClientConfig() *tls.Config {
	return s.http.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
}

// CertificatePEM returns the certificate that a client has to trust, as the content of a
// CA file, or nil if the server doesn't use TLS. Its private key is public, so only tests
// may trust it.
func (s *Server) CertificatePEM() []byte {
	certificate := s.http.Certificate()
	if certificate == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}

// SetHandshake sets what the server does in every TLS handshake, such as
// [HandshakeCloses]. It is like GetConfigForClient of [tls.Config]. Nil ends that.
func (s *Server) SetHandshake(f func(*tls.ClientHelloInfo) (*tls.Config, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handshake = f
}

// HandshakeCloses closes the connection in the middle of the handshake.
func HandshakeCloses(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	_ = hello.Conn.Close()
	return nil, net.ErrClosed
}

// HandshakeHangs never answers. It returns when the client gives up or the server is
// closed.
func HandshakeHangs(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	<-hello.Context().Done()
	return nil, hello.Context().Err()
}

// Close shuts the server down. When it returns, all connections are closed and no handler
// is running, even those that were hanging. It may be called more than once.
func (s *Server) Close() {
	s.cancel()
	s.http.CloseClientConnections()
	s.http.Close()
	s.handlers.Wait() // httptest doesn't wait for handlers that took over their connection
}
