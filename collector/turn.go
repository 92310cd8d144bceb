package collector

import (
	"cmp"
	"slices"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Fairness. The client whose last outcome is oldest is asked first, so that under a
// deadline too short for all of them every client is reached within a few scrapes. An
// outcome is a good answer or a failure of the client's own. What a deadline cut short
// is not one, unless it had the whole time of the scrape.
//
// Slow clients, those whose last outcome is a timeout, hold at most half of the slots
// while others wait. Otherwise a handful that never answer would keep the others out.
// When no others wait, they leave one slot free for a retry or a scrape to come. With
// one slot, they come last. Clients whose keys were refused come last as well. So that
// coming last never means never, every fifth scrape asks all in their turn.
const inTurnEvery = 5 // odd, so that two scrapers that take turns both get some

// A turn numbers outcomes in the order in which they occurred; 0 is before all.
type turn uint64

// outcome notes that c had its turn.
func (f *Fetcher) outcome(c *client, err *igsend.Error) {
	f.turn++
	c.turn = f.turn
	c.slow = err != nil && err.Reason == igsend.ReasonTimeout
}

// byTurn orders clients by their last outcome.
func byTurn(a, b *client) int { return cmp.Compare(a.turn, b.turn) }

// slowShare is how many slots slow clients may hold.
func slowShare(slots int, othersWait bool) int {
	if othersWait {
		return max(1, slots/2)
	}
	return max(1, slots-1)
}

// A queue holds the clients that a scrape has still to ask for, by their index, in the
// order in which it asks. Clients that are due for a retry join at the end.
type queue struct {
	fast []int
	slow []int // timed out last time
}

// newQueue returns the queue of a scrape that starts. In every fifth one, inTurn is true.
func newQueue(s *scrape, inTurn bool, slots int) (q queue) {
	comesLast := func(c *client) bool { return !inTurn && (s.key.lastRefused(c) || c.slow && slots == 1) }
	order := func(i, j int) int {
		a, b := s.clients[i], s.clients[j]
		switch last := comesLast(a); {
		case last != comesLast(b) && last:
			return 1
		case last != comesLast(b):
			return -1
		case last && s.key.lastRefused(a) && s.key.lastRefused(b):
			// While a key is refused, only its tests are asked. When it is accepted again, they
			// come before the clients that are refused on their own.
			return cmp.Or(byTurn(b, a), cmp.Compare(i, j))
		}
		return cmp.Or(byTurn(a, b), cmp.Compare(i, j))
	}
	for i := range s.indexes() {
		switch {
		case s.answered(i):
		case s.clients[i].slow && slots > 1:
			q.slow = append(q.slow, i)
		default:
			q.fast = append(q.fast, i)
		}
	}
	slices.SortFunc(q.fast, order)
	slices.SortFunc(q.slow, order)
	return q
}

// trim drops the clients that can't be asked now from the front of the queue: they are
// answered or in flight, or will join again when their pause is over.
func (s *scrape) trim() {
	for len(s.queue.fast) > 0 && !s.canAsk(s.queue.fast[0]) {
		s.queue.fast = s.queue.fast[1:]
	}
	for len(s.queue.slow) > 0 && !s.canAsk(s.queue.slow[0]) {
		s.queue.slow = s.queue.slow[1:]
	}
}

// canAsk reports whether s waits for client i, and nobody asks for it.
func (s *scrape) canAsk(i int) bool {
	r := s.requests[i]
	return !s.answered(i) && (r == nil || !r.inFlight && r.pause == nil)
}
