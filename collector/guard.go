package collector

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Care with the account: IGSend may lock an account whose key is refused again and
// again. But a 401 may also concern one client alone, and must then cost no other
// its balance. So:
//
//	           a client's 401                 another client's 401
//	trusted ─────────────────────▶ doubted ─────────────────────────▶ refused
//	   ▲                              │                                  │
//	   └──────────────────────────────┴──────────────────────────────────┘
//	          any answer that speaks of a client accepts the key
//
// While the key is doubted, one client at a time is asked to find out. While it is
// refused, each sweep makes one request to test it; all the others wait for its
// answer, and are not asked at all when that is another refusal.
type guard struct {
	state    trust
	suspects map[igsend.ClientID]bool // clients that got a 401 since the key was last accepted
	loners   map[igsend.ClientID]bool // clients whose 401 turned out to be theirs alone
	refusals int                      // how often the key came to be refused
	waiting  time.Time                // since then, for the answers in flight to clear a doubt
}

type trust int

const (
	trusted trust = iota
	doubted
	refused
)

var errRefused = errors.New("not asked: the key was refused for other clients")

// patience is how long the answers in flight may take to clear a doubt before another
// client is asked. Ones that never answer must not hold up all the others.
const patience = 500 * time.Millisecond

func newGuard() *guard {
	return &guard{suspects: map[igsend.ClientID]bool{}, loners: map[igsend.ClientID]bool{}}
}

// afterReload returns a guard that knows what g does of the key, for another set of
// clients.
func (g *guard) afterReload() *guard {
	next := newGuard()
	next.state, next.suspects, next.loners, next.refusals = g.state, maps.Clone(g.suspects), maps.Clone(g.loners), g.refusals
	return next
}

// advice is how many may be asked.
type advice int

const (
	askAll     advice = iota
	askAnother        // one more, to find out
	askOne            // one in this sweep, to test a refused key
	askNone           // until something lands, or patience is over
)

// advice says how many may be asked while some requests are in flight.
func (g *guard) advice(now time.Time, inFlight int) advice {
	switch {
	case g.state == trusted:
		return askAll
	case g.state == refused:
		return askOne
	case inFlight > 0 && g.patience(now) > 0:
		return askNone
	}
	return askAnother
}

// patience returns how much longer to wait for what is in flight.
func (g *guard) patience(now time.Time) time.Duration {
	return g.waiting.Add(patience).Sub(now)
}

// tookOff notes under which doubt a request is made.
func (g *guard) tookOff(fl *flight) {
	fl.refusals = g.refusals
	if g.state == doubted {
		fl.witness, g.waiting = true, fl.takeoff
	}
}

// landed learns from an answer; from most failures, nothing.
func (g *guard) landed(fl *flight, err *igsend.Error, now time.Time) {
	switch id := fl.target.id; {
	case err == nil || err.SpeaksOfClient():
		delete(g.suspects, id)
		delete(g.loners, id)
		g.accepted(fl.refusals == g.refusals)
	case err.HTTPStatus == http.StatusUnauthorized && (fl.witness || !g.loners[id]):
		g.suspects[id] = true
		g.denied(now)
	}
}

// accepted is told of an answer that accepts the key. It is fresh when its request
// was made after the key was last refused; else the key may have been withdrawn in
// between, and another client is asked before all are.
func (g *guard) accepted(fresh bool) {
	switch {
	case fresh:
		g.state = trusted
		for id := range g.suspects {
			g.loners[id] = true
		}
		clear(g.suspects)
	case g.state == refused:
		g.state = doubted
	}
}

// denied is told that there is a suspect more.
func (g *guard) denied(now time.Time) {
	switch {
	case g.state == refused:
	case len(g.suspects) == 1:
		g.state, g.waiting = doubted, now
	default:
		g.state = refused
		g.refusals++
	}
}

// witness returns the client that will tell most about a key in doubt or refused: not
// one that is suspected itself, rather one that answered the last time, and the first
// in turn of these. It returns nil when there is none to ask now.
func (s *sweep) witness() *target {
	g := s.gen.guard
	var unsuspected, suspected *target
	for t := range s.queue.inTurn() {
		switch {
		case !s.canAsk(t):
		case g.suspects[t.id] || g.loners[t.id]:
			suspected = cmp.Or(suspected, t)
		case t.answered || g.state == refused:
			return t
		default:
			unsuspected = cmp.Or(unsuspected, t)
		}
	}
	return cmp.Or(unsuspected, suspected, s.nextRetry())
}
