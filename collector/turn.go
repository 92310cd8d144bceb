package collector

import (
	"cmp"
	"iter"
	"slices"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Fairness. The client whose last outcome is oldest is asked first, so that under a
// deadline too short for all of them each gets its turn within a few scrapes. An
// outcome is a good answer or a failure of the client's own; what the deadline cut
// short is none, unless it had the whole time of the scrape.
//
// Clients that timed out the last time, the slow ones, may take half of the places
// while others wait, however long ago their turn was. Else a handful that never answer
// would take turns in keeping all the others out of every second scrape. When no others
// wait they may take all places but one, which stays free for who comes later: another
// attempt, or another sweep.
//
// A single place can't be halved: there, the slow ones come last. But in every fifth
// sweep they come in turn, for one of them to have enough time. (An odd number: with
// an even one, it would be the time of the same of two scrapers again and again.)
const inTurnEvery = 5

// A turn numbers outcomes in the order in which they occurred; 0 is before all.
type turn uint64

// outcome notes that t has had its turn.
func (f *Fetcher) outcome(t *target, err *igsend.Error) {
	f.turn++
	t.turn = f.turn
	t.answered = err == nil
	t.slow = err != nil && err.Reason == igsend.ReasonTimeout
}

// A queue holds the targets of a sweep that were not asked yet.
type queue struct {
	sweep *sweep
	brisk []*target // in turn
	slow  []*target // in turn; timed out the last time
}

// newQueue returns the queue of the nth sweep.
func newQueue(s *sweep, places int, n uint64) queue {
	q := queue{sweep: s, brisk: make([]*target, 0, s.lacking)}
	for _, t := range s.gen.targets {
		switch {
		case s.answers[t.index].done:
		case t.slow:
			q.slow = append(q.slow, t)
		default:
			q.brisk = append(q.brisk, t)
		}
	}
	slices.SortFunc(q.brisk, byTurn)
	slices.SortFunc(q.slow, byTurn)
	if places == 1 {
		q.brisk, q.slow = append(q.brisk, q.slow...), nil
		if n%inTurnEvery == 0 {
			slices.SortFunc(q.brisk, byTurn)
		}
	}
	return q
}

// byTurn orders by the last outcome, then as the configuration does.
func byTurn(a, b *target) int {
	return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.index, b.index))
}

// first returns the target whose turn it is, without taking it off the queue, given
// how many places there are and how many of these slow clients have; nil when none is
// left, or only slow ones that have their share.
func (q *queue) first(slowInFlight, places int) *target {
	q.brisk, q.slow = q.trim(q.brisk), q.trim(q.slow)
	share := places - 1
	if len(q.brisk) > 0 {
		share = places / 2
	}
	slow := len(q.slow) > 0 && slowInFlight < max(1, share)
	switch {
	case slow && (len(q.brisk) == 0 || byTurn(q.slow[0], q.brisk[0]) < 0):
		return q.slow[0]
	case len(q.brisk) > 0:
		return q.brisk[0]
	}
	return nil
}

// trim drops what is answered, in flight or about to be tried again from the front.
func (q *queue) trim(targets []*target) []*target {
	for len(targets) > 0 && !q.sweep.canAsk(targets[0]) {
		targets = targets[1:]
	}
	return targets
}

// inTurn returns what is on the queue, the slow ones last.
func (q *queue) inTurn() iter.Seq[*target] {
	return func(yield func(*target) bool) {
		for _, targets := range [][]*target{q.brisk, q.slow} {
			for _, t := range targets {
				if !yield(t) {
					return
				}
			}
		}
	}
}
