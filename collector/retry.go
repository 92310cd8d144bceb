package collector

import (
	"math/rand/v2"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// The pause before another attempt is random, so that what failed together is not
// tried again together.
const (
	minPause = 50 * time.Millisecond
	maxPause = 250 * time.Millisecond
)

// retryLater puts t aside for another attempt and reports whether it did: after a
// transient failure, while attempts are left, and when the pause ends before the
// deadline of a scrape that waits. The pause holds no place: t is just not asked.
func (f *Fetcher) retryLater(t *target, err *igsend.Error, now time.Time) bool {
	pause := minPause + rand.N(maxPause-minPause) //nolint:gosec // nothing depends on its being a secret
	if !err.Transient || t.attempts >= t.gen.Config.API.MaxAttempts ||
		now.Before(f.silent) || t.gen.guard.state == refused || !f.waitsUntil(t, now.Add(pause)) {
		return false
	}
	if t.first == nil {
		t.first = err
	}
	t.pause = time.AfterFunc(pause, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.resume(t)
	})
	return true
}

// waitsUntil reports whether some scrape that lacks t has its deadline after then.
func (f *Fetcher) waitsUntil(t *target, then time.Time) bool {
	for _, s := range f.sweeps {
		if s.lacks(t) && s.latest.After(then) && !s.stopped {
			return true
		}
	}
	return false
}

// resume makes t due for its next attempt, in whichever sweep has a place first.
func (f *Fetcher) resume(t *target) {
	if t.pause == nil {
		return // answered meanwhile
	}
	t.pause = nil
	for _, s := range f.sweeps {
		if s.lacks(t) {
			s.retries = append(s.retries, t)
		}
	}
	f.dispatch(time.Now())
}

// nextRetry returns the target that is due for another attempt, or nil.
func (s *sweep) nextRetry() *target {
	for len(s.retries) > 0 {
		if t := s.retries[0]; s.canAsk(t) {
			return t
		}
		s.retries = s.retries[1:]
	}
	return nil
}

// close forgets the question that was open about t.
func (t *target) close() {
	if t.pause != nil {
		t.pause.Stop()
		t.pause = nil
	}
	t.attempts, t.first = 0, nil
}
