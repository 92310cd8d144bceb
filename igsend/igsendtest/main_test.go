package igsendtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var (
	keys      = igsend.Keys{Public: "pub-7f3a", Private: "priv:secret/42+"}
	otherKeys = igsend.Keys{Public: "pub-7f3a", Private: "rotated"}
)

// refusal is what IGSend answers to keys that it refuses.
const refusal = `{"coreRes": {"status": 2, "Message": "Data validation failed. Info: Security Unauthorised Access", "MessageID": 10009}}`

const documentedBody = `{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [{"ClientID": 100000, "AccountBalance": "1400000", "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}]}`

// documentedClient is the client of the example in IGSend's documentation.
func documentedClient() igsendtest.Client {
	return igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP", State: "IN_CREDIT"}}}
}

// An answer is what a plain net/http client makes of one call.
type answer struct {
	Status int
	Body   string
	Err    string // of the request or of reading the body
}

// newClient returns an HTTP client that follows no redirect and unpacks nothing.
func newClient(t *testing.T, srv *igsendtest.Server) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig:    srv.TLSClientConfig(),
		DisableCompression: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newRequest is a request for a client's balance exactly as documented.
func newRequest(ctx context.Context, srv interface{ Endpoint() string }, id igsend.ClientID) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s?ClientID=%d", srv.Endpoint(), id), nil)
	if err != nil {
		panic(err)
	}
	r.SetBasicAuth(keys.Public, keys.Private)
	return r
}

// do returns the answer to the request, and its header.
func do(client *http.Client, r *http.Request) (answer, http.Header) {
	resp, err := client.Do(r)
	if err != nil {
		return answer{Err: err.Error()}, nil
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	a := answer{Status: resp.StatusCode, Body: string(body)}
	if err != nil {
		a.Err = err.Error()
	}
	return a, resp.Header
}

// ask asks for the balance of a client, on a connection of its own.
func ask(t *testing.T, srv *igsendtest.Server, id igsend.ClientID) answer {
	t.Helper()
	a, _ := do(newClient(t, srv), newRequest(t.Context(), srv, id))
	return a
}
