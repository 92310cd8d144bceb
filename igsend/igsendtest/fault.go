package igsendtest

import (
	"maps"
	"net/http"
	"time"
)

// A Fault answers one call in place of the documented answer, which it is given
// and may use. It has the whole [http.ResponseWriter], Hijack included, and must
// end with the request's context.
//
// A Fault may be called concurrently. Tests can write their own; those of this
// package answer with the documented status and bytes where they say nothing else.
type Fault func(w http.ResponseWriter, r *http.Request, documented Answer)

// An Answer is what IGSend's documentation has the API say.
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
	_, _ = w.Write(a.Body) // a client that is gone misses nothing
}

// Documented is no fault: it gives the documented answer.
func Documented(w http.ResponseWriter, _ *http.Request, documented Answer) { documented.write(w) }

// Body answers 200 with the given bytes, none for "".
func Body(body string) Fault { return StatusBody(http.StatusOK, body) }

// Status answers with the status and an empty body.
func Status(code int) Fault { return StatusBody(code, "") }

// StatusBody answers with the status and the body, as application/json.
func StatusBody(code int, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Answer) {
		Answer{code, []byte(body)}.write(w)
	}
}

// Rewrite gives the documented status with the documented body changed.
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

// Refused answers as IGSend documents it for keys that it doesn't recognise, or that
// have no right to the client: with status 2, MessageID 10009 and this message. The
// documentation doesn't tell the HTTP status; it is 200 here.
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

// RateLimited answers 429, with a Retry-After header unless it is "": seconds, a
// date, or whatever a test wants to see there.
func RateLimited(retryAfter string) Fault {
	if retryAfter == "" {
		return Status(http.StatusTooManyRequests)
	}
	return WithHeader(http.Header{"Retry-After": {retryAfter}}, Status(http.StatusTooManyRequests))
}

// Redirect answers with a redirection to the URL, and the documented body.
func Redirect(url string, code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, documented Answer) {
		w.Header().Set("Location", url)
		Answer{code, documented.Body}.write(w)
	}
}

// WithHeader adds header fields to what the fault then answers; a nil fault stands
// for the documented answer.
func WithHeader(header http.Header, then Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented Answer) {
		maps.Copy(w.Header(), header)
		then.orDocumented()(w, r, documented)
	}
}

// Hold waits until release is closed before the fault answers; a nil fault stands
// for the documented answer.
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

// Hang never answers: it ends when the client hangs up or the server closes.
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

// pause waits, and aborts the call if its context ends first.
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

// abort ends the handler and closes the connection without a further byte, what
// net/http had not sent yet included.
func abort() { panic(http.ErrAbortHandler) }
