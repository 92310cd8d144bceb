package igsendtest

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// A Fault answers one request in place of the documented answer, whose body is passed to
// it. The documented HTTP status is always 200. A Fault may do anything with the
// [http.ResponseWriter], including Hijack, and must return when the request's context is
// done. It may be called concurrently. Tests can write their own.
type Fault func(w http.ResponseWriter, r *http.Request, documented []byte)

// Documented gives the documented answer, as if there were no fault.
func Documented(w http.ResponseWriter, r *http.Request, documented []byte) {
	StatusBody(http.StatusOK, string(documented))(w, r, nil)
}

// Status answers with the HTTP status and an empty body.
func Status(code int) Fault { return StatusBody(code, "") }

// StatusBody answers with the HTTP status and the body. The Content-Type is
// application/json, unless [WithHeader] sets another.
func StatusBody(code int, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		begin(w, code)
		_, _ = io.WriteString(w, body) // fails only if the client is gone
	}
}

// Rejected answers as IGSend documents a failure: with coreRes.status 2. The HTTP status is
// 200.
func Rejected(messageID int, message string) Fault {
	return StatusBody(http.StatusOK, fmt.Sprintf(`{"coreRes": {"status": 2, "Message": %s, "MessageID": %d}}`, quote(message), messageID))
}

// Refused answers as IGSend documents it for keys that it doesn't recognise, or that have
// no access to the client: it is [Rejected] with a message about unauthorised access.
func Refused(w http.ResponseWriter, r *http.Request, _ []byte) {
	Rejected(10009, "Data validation failed. Info: Security Unauthorised Access")(w, r, nil)
}

// WithHeader sets a header field, such as Retry-After or Location, and then calls the fault.
func WithHeader(name, value string, then Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented []byte) {
		w.Header().Set(name, value)
		then(w, r, documented)
	}
}

// Delay waits and then calls the fault.
func Delay(d time.Duration, then Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented []byte) {
		pause(r, d)
		then(w, r, documented)
	}
}

// Hold waits until release is closed and then calls the fault.
func Hold(release <-chan struct{}, then Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented []byte) {
		select {
		case <-release:
			then(w, r, documented)
		case <-r.Context().Done():
			abort()
		}
	}
}

// Hang never answers. It returns when the client closes the connection or the server is
// closed.
func Hang(_ http.ResponseWriter, r *http.Request, _ []byte) {
	<-r.Context().Done()
	abort()
}

// pause waits. It aborts the request if its context is done earlier.
func pause(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
		abort()
	}
}

// abort ends the handler and closes the connection. Nothing more is sent, not even what
// net/http has buffered.
func abort() { panic(http.ErrAbortHandler) }

// begin writes the header of an answer.
func begin(w http.ResponseWriter, code int) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(code)
}
