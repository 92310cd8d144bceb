// Package igsendtest simulates the IGSend API for tests, benchmarks and the demo. It is to
// package igsend what net/http/httptest is to net/http.
//
// A [Server] checks every request against IGSend's documentation of the Client Balance
// method, and answers as documented. A [Fault] replaces the documented answer, for one
// client or for all of them:
//
//	server := igsendtest.NewServer(keys)
//	defer server.Close()
//	server.SetClient(100045, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
//	server.SetClient(100046, igsendtest.Client{Fault: igsendtest.Status(503)})
//	server.SetFault(igsendtest.Delay(time.Second, igsendtest.Documented))
//
// The simulation is strict about everything that IGSend documents, so that it detects a
// client that departs from the documentation. For everything else there are faults.
package igsendtest

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Path is the path of the Client Balance method, with its final slash.
const Path = "/services/clientbalance/"

// An API is the simulated IGSend API, without a server: an [http.Handler]. Its methods are
// safe for concurrent use. It chooses the documented answer when a request arrives, before
// a fault delays it. It works in a testing/synctest bubble.
type API struct {
	mu      sync.Mutex
	keys    igsend.Keys
	refusal Fault
	fault   Fault // nil: none
	clients map[igsend.ClientID]func(now time.Time) Client
	stats   Stats
	open    int // connections
}

// NewAPI returns an API that accepts the given keys and knows no client yet.
func NewAPI(keys igsend.Keys) *API {
	return &API{keys: keys, refusal: Refused, clients: make(map[igsend.ClientID]func(time.Time) Client)}
}

// SetClient sets what the API answers for the client, from the next request on.
func (a *API) SetClient(id igsend.ClientID, c Client) {
	c.Rows = slices.Clone(c.Rows)
	a.SetClientFunc(id, func(time.Time) Client { return c })
}

// SetClientFunc is like SetClient, but for balances and faults that change. The API calls
// state on every request, with the time of the request, and may call it concurrently.
func (a *API) SetClientFunc(id igsend.ClientID, state func(now time.Time) Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clients[id] = state
}

// SetKeys replaces the keys. The API refuses requests with any other keys.
func (a *API) SetKeys(keys igsend.Keys) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys = keys
}

// SetRefusal sets the fault that answers requests with the wrong keys. At first it is
// [Refused]. Status(401) is another likely answer, but IGSend doesn't document it.
func (a *API) SetRefusal(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refusal = f
}

// SetFault sets a fault that answers for every client without a fault of its own. Nil ends
// that. The fault doesn't answer requests that are not as documented, or have the wrong
// keys.
func (a *API) SetFault(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = f
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	id, status, problem := check(r)
	a.mu.Lock()
	a.stats.count(problem)
	fault, refusal, state := a.fault, a.refusal, a.clients[id]
	authorized := authorizes(r, a.keys)
	a.mu.Unlock()

	documented := unknownClient
	if state != nil {
		c := state(now)
		documented = c.render(id)
		if c.Fault != nil {
			fault = c.Fault
		}
	}
	switch {
	case problem != "":
		fault = StatusBody(status, problem+"\n")
	case !authorized:
		fault = refusal
	case fault == nil:
		fault = Documented
	}
	fault(w, r, []byte(documented))
}

// check compares a request with IGSend's documentation of the Client Balance method: GET,
// no body, exactly this path, and ClientID as the only query parameter, an integer that is
// not null, empty or 0. It returns the client, or what is wrong and the HTTP status for it.
// It does not check the keys.
func check(r *http.Request) (id igsend.ClientID, status int, problem string) {
	if path := r.URL.EscapedPath(); path != Path {
		return 0, http.StatusNotFound, fmt.Sprintf("path %q is not %q", path, Path)
	}
	if r.Method != http.MethodGet {
		return 0, http.StatusMethodNotAllowed, fmt.Sprintf("method %s is not GET", r.Method)
	}
	if r.ContentLength != 0 {
		return 0, http.StatusBadRequest, "the request has a body"
	}
	digits, found := strings.CutPrefix(r.URL.RawQuery, "ClientID=")
	id, err := igsend.ParseClientID(digits)
	if !found || err != nil {
		return 0, http.StatusBadRequest, fmt.Sprintf("query %q is not ClientID and an integer above 0", r.URL.RawQuery)
	}
	return id, http.StatusOK, ""
}

// authorizes reports whether the request has the keys in a single Authorization header
// for HTTP Basic authentication.
func authorizes(r *http.Request, keys igsend.Keys) bool {
	public, private, ok := r.BasicAuth()
	return ok && len(r.Header.Values("Authorization")) == 1 &&
		keys == igsend.Keys{Public: public, Private: private}
}

// Stats are counts since the API was created.
type Stats struct {
	// Requests counts all requests.
	Requests int
	// BadRequests says what was wrong with each request that was not exactly as
	// documented. It has the first 100 of them. Wrong keys do not make a bad request.
	BadRequests []string
	// Connections counts the accepted connections, including those without any request.
	// Only a [Server] counts connections.
	Connections int
	// MaxOpenConnections is the highest number of connections open at once.
	MaxOpenConnections int
}

// count counts a request. It keeps few problems, because a server may run for days.
func (s *Stats) count(problem string) {
	s.Requests++
	if problem != "" && len(s.BadRequests) < 100 {
		s.BadRequests = append(s.BadRequests, problem)
	}
}

// Stats returns the counts.
func (a *API) Stats() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.stats
	s.BadRequests = slices.Clone(s.BadRequests)
	return s
}

// connState counts connections. It is the ConnState of the [http.Server].
func (a *API) connState(_ net.Conn, state http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch state {
	case http.StateNew:
		a.open++
		a.stats.Connections++
		a.stats.MaxOpenConnections = max(a.stats.MaxOpenConnections, a.open)
	case http.StateClosed, http.StateHijacked:
		a.open--
	}
}
