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

// The endpoints of the Client Balance method, from IGSend's documentation. Each has its
// own keys.
const (
	LiveEndpoint    = "https://api.igsend.co.uk/services/clientbalance/"
	SandboxEndpoint = "https://sandbox.api.igsend.co.uk/services/clientbalance/"
)

// Client calls IGSend's Client Balance method. It is safe for concurrent use. It keeps
// its connections open until Close.
type Client struct {
	endpoint  *url.URL
	timeout   time.Duration
	unit      Unit
	userAgent string
	transport http.RoundTripper
	buffers   buffers
	// header is the header of the latest request. Requests with the same keys share it,
	// because building one costs as much as decoding an answer.
	header atomic.Pointer[header]
}

type header struct {
	keys   Keys
	fields http.Header
}

// NewClient returns a client with the given options. It fails if Endpoint is not an
// absolute URL.
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

// Balances asks once for the balances of one client and returns one for each currency.
// It takes at most Options.RequestTimeout, and no longer than ctx allows.
//
// A non-nil error is always an [*Error]. If only some rows of the answer are valid,
// Balances returns the balances of those rows and an error: the balances are correct,
// but some are missing. If the cause of ctx is context.DeadlineExceeded, the reason is
// ReasonTimeout; for any other cancellation it is ReasonCanceled.
//
// Balances does not retry and does not follow redirects, so the keys are only ever sent
// to Options.Endpoint. As with any GET, net/http sends the request again on another
// connection if the idle connection that it chose turns out to be closed.
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

// Close closes idle connections. Connections in use are closed when their call is done.
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
		// Setting this keeps net/http from decompressing the body. A body that is
		// cut off and a compressed text that is cut off are different errors.
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
