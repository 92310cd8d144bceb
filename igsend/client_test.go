package igsend_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// The simulated API checks each request against the documentation.
func TestTheRequestIsAsDocumented(t *testing.T) {
	server := igsendtest.NewTLSServer(keys)
	defer server.Close()
	server.SetClient(client, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
	compare(t, outcome{Balances: whole}, ask(t, newClient(t, server, nil)))
	if diff := cmp.Diff([]string(nil), server.Stats().BadRequests); diff != "" {
		t.Errorf("bad requests (-want +got):\n%s", diff)
	}
}

// The request is compared byte by byte. It has no body, and no header that announces one.
func TestTheRequestOnTheWire(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	wire := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			wire <- err.Error()
			return
		}
		defer conn.Close()
		var request strings.Builder
		for buffer := make([]byte, 1); !strings.HasSuffix(request.String(), "\r\n\r\n"); {
			if _, err := conn.Read(buffer); err != nil {
				break
			}
			request.Write(buffer)
		}
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		after, _ := io.ReadAll(conn) // until the client closes; nothing may follow
		wire <- request.String() + string(after)
	}()
	c, err := igsend.NewClient(igsend.Options{Endpoint: "http://" + listener.Addr().String() + igsendtest.Path})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, c)
	c.Close()
	want := "GET /services/clientbalance/?ClientID=100045 HTTP/1.1\r\nHost: " + listener.Addr().String() + "\r\n" +
		"User-Agent: igsend-go\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n" +
		"Authorization: Basic cHVibGljLWtleS00ZjFjOnByaXZhdGUva2V5KzlhN2U9\r\n\r\n"
	if diff := cmp.Diff(want, <-wire); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := igsendtest.NewServer(keys)
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := igsendtest.NewServer(keys)
		server.SetClient(client, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
		server.SetFault(igsendtest.WithHeader("Location", other.Endpoint()+"?ClientID=100045", igsendtest.StatusBody(status, documented)))
		compare(t, reason(igsend.ReasonHTTP, status).retrieved(), ask(t, newClient(t, server, nil)))
		server.Close()
	}
	if got := other.Stats().Requests; got != 0 {
		t.Errorf("%d requests reached another host", got)
	}
}

// An answer may repeat the keys in any place. They must not show up in what the client
// returns.
func TestEchoedKeysAreNotRepeated(t *testing.T) {
	for name, fault := range map[string]igsendtest.Fault{
		"in rows":     igsendtest.EchoKeys(200, 1),
		"in Message":  igsendtest.EchoKeys(200, 2),
		"with a 500":  igsendtest.EchoKeys(500, 1),
		"with a 302":  igsendtest.EchoKeys(302, 1),
		"with a 429":  igsendtest.EchoKeys(429, 2),
		"in a name":   igsendtest.EchoKeysMalformed,
		"not in HTTP": igsendtest.EchoKeysNotHTTP,
	} {
		t.Run(name, func(t *testing.T) {
			server := igsendtest.NewServer(keys)
			defer server.Close()
			server.SetFault(fault)
			got := ask(t, newClient(t, server, nil)) // checks that the error contains no key
			for _, b := range got.Balances {
				for _, text := range []string{b.Reported, b.Currency, b.State} {
					if folded := strings.ToLower(text); strings.Contains(folded, "4f1c") || strings.Contains(folded, "9a7e") {
						t.Errorf("a balance contains a key: %+v", b)
					}
				}
			}
			if strings.Contains(got.Err.Message, "4f1c") || strings.Contains(got.Err.Message, "9a7e") {
				t.Errorf("the message contains a key: %s", got.Err.Message)
			}
		})
	}
}

func TestConnectionsAreKept(t *testing.T) {
	const most = 5
	server := igsendtest.NewTLSServer(keys)
	defer server.Close()
	server.SetClient(client, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
	c := newClient(t, server, func(o *igsend.Options) { o.MaxConnections = most })
	atOnce(t, server, c, most)
	var calls sync.WaitGroup
	for range 10 * most {
		calls.Go(func() {
			if _, err := c.Balances(t.Context(), keys, client); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if got := server.Stats().Connections; got != most {
		t.Errorf("%d connections were opened, want %d, as many as were in use at once", got, most)
	}
}

// atOnce makes n calls that are all in flight at the same time, each on its own connection.
func atOnce(t *testing.T, server *igsendtest.Server, c *igsend.Client, n int) {
	t.Helper()
	arrived, release := make(chan struct{}, n), make(chan struct{})
	hold := igsendtest.Hold(release, igsendtest.Documented)
	server.SetFault(func(w http.ResponseWriter, r *http.Request, documented []byte) {
		arrived <- struct{}{}
		hold(w, r, documented)
	})
	defer server.SetFault(nil)
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() { _, _ = c.Balances(t.Context(), keys, client) })
	}
	for range n {
		<-arrived
	}
	close(release)
	calls.Wait()
}

// Keys may change while a client is in use. Each call sends the keys that it was given.
func TestEachCallHasItsOwnKeys(t *testing.T) {
	server := igsendtest.NewServer(keys)
	defer server.Close()
	server.SetRefusal(igsendtest.Status(401))
	c := newClient(t, server, nil)
	next := igsend.Keys{Public: "next-4f1c", Private: "next-9a7e"}
	for _, test := range []struct {
		keys   igsend.Keys
		status int
	}{{keys, 200}, {next, 401}, {keys, 200}} {
		_, err := c.Balances(t.Context(), test.keys, client)
		var e *igsend.Error
		if !errors.As(err, &e) || e.HTTPStatus != test.status {
			t.Errorf("got %v, want HTTP status %d", err, test.status)
		}
	}
}

// With HTTP/2, all requests would share one connection and fail together with it.
func TestHTTP2IsNotUsed(t *testing.T) {
	protocols := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protocols <- r.Proto }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	c, err := igsend.NewClient(igsend.Options{Endpoint: server.URL, TLS: &tls.Config{RootCAs: pool}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	compare(t, malformed.transient(), ask(t, c))
	if got := <-protocols; got != "HTTP/1.1" {
		t.Errorf("the request used %s, want HTTP/1.1", got)
	}
}

// A connection is used again after an error.
func TestConnectionsSurviveFailures(t *testing.T) {
	server := igsendtest.NewServer(keys)
	defer server.Close()
	c := newClient(t, server, func(o *igsend.Options) { o.MaxConnections = 1 })
	for _, fault := range []igsendtest.Fault{
		igsendtest.Status(401), igsendtest.Status(403), igsendtest.Status(429), igsendtest.Status(500), igsendtest.StatusBody(200, "<html>"),
		igsendtest.StatusBody(401, strings.Repeat("x", 100_000)), igsendtest.Rejected(10009, "no"), igsendtest.GzipTruncated,
	} {
		server.SetFault(fault)
		ask(t, c)
	}
	if got := server.Stats().Connections; got != 1 {
		t.Errorf("%d connections, want 1", got)
	}
}

func TestBalanceUnits(t *testing.T) {
	for name, test := range map[string]struct {
		unit               igsend.Unit
		reported, currency string
		want               string
	}{
		"major":                        {igsend.UnitMajor, "1400000", "GBP", "1400000"},
		"pence":                        {igsend.UnitMinor, "1400000", "GBP", "14000"},
		"a fraction of a penny":        {igsend.UnitMinor, "12.5", "GBP", "0.125"},
		"yen":                          {igsend.UnitMinor, "1400000", "JPY", "1400000"},
		"fils":                         {igsend.UnitMinor, "1400000", "KWD", "1400"},
		"ten thousandths":              {igsend.UnitMinor, "1400000", "CLF", "140"},
		"IQD, where CLDR has 0 digits": {igsend.UnitMinor, "1400000", "IQD", "1400"},
		"COP, where CLDR has 0 digits": {igsend.UnitMinor, "1400000", "COP", "14000"},
		"SLE, newer than some tables":  {igsend.UnitMinor, "1400000", "SLE", "14000"},
		"a negative balance":           {igsend.UnitMinor, "-5", "EUR", "-0.05"},
		"a currency that is unknown":   {igsend.UnitMinor, "1400000", "ZZZ", ""},
		"one without a minor unit":     {igsend.UnitMinor, "1400000", "XAU", ""},
		"a former one":                 {igsend.UnitMinor, "1400000", "DEM", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := igsendtest.NewServer(keys)
			defer server.Close()
			server.SetClient(client, igsendtest.Client{Rows: []igsendtest.Row{{Balance: test.reported, Currency: test.currency}}})
			got := ask(t, newClient(t, server, func(o *igsend.Options) { o.BalanceUnit = test.unit }))
			if test.want == "" {
				compare(t, malformed.retrieved(), got)
				return
			}
			want := balance(test.want, test.currency, "IN_CREDIT")
			want.Reported = test.reported
			compare(t, outcome{Balances: []igsend.Balance{want}}, got)
		})
	}
}

func TestNewClientNamesTheOption(t *testing.T) {
	for _, endpoint := range []string{"", "api.igsend.co.uk", "https://", "http://[::1"} {
		if _, err := igsend.NewClient(igsend.Options{Endpoint: endpoint}); err == nil || !strings.Contains(err.Error(), "endpoint") {
			t.Errorf("endpoint %q: got %v, want an error that names it", endpoint, err)
		}
	}
}

// A transport from the options gets the same request, and Close closes it too.
func TestTransportOption(t *testing.T) {
	transport := &recorder{err: errors.New("private/key+9a7e= is not for logs")}
	c, err := igsend.NewClient(igsend.Options{Endpoint: igsend.LiveEndpoint, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, reason(igsend.ReasonNetwork, 0).transient(), ask(t, c))
	c.Close()
	if got, want := transport.url, "https://api.igsend.co.uk/services/clientbalance/?ClientID=100045"; got != want {
		t.Errorf("requested %s, want %s", got, want)
	}
	if !transport.closed {
		t.Error("the transport was not closed")
	}
}

type recorder struct {
	err    error
	url    string
	closed bool
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.url = request.URL.String()
	return nil, r.err
}

func (r *recorder) CloseIdleConnections() { r.closed = true }

// A dial that nobody waits for any longer ends with the timeout.
func TestNoDialOutlivesTheTimeout(t *testing.T) {
	server := igsendtest.NewTLSServer(keys)
	defer server.Close()
	server.SetHandshake(igsendtest.HandshakeHangs)
	c := newClient(t, server, func(o *igsend.Options) { o.RequestTimeout = 50 * time.Millisecond; o.MaxConnections = 1 })
	for range 3 { // with one connection, a dial that went on would block the next call
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err := c.Balances(ctx, keys, client)
		cancel()
		var e *igsend.Error
		if !errors.As(err, &e) || e.Reason != igsend.ReasonTimeout {
			t.Fatalf("got %v, want a timeout", err)
		}
	}
}
