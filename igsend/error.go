package igsend

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Reason says in one word why IGSend gave no complete, valid answer. The words are
// a closed set: they become label values that alerts are written against.
type Reason string

// The reasons, from what the answer said to how it failed to arrive.
const (
	// ReasonMalformed: the answer is not what IGSend documents, or one of its rows is not.
	ReasonMalformed Reason = "malformed"
	// ReasonRejected: IGSend itself says that the call failed; see MessageID and Message.
	ReasonRejected Reason = "rejected"
	// ReasonUnauthorized: HTTP 401 or 403, or a message about unauthorised access.
	ReasonUnauthorized Reason = "unauthorized"
	// ReasonRateLimited: HTTP 429.
	ReasonRateLimited Reason = "rate_limited"
	// ReasonHTTP: any other HTTP status outside 2xx, redirects included.
	ReasonHTTP Reason = "http"
	// ReasonNetwork: DNS, connect, reset, or a body that ended before its announced end.
	ReasonNetwork Reason = "network"
	// ReasonTLS: the certificate or the handshake.
	ReasonTLS Reason = "tls"
	// ReasonTimeout: no complete answer in time, or no time left to ask.
	ReasonTimeout Reason = "timeout"
	// ReasonCredentials: a key can't be read.
	ReasonCredentials Reason = "credentials"
	// ReasonCanceled: whoever asked has hung up.
	ReasonCanceled Reason = "canceled"
)

// Reasons returns every reason there is.
func Reasons() []Reason {
	return []Reason{
		ReasonMalformed, ReasonRejected, ReasonUnauthorized, ReasonRateLimited, ReasonHTTP,
		ReasonNetwork, ReasonTLS, ReasonTimeout, ReasonCredentials, ReasonCanceled,
	}
}

// An Error is the failure of one call. It never holds a key: texts that came from
// the network are cleaned of them.
type Error struct {
	// Reason is always set.
	Reason Reason
	// ClientID is the client that was asked for; 0 when no client was.
	ClientID ClientID
	// HTTPStatus is the status of the answer; 0 when there was none.
	HTTPStatus int
	// MessageID is IGSend's number for what went wrong; 0 when the answer held none.
	// IGSend documents 10009, for every validation failure; Message says which one.
	MessageID int64
	// Message is IGSend's own text, at most 200 characters of it, with keys replaced.
	Message string
	// RetryAfter is how long a 429 asks to be left alone; 0 when it did not say.
	RetryAfter time.Duration
	// Transient is true when the same request may well succeed a moment later: the
	// network failed, the JSON ended early, or the status was 502, 503 or 504.
	Transient bool
	// Err is the cause, if there is one beyond what the other fields say.
	Err error
}

// Error returns one line: the client, the reason, and what is known beyond it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.ClientID != 0 {
		fmt.Fprintf(&b, "client %s: ", e.ClientID)
	}
	b.WriteString(string(e.Reason))
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	var details []string
	if e.HTTPStatus != 0 {
		details = append(details, fmt.Sprintf("HTTP status %d", e.HTTPStatus))
	}
	if e.MessageID != 0 {
		details = append(details, fmt.Sprintf("MessageID %d", e.MessageID))
	}
	if e.Message != "" {
		details = append(details, fmt.Sprintf("Message %q", e.Message))
	}
	if len(details) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(details, ", "))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KeysRefused reports whether IGSend refused the keys, with HTTP status 401 or with a
// message about unauthorised access. The refusal can be about the keys or about this
// client only: IGSend gives the same answer for keys that it does not recognise, for keys
// that do not match the ClientID, and for a client that is not below the account of the
// keys (DisburseCBP.html and DisburseCrossBorderPayment.html on the API's site).
func (e *Error) KeysRefused() bool {
	return e.Reason == ReasonUnauthorized && e.HTTPStatus != http.StatusForbidden
}

// KeysAccepted reports whether the answer speaks of the client, which only an API that
// has accepted the keys does: ReasonRejected, ReasonMalformed, or HTTP status 403.
func (e *Error) KeysAccepted() bool {
	return e.Reason == ReasonRejected || e.Reason == ReasonMalformed || e.HTTPStatus == http.StatusForbidden
}
