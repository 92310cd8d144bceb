package igsendtest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestServersAnswer(t *testing.T) {
	for name, newServer := range map[string]func() *igsendtest.Server{
		"http":  func() *igsendtest.Server { return igsendtest.NewServer(keys) },
		"https": func() *igsendtest.Server { return igsendtest.NewTLSServer(keys) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer()
			defer srv.Close()
			srv.SetClient(100000, documentedClient())
			client := newClient(t, srv)
			for range 3 {
				got, _ := do(client, newRequest(t.Context(), srv, 100000))
				if diff := cmp.Diff(answer{Status: 200, Body: documentedBody}, got); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
			}
			if got := srv.Stats().Connections; got != 1 {
				t.Errorf("%d connections for three calls, want 1", got)
			}
		})
	}
}

func TestEndpointIsReachedWithoutHelp(t *testing.T) {
	srv := igsendtest.NewTLSServer(keys)
	defer srv.Close()
	srv.SetClient(100000, documentedClient())

	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(srv.CertificatePEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(newRequest(t.Context(), srv, 100000))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if string(body) != documentedBody || err != nil || resp.Proto != "HTTP/1.1" {
		t.Errorf("got %q, %v over %s", body, err, resp.Proto)
	}

	srv.TLSClientConfig().RootCAs = nil // changes only this one
	if got, _ := do(newClient(t, srv), newRequest(t.Context(), srv, 100000)); got.Status != 200 {
		t.Errorf("answer %+v", got)
	}

	plain := igsendtest.NewServer(keys)
	defer plain.Close()
	if plain.CertificatePEM() != nil || plain.TLSClientConfig() != nil {
		t.Error("a server without TLS has a certificate")
	}
}

func TestTLSFaults(t *testing.T) {
	call := func(ctx context.Context, t *testing.T, srv *igsendtest.Server) error {
		t.Helper()
		_, err := newClient(t, srv).Do(newRequest(ctx, srv, 100000))
		return err
	}

	t.Run("closes", func(t *testing.T) {
		srv := igsendtest.NewTLSServer(keys)
		defer srv.Close()
		srv.SetHandshake(igsendtest.HandshakeCloses)
		if err := call(t.Context(), t, srv); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want EOF", err)
		}
	})
	t.Run("hangs", func(t *testing.T) {
		srv := igsendtest.NewTLSServer(keys)
		srv.SetHandshake(igsendtest.HandshakeHangs)
		client := newClient(t, srv)
		client.Transport.(*http.Transport).TLSHandshakeTimeout = 50 * time.Millisecond
		if a, _ := do(client, newRequest(t.Context(), srv, 100000)); !strings.HasSuffix(a.Err, "TLS handshake timeout") {
			t.Errorf("got %+v", a)
		}
		srv.Close()
		if diff := cmp.Diff(igsendtest.Stats{Connections: 1, MaxOpenConnections: 1}, srv.Stats()); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	})
	t.Run("unknown authority", func(t *testing.T) {
		srv := igsendtest.NewTLSServer(keys)
		defer srv.Close()
		_, err := http.DefaultClient.Do(newRequest(t.Context(), srv, 100000))
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
			t.Errorf("got %v", err)
		}
	})
}

// Close must end calls that would never end by themselves. goleak finds any goroutine left.
func TestCloseEndsEverything(t *testing.T) {
	for name, newServer := range map[string]func() *igsendtest.Server{
		"http":  func() *igsendtest.Server { return igsendtest.NewServer(keys) },
		"https": func() *igsendtest.Server { return igsendtest.NewTLSServer(keys) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer()
			var begun sync.WaitGroup
			var running atomic.Int32
			arrives := func(fault igsendtest.Fault) igsendtest.Fault {
				begun.Add(1)
				return func(w http.ResponseWriter, r *http.Request, documented []byte) {
					running.Add(1)
					defer running.Add(-1)
					begun.Done()
					fault(w, r, documented)
				}
			}
			faults := []igsendtest.Fault{
				igsendtest.Hang, igsendtest.Hold(make(chan struct{}), igsendtest.Documented), igsendtest.Delay(1<<62, igsendtest.Documented), igsendtest.Drip(1 << 62), igsendtest.SlowHeaders(1 << 62),
			}
			results := make(chan answer)
			for i, fault := range faults {
				id := igsend.ClientID(i + 1)
				srv.SetClient(id, igsendtest.Client{Fault: arrives(fault)})
				client := newClient(t, srv)
				go func() {
					a, _ := do(client, newRequest(context.Background(), srv, id))
					results <- a
				}()
			}
			idle := newClient(t, srv)
			if a, _ := do(idle, newRequest(t.Context(), srv, 9)); a.Status != 200 {
				t.Fatalf("answer for the idle connection: %+v", a)
			}
			begun.Wait()

			srv.Close()
			if n := running.Load(); n != 0 {
				t.Errorf("%d handlers are running after Close", n)
			}
			srv.Close()
			for range faults {
				if a := <-results; a.Err == "" {
					t.Errorf("a call that hangs was answered: %+v", a)
				}
			}
			if a, _ := do(idle, newRequest(t.Context(), srv, 9)); a.Err == "" {
				t.Errorf("a closed server answers: %+v", a)
			}
		})
	}
}

// net/http no longer waits for a handler that has taken over its connection.
func TestCloseWaitsForHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := igsendtest.NewServer(keys)
		canceled, release := make(chan struct{}), make(chan struct{})
		srv.SetFault(func(w http.ResponseWriter, r *http.Request, _ []byte) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close()
			<-r.Context().Done()
			close(canceled)
			<-release
		})
		conn := dial(t, srv)
		if err := newRequest(t.Context(), srv, 1).Write(conn); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil { // until the handler closes it
			t.Fatal(err)
		}
		closed := make(chan struct{})
		go func() {
			srv.Close()
			close(closed)
		}()
		<-canceled
		synctest.Wait()
		select {
		case <-closed:
			t.Error("Close returned while a handler was running")
		default:
		}
		close(release)
		<-closed
	})
}

// A client that reads nothing must not keep a handler, and so Close, waiting.
func TestCloseEndsWritesThatAreStuck(t *testing.T) {
	srv := igsendtest.NewServer(keys)
	srv.SetFault(igsendtest.Huge(1 << 30))
	conn := dial(t, srv)
	if err := newRequest(t.Context(), srv, 1).Write(conn); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() {
		srv.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("Close waits for a handler that can't write")
	}
}

func TestHangEndsWhenTheClientGoes(t *testing.T) {
	srv := igsendtest.NewServer(keys)
	defer srv.Close()
	hangs, ended := make(chan struct{}), make(chan struct{})
	srv.SetFault(func(w http.ResponseWriter, r *http.Request, documented []byte) {
		close(hangs)
		defer close(ended)
		igsendtest.Hang(w, r, documented)
	})
	ctx, hangUp := context.WithCancel(t.Context())
	result := make(chan answer)
	client := newClient(t, srv)
	go func() {
		a, _ := do(client, newRequest(ctx, srv, 1))
		result <- a
	}()
	<-hangs
	hangUp()
	if a := <-result; !strings.HasSuffix(a.Err, "context canceled") {
		t.Errorf("got %+v", a)
	}
	<-ended
}

// dial opens a TCP connection to the server.
func dial(t *testing.T, srv *igsendtest.Server) net.Conn {
	t.Helper()
	address, err := url.Parse(srv.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
