package igsendtest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestServersAnswer(t *testing.T) {
	for name, newServer := range map[string]func() *igsendtest.Server{
		"http":  func() *igsendtest.Server { return igsendtest.NewServer(keys) },
		"https": func() *igsendtest.Server { return igsendtest.NewTLSServer(keys) },
		"pipe":  func() *igsendtest.Server { return igsendtest.NewPipeServer(keys) },
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
				t.Errorf("%d connections for three calls, want one that is kept", got)
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

	plain := igsendtest.NewServer(keys)
	defer plain.Close()
	if plain.CertificatePEM() != nil || plain.TLSClientConfig() != nil {
		t.Error("a server without TLS has something to trust")
	}
}

func TestTLSFaults(t *testing.T) {
	call := func(ctx context.Context, t *testing.T, srv *igsendtest.Server) error {
		t.Helper()
		_, err := newClient(t, srv).Do(newRequest(ctx, srv, 100000))
		return err
	}

	t.Run("expired", func(t *testing.T) {
		srv := igsendtest.NewTLSServer(keys, igsendtest.ExpiredCertificate)
		defer srv.Close()
		invalid, ok := errors.AsType[x509.CertificateInvalidError](call(t.Context(), t, srv))
		if !ok || invalid.Reason != x509.Expired {
			t.Errorf("got %v", invalid)
		}
	})
	t.Run("wrong host", func(t *testing.T) {
		srv := igsendtest.NewTLSServer(keys, igsendtest.WrongHost)
		defer srv.Close()
		err := call(t.Context(), t, srv)
		if _, ok := errors.AsType[x509.HostnameError](err); !ok {
			t.Errorf("got %v", err)
		}
	})
	t.Run("closes", func(t *testing.T) {
		srv := igsendtest.NewTLSServer(keys, igsendtest.HandshakeCloses)
		defer srv.Close()
		if err := call(t.Context(), t, srv); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want EOF", err)
		}
	})
	t.Run("hangs", func(t *testing.T) {
		srv := igsendtest.NewTLSServer(keys, igsendtest.HandshakeHangs)
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

// Close must end what would never end by itself: goleak and the counts see the rest.
func TestCloseEndsEverything(t *testing.T) {
	for name, newServer := range map[string]func() *igsendtest.Server{
		"http":  func() *igsendtest.Server { return igsendtest.NewServer(keys) },
		"https": func() *igsendtest.Server { return igsendtest.NewTLSServer(keys) },
		"pipe":  func() *igsendtest.Server { return igsendtest.NewPipeServer(keys) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer()
			forever := make(chan struct{})
			srv.SetClientFault(1, igsendtest.Hang)
			srv.SetClientFault(2, igsendtest.Hold(forever, nil))
			srv.SetClientFault(3, igsendtest.Delay(1<<62, nil))
			srv.SetClient(4, igsendtest.Client{Latency: 1 << 62})
			srv.SetClientFault(5, igsendtest.SlowHeaders(1<<62))

			results := make(chan answer)
			for _, r := range []*http.Request{
				newRequest(context.Background(), srv, 1), newRequest(context.Background(), srv, 2),
				newRequest(context.Background(), srv, 3), newRequest(context.Background(), srv, 4),
				newRequest(context.Background(), srv, 5),
			} {
				client := newClient(t, srv)
				go func() {
					a, _ := do(client, r)
					results <- a
				}()
			}
			idle := newClient(t, srv)
			if a, _ := do(idle, newRequest(t.Context(), srv, 6)); a.Status != 200 {
				t.Fatalf("answer for the idle connection: %+v", a)
			}
			await(t, srv, func(s igsendtest.Stats) bool { return s.Requests == 6 && s.InFlight == 4 }) // the fifth has begun to answer

			srv.Close()
			srv.Close()
			for range 5 {
				if a := <-results; a.Status != 0 || a.Err == "" {
					t.Errorf("a call that hangs was answered: %+v", a)
				}
			}
			stats := srv.Stats()
			if stats.InFlight != 0 || stats.OpenConnections != 0 {
				t.Errorf("left over after Close: %+v", stats)
			}
			if a, _ := do(idle, newRequest(t.Context(), srv, 6)); a.Err == "" {
				t.Errorf("a closed server answers: %+v", a)
			}
		})
	}
}

func TestHangEndsWhenTheClientGoes(t *testing.T) {
	srv := igsendtest.NewServer(keys)
	defer srv.Close()
	srv.SetFault(igsendtest.Hang)
	ctx, hangUp := context.WithCancel(t.Context())
	result := make(chan answer)
	client := newClient(t, srv)
	go func() {
		a, _ := do(client, newRequest(ctx, srv, 1))
		result <- a
	}()
	await(t, srv, func(s igsendtest.Stats) bool { return s.InFlight == 1 })
	hangUp()
	if a := <-result; !strings.HasSuffix(a.Err, "context canceled") {
		t.Errorf("got %+v", a)
	}
	await(t, srv, func(s igsendtest.Stats) bool { return s.InFlight == 0 && s.OpenConnections == 0 })
}

func TestDialContextHonoursItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, srv := range []*igsendtest.Server{igsendtest.NewServer(keys), igsendtest.NewPipeServer(keys)} {
		srv.Close()
		if _, err := srv.DialContext(ctx, "", ""); err == nil {
			t.Error("dialled a closed server")
		}
		if conn, err := srv.DialContext(t.Context(), "", ""); err == nil {
			_ = conn.Close()
			t.Error("dialled a closed server")
		} else if _, ok := errors.AsType[*net.OpError](err); !ok {
			t.Errorf("error %T, want a *net.OpError", err)
		}
	}
}
