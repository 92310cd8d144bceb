package igsendtest

import (
	"net"
	"net/http"
	"slices"
)

// Stats are counts since the API was made or [API.ResetStats] was called.
type Stats struct {
	// Requests is how many requests arrived, of any kind.
	Requests int
	// BadRequests says of each request that was not exactly as documented what was
	// wrong with it, the first 100 of them. Wrong keys are not among the reasons.
	BadRequests []string
	// Connections is how many connections were accepted, even if no request ever
	// came on them. Only a [Server] counts connections.
	Connections int
	// MaxOpenConnections is the most that were open at once.
	MaxOpenConnections int
}

// maxBadRequests is how many are kept, so that a server can run for days.
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

// ResetStats starts counting from 0. Connections that are open now still count for
// MaxOpenConnections.
func (a *API) ResetStats() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stats = Stats{MaxOpenConnections: a.open}
}

// connState counts connections, as the ConnState of an [http.Server].
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
