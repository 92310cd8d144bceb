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

// refusal is what IGSend answers when it refuses the keys.
const refusal = `{"coreRes": {"status": 2, "Message": "Data validation failed. Info: Security Unauthorised Access", "MessageID": 10009}}`

const documentedBody = `{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [{"ClientID": 100000, "AccountBalance": "1400000", "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}]}`

// documentedClient returns the client in the example of IGSend's documentation.
func documentedClient() igsendtest.Client {
	return igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP", State: "IN_CREDIT"}}}
}

// An answer is the result of one call by a plain net/http client.
type answer struct {
	Status int
	Body   string
	Err    string // from the request or from reading the body
}

// newClient returns an HTTP client that neither follows redirects nor decompresses bodies.
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

// newRequest returns a request for a client's balance, exactly as documented.
func newRequest(ctx context.Context, srv interface{ Endpoint() string }, id igsend.ClientID) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s?ClientID=%d", srv.Endpoint(), id), nil)
	if err != nil {
		panic(err)
	}
	r.SetBasicAuth(keys.Public, keys.Private)
	return r
}

// do sends the request and returns the answer and its header.
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

// ask asks for the balance of a client on a new connection.
func ask(t *testing.T, srv *igsendtest.Server, id igsend.ClientID) answer {
	t.Helper()
	a, _ := do(newClient(t, srv), newRequest(t.Context(), srv, id))
	return a
}
