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
// while others wait, however long ago their turn was. Else a handful that never
// answer would take turns in keeping all the others out of every second scrape.

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

func newQueue(s *sweep) queue {
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
	return q
}

// byTurn orders by the last outcome, then as the configuration does.
func byTurn(a, b *target) int {
	return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.index, b.index))
}

// first returns the target whose turn it is, without taking it off the queue; nil
// when none is left. It passes over the slow ones when they have their share and
// others wait.
func (q *queue) first(slowHaveTheirShare bool) *target {
	q.brisk, q.slow = q.trim(q.brisk), q.trim(q.slow)
	switch {
	case len(q.brisk) == 0 && len(q.slow) == 0:
		return nil
	case len(q.brisk) == 0:
		return q.slow[0]
	case len(q.slow) == 0 || slowHaveTheirShare || byTurn(q.brisk[0], q.slow[0]) < 0:
		return q.brisk[0]
	}
	return q.slow[0]
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
