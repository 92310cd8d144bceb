package igsendtest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A violation says how a request departs from the documentation, and which HTTP status
// answers it.
type violation struct {
	status int
	reason string
}

// check compares a request with IGSend's documentation of the Client Balance method: GET,
// no body, exactly this path, and ClientID as the only query parameter, an integer that is
// not null, empty or 0. It does not check the keys.
func check(r *http.Request) (igsend.ClientID, *violation) {
	if path := r.URL.EscapedPath(); path != Path {
		return 0, &violation{http.StatusNotFound, fmt.Sprintf("path %q is not %q", path, Path)}
	}
	if r.Method != http.MethodGet {
		return 0, &violation{http.StatusMethodNotAllowed, fmt.Sprintf("method %s is not GET", r.Method)}
	}
	if r.ContentLength != 0 {
		return 0, &violation{http.StatusBadRequest, "the request has a body"}
	}
	digits, found := strings.CutPrefix(r.URL.RawQuery, "ClientID=")
	id, err := igsend.ParseClientID(digits)
	if !found || err != nil {
		return 0, &violation{http.StatusBadRequest, fmt.Sprintf("query %q is not ClientID and an integer above 0", r.URL.RawQuery)}
	}
	return id, nil
}

// authorizes reports whether the request has the keys in a single Authorization header
// for HTTP Basic authentication.
func authorizes(r *http.Request, keys igsend.Keys) bool {
	public, private, ok := r.BasicAuth()
	return ok && len(r.Header.Values("Authorization")) == 1 &&
		keys == igsend.Keys{Public: public, Private: private}
}
