package igsendtest

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Stats are counts since the API was made or [API.ResetStats] was called.
type Stats struct {
	// Requests is how many requests arrived, of any kind.
	Requests int
	// PerClient is how many of them asked for which client, with whatever keys.
	PerClient map[igsend.ClientID]int
	// BadRequests says of each request that was not exactly as documented what was
	// wrong with it, the first 100 of them. Wrong keys are not among the reasons.
	BadRequests []string
	// InFlight is how many requests have arrived and are not answered; one whose
	// client hung up is in flight until the server notices.
	InFlight int
	// MaxInFlight is the most that InFlight has been.
	MaxInFlight int
	// Connections is how many connections were accepted, even if no request ever
	// came on them. An API that is served by itself needs [API.ConnState] for this.
	Connections int
	// OpenConnections is how many connections are open now.
	OpenConnections int
	// MaxOpenConnections is the most that OpenConnections has been.
	MaxOpenConnections int
}

// A Request is one entry of the log that [API.Requests] returns.
type Request struct {
	ClientID   igsend.ClientID // 0 when the request was not as documented
	Time       time.Time
	Authorized bool // the keys were right
}

// What is kept at most, so that a server can run for days.
const (
	maxLog         = 1 << 16
	maxBadRequests = 100
)

// Stats returns the counts.
func (a *API) Stats() Stats {
	a.tally.mu.Lock()
	defer a.tally.mu.Unlock()
	return a.tally.snapshot()
}

// ResetStats starts counting anew and empties the log. What is in flight or open
// now still counts as such.
func (a *API) ResetStats() {
	a.tally.mu.Lock()
	defer a.tally.mu.Unlock()
	old := a.tally.stats
	a.tally.log = nil
	a.tally.stats = Stats{
		InFlight:           old.InFlight,
		MaxInFlight:        old.InFlight,
		OpenConnections:    old.OpenConnections,
		MaxOpenConnections: old.OpenConnections,
	}
	a.tally.change()
}

// Requests returns the requests in the order in which they arrived, the latest
// 32,768 of them at least.
func (a *API) Requests() []Request {
	a.tally.mu.Lock()
	defer a.tally.mu.Unlock()
	return slices.Clone(a.tally.log)
}

// Await returns when the counts fulfil the condition, or with the context's error
// when that ends first. It is for tests that would sleep otherwise:
//
//	srv.SetFault(igsendtest.Hang)
//	go ask()
//	err := srv.Await(ctx, func(s igsendtest.Stats) bool { return s.InFlight == 1 })
func (a *API) Await(ctx context.Context, condition func(Stats) bool) error {
	return a.tally.await(ctx, func() bool { return condition(a.tally.snapshot()) })
}

// ConnState counts connections, as the ConnState of an [http.Server].
func (a *API) ConnState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		a.tally.connectionOpens()
	case http.StateClosed, http.StateHijacked:
		a.tally.connectionEnds()
	}
}

// A tally keeps the counts.
type tally struct {
	mu       sync.Mutex
	stats    Stats
	log      []Request
	handlers int           // running, in flight or not
	changed  chan struct{} // closed, and made anew, when a count changes
	awaited  bool          // somebody waits for changed
}

// requestArrives returns the function that ends the request's time in flight; it
// may be called more than once.
func (t *tally) requestArrives(r Request, v *violation) (answered func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.handlers++
	s := &t.stats
	s.Requests++
	s.InFlight++
	s.MaxInFlight = max(s.MaxInFlight, s.InFlight)
	if v == nil {
		if s.PerClient == nil {
			s.PerClient = make(map[igsend.ClientID]int)
		}
		s.PerClient[r.ClientID]++
	} else if len(s.BadRequests) < maxBadRequests {
		s.BadRequests = append(s.BadRequests, v.reason)
	}
	if len(t.log) == maxLog {
		t.log = append(t.log[:0], t.log[maxLog/2:]...)
	}
	t.log = append(t.log, r)
	t.change()

	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.stats.InFlight--
		t.change()
	})
}

func (t *tally) handlerEnds() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.handlers--
	t.change()
}

func (t *tally) connectionOpens() {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.stats
	s.Connections++
	s.OpenConnections++
	s.MaxOpenConnections = max(s.MaxOpenConnections, s.OpenConnections)
	t.change()
}

func (t *tally) connectionEnds() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.OpenConnections--
	t.change()
}

// change wakes whoever waits; mu is held.
func (t *tally) change() {
	if t.awaited {
		close(t.changed)
		t.changed, t.awaited = make(chan struct{}), false
	}
}

// await returns when the condition, which is asked with mu held, is true.
func (t *tally) await(ctx context.Context, condition func() bool) error {
	for {
		t.mu.Lock()
		fulfilled := condition()
		changed := t.changed
		t.awaited = true
		t.mu.Unlock()
		if fulfilled {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// snapshot returns a copy of the counts; mu is held.
func (t *tally) snapshot() Stats {
	s := t.stats
	s.PerClient = maps.Clone(s.PerClient)
	s.BadRequests = slices.Clone(s.BadRequests)
	return s
}
