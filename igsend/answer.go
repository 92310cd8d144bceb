package igsend

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxBodySize limits an answer, before and after decompression. The documented
	// one has 300 bytes.
	maxBodySize = 1 << 20
	// maxPooledBuffer keeps a large answer from staying in memory forever.
	maxPooledBuffer = 64 << 10
	// maxRetryAfter limits how long a 429 can stop requests.
	maxRetryAfter = 5 * time.Minute
)

var errTooLarge = fmt.Errorf("more than %d bytes", maxBodySize)

// judge reads an HTTP answer and returns what it says. It reads to the end, so that the
// connection can be used again.
func (c *Client) judge(ctx context.Context, resp *http.Response, d decoder) ([]Balance, error) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the connection itself, so reading it could block forever.
		return nil, &Error{Reason: ReasonHTTP}
	}
	buffer := c.buffers.get()
	defer c.buffers.put(buffer)
	body, err := readBody(resp, buffer)
	d.trace(ctx, resp.StatusCode, body)
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, d.byStatus(ReasonUnauthorized, body)
	case http.StatusTooManyRequests:
		e := d.byStatus(ReasonRateLimited, body)
		e.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
		return nil, e
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, &Error{Reason: ContextReason(ctx)}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, d.outside2xx(resp.StatusCode, body)
	case err != nil:
		return nil, bodyError(err, d.keys)
	}
	return d.decode(body)
}

// byStatus returns the error for an answer whose status alone gives the reason. The body
// only adds IGSend's message.
func (d decoder) byStatus(reason Reason, body []byte) *Error {
	e := &Error{Reason: reason}
	if doc, err := d.parse(body); err == nil {
		return d.explain(doc, e)
	}
	return e
}

// outside2xx returns the error for an answer with another status. If the body says that
// IGSend rejected the call, that is the reason, not the status.
func (d decoder) outside2xx(status int, body []byte) error {
	e := &Error{Reason: ReasonHTTP}
	if doc, err := d.parse(body); err == nil {
		if rejected := d.rejection(doc); rejected != nil {
			return rejected
		}
		e = d.explain(doc, e)
	}
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.Transient = true
	}
	return e
}

// finish sets the fields that every error about an HTTP answer has.
func finish(err error, id ClientID, status int) error {
	var e *Error
	if errors.As(err, &e) {
		e.ClientID, e.HTTPStatus = id, status
	}
	return err
}

// readBody reads and decompresses the body. The result may share memory with buffer. If
// reading fails, readBody also returns what it has read so far.
func readBody(resp *http.Response, buffer *bytes.Buffer) ([]byte, error) {
	if _, err := buffer.ReadFrom(io.LimitReader(resp.Body, maxBodySize+1)); err != nil {
		return buffer.Bytes(), err
	}
	if buffer.Len() > maxBodySize {
		return nil, errTooLarge
	}
	switch encoding := strings.ToLower(resp.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return buffer.Bytes(), nil
	case "gzip", "x-gzip":
		return gunzip(buffer)
	}
	return nil, &encodingError{errors.New("neither gzip nor identity")}
}

func gunzip(compressed io.Reader) ([]byte, error) {
	reader, err := gzip.NewReader(compressed)
	if err != nil {
		return nil, &encodingError{err}
	}
	body, err := io.ReadAll(io.LimitReader(reader, maxBodySize+1))
	switch {
	case err != nil:
		return nil, &encodingError{err}
	case len(body) > maxBodySize:
		return nil, errTooLarge
	}
	return body, nil
}

// An encodingError reports a body that arrived complete but can't be decompressed.
type encodingError struct{ err error }

func (e *encodingError) Error() string { return "content encoding: " + e.err.Error() }
func (e *encodingError) Unwrap() error { return e.err }

// bodyError returns the error for a 2xx answer whose body could not be read.
func bodyError(err error, keys Keys) *Error {
	var encoding *encodingError
	switch {
	case errors.Is(err, errTooLarge):
		return &Error{Reason: ReasonMalformed, Err: err}
	case errors.As(err, &encoding):
		endsEarly := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
		return &Error{Reason: ReasonMalformed, Transient: endsEarly, Err: err}
	case isTLS(err):
		return &Error{Reason: ReasonTLS, Err: presentable(err, keys)}
	}
	return &Error{Reason: ReasonNetwork, Transient: true, Err: presentable(err, keys)}
}

// parseRetryAfter returns how long a Retry-After header asks to wait, at most five
// minutes. RFC 9110, section 10.2.3, allows seconds or a date. It returns 0 if the value
// is empty, invalid or a date in the past.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if isDigits(value) {
		seconds, err := strconv.Atoi(value)
		if limit := int(maxRetryAfter / time.Second); err != nil || seconds > limit {
			seconds = limit // a number that overflows is a long time, too
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}

// buffers is a pool of the buffers that bodies are read into.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *bytes.Buffer {
	if buffer, ok := b.pool.Get().(*bytes.Buffer); ok {
		return buffer
	}
	return new(bytes.Buffer)
}

func (b *buffers) put(buffer *bytes.Buffer) {
	if buffer.Cap() > maxPooledBuffer {
		return
	}
	buffer.Reset()
	b.pool.Put(buffer)
}
