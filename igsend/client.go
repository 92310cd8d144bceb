package igsend

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// The endpoints of the Client Balance method, from IGSend's documentation. The keys
// of the two differ.
const (
	LiveEndpoint    = "https://api.igsend.co.uk/services/clientbalance/"
	SandboxEndpoint = "https://sandbox.api.igsend.co.uk/services/clientbalance/"
)

// Client asks IGSend's Client Balance method. It is safe for concurrent use and
// keeps its connections until Close.
type Client struct {
	endpoint  *url.URL
	timeout   time.Duration
	unit      Unit
	userAgent string
	transport http.RoundTripper
	buffers   buffers
	// header is that of the latest request. It is shared by all requests with the
	// same keys: building one costs as much as decoding an answer.
	header atomic.Pointer[header]
}

type header struct {
	keys   Keys
	fields http.Header
}

// NewClient returns a client for options. The error names the option.
func NewClient(options Options) (*Client, error) {
	endpoint, err := url.Parse(options.Endpoint)
	if err != nil || endpoint.Host == "" {
		return nil, fmt.Errorf("endpoint %q is not an absolute URL", options.Endpoint)
	}
	options = options.withDefaults()
	transport := options.Transport
	if transport == nil {
		transport = newTransport(options)
	}
	return &Client{
		endpoint:  endpoint,
		timeout:   options.RequestTimeout,
		unit:      options.BalanceUnit,
		userAgent: options.UserAgent,
		transport: transport,
	}, nil
}

// Balances asks once for the balances of one client, one for each currency. The
// answer takes at most the client's request timeout, and no more than ctx allows.
//
// The error is always an [*Error]. Balances and an error come together when some
// rows of the answer were good and others were not: what is returned is true, but
// it is not all that there is. A context whose cause is context.DeadlineExceeded
// gives ReasonTimeout, any other cancellation ReasonCanceled.
//
// Balances makes no second attempt and follows no redirect: the keys go where Options say
// and nowhere else. As with any GET, net/http itself sends the request again on another
// connection when the one it had kept turns out to be closed.
func (c *Client) Balances(ctx context.Context, keys Keys, id ClientID) ([]Balance, error) {
	requestCtx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, err := c.transport.RoundTrip(c.request(requestCtx, keys, id))
	if err != nil {
		return nil, transportError(requestCtx, keys, id, err)
	}
	defer resp.Body.Close()
	balances, err := c.judge(requestCtx, resp, decoder{id: id, unit: c.unit, keys: keys})
	if err != nil {
		return balances, finish(err, id, resp.StatusCode)
	}
	return balances, nil
}

// Close closes the connections that are idle, and those in use as soon as they are.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func (c *Client) request(ctx context.Context, keys Keys, id ClientID) *http.Request {
	u := *c.endpoint
	u.RawQuery = "ClientID=" + id.String()
	r := &http.Request{
		Method: http.MethodGet, URL: &u, Host: u.Host, Header: c.headerFor(keys),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return r.WithContext(ctx)
}

func (c *Client) headerFor(keys Keys) http.Header {
	if h := c.header.Load(); h != nil && h.keys == keys {
		return h.fields
	}
	h := &header{keys: keys, fields: http.Header{
		"Authorization": {"Basic " + keys.basic()},
		"Accept":        {"application/json"},
		// Asked for by hand, so that net/http leaves the body alone: a body that
		// breaks off and a compressed text that does are two different faults.
		"Accept-Encoding": {"gzip"},
		"User-Agent":      {c.userAgent},
	}}
	c.header.Store(h)
	return h.fields
}

// basic returns the credentials as RFC 7617 encodes them.
func (k Keys) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(k.Public + ":" + k.Private))
}
