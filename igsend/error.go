package igsend

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Reason says in one word why there is no complete, valid answer from IGSend. The set
// is fixed, because reasons become label values and alerts depend on them.
type Reason string

// The reasons.
const (
	// ReasonMalformed: the answer, or a row of it, is not in the documented form.
	ReasonMalformed Reason = "malformed"
	// ReasonRejected: IGSend says that the call failed; see MessageID and Message.
	ReasonRejected Reason = "rejected"
	// ReasonUnauthorized: HTTP 401 or 403, or a message about unauthorised access.
	ReasonUnauthorized Reason = "unauthorized"
	// ReasonRateLimited: HTTP 429.
	ReasonRateLimited Reason = "rate_limited"
	// ReasonHTTP: any other HTTP status outside 2xx, redirects included.
	ReasonHTTP Reason = "http"
	// ReasonNetwork: DNS, connect, reset, or a body that ends early.
	ReasonNetwork Reason = "network"
	// ReasonTLS: a problem with the certificate or the handshake.
	ReasonTLS Reason = "tls"
	// ReasonTimeout: no complete answer in time, or no time left to send the request.
	ReasonTimeout Reason = "timeout"
	// ReasonCredentials: a key can't be read.
	ReasonCredentials Reason = "credentials"
	// ReasonCanceled: the caller canceled the request.
	ReasonCanceled Reason = "canceled"
)

// Reasons returns all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonMalformed, ReasonRejected, ReasonUnauthorized, ReasonRateLimited, ReasonHTTP,
		ReasonNetwork, ReasonTLS, ReasonTimeout, ReasonCredentials, ReasonCanceled,
	}
}

// An Error says why one call failed. It never contains a key: keys are removed from any
// text that came from the network.
type Error struct {
	// Reason is always set.
	Reason Reason
	// ClientID is the client that was asked for; 0 if the error is not about a client.
	ClientID ClientID
	// HTTPStatus is the status of the answer; 0 if there was no answer.
	HTTPStatus int
	// MessageID is IGSend's number for the problem; 0 if the answer has none. IGSend
	// documents 10009 for every validation failure; Message says which one it was.
	MessageID int64
	// Message is IGSend's message, with keys replaced and cut to 200 characters.
	Message string
	// RetryAfter is how long a 429 asks to wait; 0 if it does not say.
	RetryAfter time.Duration
	// Transient is true if the same request may succeed a moment later: the network
	// failed, the JSON ended early, or the status was 502, 503 or 504.
	Transient bool
	// Err is the underlying error, if there is one.
	Err error
}

// Error returns one line: the client, the reason and all known details.
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

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// KeysRefused reports whether IGSend refused the keys, with HTTP status 401 or with a
// message about unauthorised access. The keys may be wrong, or just not valid for this
// client: IGSend gives the same answer for keys that it does not recognise, for keys that
// do not match the ClientID, and for a client that does not belong to the account of the
// keys (DisburseCBP.html and DisburseCrossBorderPayment.html on the API's site).
func (e *Error) KeysRefused() bool {
	return e.Reason == ReasonUnauthorized && e.HTTPStatus != http.StatusForbidden
}

// KeysAccepted reports whether the error shows that IGSend accepted the keys. IGSend says
// something about the client only after it has accepted them: ReasonRejected,
// ReasonMalformed, or HTTP status 403.
func (e *Error) KeysAccepted() bool {
	return e.Reason == ReasonRejected || e.Reason == ReasonMalformed || e.HTTPStatus == http.StatusForbidden
}
