package igsendtest_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// A pipe serves an API on in-memory connections. In a testing/synctest bubble these block
// durably; sockets don't.
type pipe struct {
	*igsendtest.API
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

// newPipe returns a pipe and an HTTP client for it. Both are closed when the test ends.
func newPipe(t *testing.T) (*pipe, *http.Client) {
	t.Helper()
	closed := make(chan struct{})
	p := &pipe{igsendtest.NewAPI(keys), make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
	server := &http.Server{Handler: p.API, BaseContext: func(net.Listener) context.Context { return t.Context() }}
	go func() { _ = server.Serve(p) }()
	transport := &http.Transport{DialContext: p.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
	})
	return p, &http.Client{Transport: transport}
}

// Endpoint is like [igsendtest.Server.Endpoint].
func (*pipe) Endpoint() string { return "http://127.0.0.1" + igsendtest.Path }

// dial returns the client's end of a new connection once the server has accepted its end.
func (p *pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipe) Close() error {
	p.close()
	return nil
}

// Addr implements net.Listener.
func (*pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
