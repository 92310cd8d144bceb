package igsendtest

import (
	"net"
	"net/http"
	"slices"
)

// Stats are counts since the API was created or [API.ResetStats] was last called.
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

// maxBadRequests limits how many are kept, because a server may run for days.
const maxBadRequests = 100

// count counts a request.
func (s *Stats) count(v *violation) {
	s.Requests++
	if v != nil && len(s.BadRequests) < maxBadRequests {
		s.BadRequests = append(s.BadRequests, v.reason)
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

// ResetStats sets the counts to 0, except that MaxOpenConnections still includes the
// connections that are open now.
func (a *API) ResetStats() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stats = Stats{MaxOpenConnections: a.open}
}

// connState counts connections. It is the ConnState of the [http.Server].
func (a *API) connState(_ net.Conn, state http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch state {
	case http.StateNew:
		a.busy.Add(1)
		a.open++
		a.stats.Connections++
		a.stats.MaxOpenConnections = max(a.stats.MaxOpenConnections, a.open)
	case http.StateClosed, http.StateHijacked:
		a.open--
		a.busy.Done()
	}
}
