package igsendtest

import (
	"maps"
	"net/http"
	"time"
)

// A Fault answers one call in place of the documented answer, which is passed to it. It
// may do anything with the [http.ResponseWriter], including Hijack, and must return when
// the request's context is done.
//
// A Fault may be called concurrently. Tests can write their own. Unless stated otherwise,
// those of this package answer with the documented status and body.
type Fault func(w http.ResponseWriter, r *http.Request, documented Answer)

// An Answer is the answer that IGSend documents for a request.
type Answer struct {
	Status int
	Body   []byte
}

// write sends a whole answer.
func (a Answer) write(w http.ResponseWriter) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // fails only if the client is gone
}

// Documented gives the documented answer, as if there were no fault.
func Documented(w http.ResponseWriter, _ *http.Request, documented Answer) { documented.write(w) }

// Body answers 200 with the given body, which may be empty.
func Body(body string) Fault { return StatusBody(http.StatusOK, body) }

// Status answers with the status and an empty body.
func Status(code int) Fault { return StatusBody(code, "") }

// StatusBody answers with the status and the body, as application/json.
func StatusBody(code int, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Answer) {
		Answer{code, []byte(body)}.write(w)
	}
}

// Rewrite answers with the documented status and the changed documented body.
func Rewrite(change func(body []byte) []byte) Fault {
	return func(w http.ResponseWriter, _ *http.Request, documented Answer) {
		documented.Body = change(documented.Body)
		documented.write(w)
	}
}

// Rejected answers 200 with coreRes.status 2, as IGSend documents a failure.
func Rejected(messageID int, message string) Fault {
	return Body(string(rejection(messageID, message)))
}

// Refused answers as IGSend documents it for keys that it doesn't recognise, or that have
// no access to the client: with status 2, MessageID 10009 and a message about
// unauthorised access. IGSend doesn't document the HTTP status; it is 200 here.
func Refused(w http.ResponseWriter, r *http.Request, documented Answer) {
	Rejected(10009, "Data validation failed. Info: Security Unauthorised Access")(w, r, documented)
}

// Unauthorized answers 401, which IGSend doesn't document.
func Unauthorized(w http.ResponseWriter, _ *http.Request, _ Answer) {
	w.Header().Set("WWW-Authenticate", `Basic realm="IGSend"`)
	w.WriteHeader(http.StatusUnauthorized)
}

// Forbidden answers 403.
func Forbidden(w http.ResponseWriter, _ *http.Request, _ Answer) {
	w.WriteHeader(http.StatusForbidden)
}

// RateLimited answers 429. It sets the Retry-After header to retryAfter, which may be any
// text, unless it is empty.
func RateLimited(retryAfter string) Fault {
	if retryAfter == "" {
		return Status(http.StatusTooManyRequests)
	}
	return WithHeader(http.Header{"Retry-After": {retryAfter}}, Status(http.StatusTooManyRequests))
}

// Redirect answers with a redirect to the URL, and the documented body.
func Redirect(url string, code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, documented Answer) {
		w.Header().Set("Location", url)
		Answer{code, documented.Body}.write(w)
	}
}

// WithHeader sets header fields and then calls the fault. If it is nil, WithHeader gives
// the documented answer.
func WithHeader(header http.Header, then Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented Answer) {
		maps.Copy(w.Header(), header)
		then.orDocumented()(w, r, documented)
	}
}

// Hold waits until release is closed and then calls the fault. If it is nil, Hold gives
// the documented answer.
func Hold(release <-chan struct{}, then Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented Answer) {
		select {
		case <-release:
			then.orDocumented()(w, r, documented)
		case <-r.Context().Done():
			abort()
		}
	}
}

// Hang never answers. It returns when the client closes the connection or the server is
// closed.
func Hang(_ http.ResponseWriter, r *http.Request, _ Answer) {
	<-r.Context().Done()
	abort()
}

func (f Fault) orDocumented() Fault {
	if f == nil {
		return Documented
	}
	return f
}

// pause waits for d. It aborts the call if the context is done earlier.
func pause(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		abort()
	}
}

// abort ends the handler and closes the connection. Nothing more is sent, not even what
// net/http has buffered.
func abort() { panic(http.ErrAbortHandler) }
