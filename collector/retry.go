package collector

import (
	"math/rand/v2"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// The pause before a retry is random, so that requests that failed together are not
// made together again.
const (
	minPause = 50 * time.Millisecond
	maxPause = 250 * time.Millisecond
)

// retryLater pauses r before another attempt and reports whether it did: after a
// transient failure, while attempts are left, and when the pause ends before the
// deadline of a scrape that waits. The pause holds no slot.
func (f *Fetcher) retryLater(r *request, err *igsend.Error, now time.Time) bool {
	pause := minPause + rand.N(maxPause-minPause) //nolint:gosec // nothing depends on its being a secret
	if !err.Transient || r.attempts >= r.Config.API.MaxAttempts || !f.waitsBeyond(r, now.Add(pause)) {
		return false
	}
	if r.first == nil {
		r.first, r.failed = err, now
	}
	f.tell(r.session, r.index, "another attempt follows after %.3fs", pause.Seconds())
	r.pause = time.AfterFunc(pause, func() { f.endPause(r) })
	return true
}

// waitsBeyond reports whether a scrape that waits for r still has time then, and may
// still ask.
func (f *Fetcher) waitsBeyond(r *request, then time.Time) bool {
	for _, s := range f.scrapes {
		if s.waitsFor(r.session, r.index) && s.deadline.After(then) && !s.rateLimited {
			return true
		}
	}
	return false
}

// endPause makes r due: it queues behind the clients that were not asked yet.
func (f *Fetcher) endPause(r *request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.pause == nil {
		return // dropped meanwhile
	}
	r.pause = nil
	for _, s := range f.scrapes {
		switch {
		case !s.waitsFor(r.session, r.index):
		case r.client.slow && f.slots() > 1:
			s.queue.slow = append(s.queue.slow, r.index)
		default:
			s.queue.fast = append(s.queue.fast, r.index)
		}
	}
	f.dispatch(time.Now())
}
