package collector

import (
	"cmp"
	"slices"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// dispatch lets requests take off: as many as there are places, tokens of the rate
// and targets that may be asked. It is called, under the lock, whenever one of these
// may have changed.
func (f *Fetcher) dispatch(now time.Time) {
	if fl := f.takeOffs(now); fl != nil {
		go f.fly(fl)
	}
}

// takeOffs is dispatch, but leaves the first request to its caller: a goroutine whose
// request has landed makes the next one, on a stack that has grown for it. A goroutine
// made anew for each request costs some 7 % of its CPU time (BenchmarkCPU).
func (f *Fetcher) takeOffs(now time.Time) (first *flight) {
	f.settle(now)
	for f.inFlight < f.places() {
		t := f.next(now)
		if t == nil {
			break
		}
		if !f.limiter.AllowN(now, 1) {
			f.wake(f.untilToken(now))
			break
		}
		if fl := f.takeOff(t, now); first == nil {
			first = fl
		} else {
			go f.fly(fl)
		}
	}
	return first
}

// places is how many requests may be in flight, over all sweeps and generations.
func (f *Fetcher) places() int { return f.current.Config.API.Concurrency }

// untilToken returns the time until the rate allows another request, or longer than
// any scrape takes: what a tiny rate asks for may be more than a Duration holds.
func (f *Fetcher) untilToken(now time.Time) time.Duration {
	seconds := (1 - f.limiter.TokensAt(now)) / float64(f.limiter.Limit())
	return time.Duration(min(seconds, maxTimeout.Seconds())*float64(time.Second)) + 1
}

// wake calls dispatch after d, if nothing does before.
func (f *Fetcher) wake(d time.Duration) {
	at := time.Now().Add(d)
	if !f.wakes.IsZero() && !at.Before(f.wakes) {
		return
	}
	f.wakes = at
	time.AfterFunc(d, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.wakes = time.Time{}
		f.dispatch(time.Now())
	})
}

// next returns the target to ask now: of the oldest sweep that may ask, first those
// that were not asked yet, then those that are due for another attempt.
func (f *Fetcher) next(now time.Time) *target {
	for _, s := range f.sweeps {
		switch s.gen.guard.advice(now, s.gen.flights) {
		case askAll:
			if t := cmp.Or(s.queue.first(f.slow, f.places()), s.nextRetry()); t != nil {
				return t
			}
		case askAnother:
			if t := s.witness(); t != nil {
				return t
			}
		case askOne:
			if s.asked > 0 || s.gen.flights > 0 {
				continue
			}
			if t := s.witness(); t != nil {
				return t
			}
		case askNone:
			f.wake(s.gen.guard.patience(now))
		}
	}
	return nil
}

// canAsk reports whether t is lacking, and no request or pause of its own under way.
func (s *sweep) canAsk(t *target) bool {
	return s.lacks(t) && t.flight == nil && t.pause == nil
}

// settle ends the sweeps that a refused key leaves nothing to ask for: the test was
// made, and what was in flight has landed without a word for the key.
func (f *Fetcher) settle(now time.Time) {
	settled := func(s *sweep) bool {
		return s.gen.guard.state == refused && s.asked > 0 && s.gen.flights == 0
	}
	for i := slices.IndexFunc(f.sweeps, settled); i >= 0; i = slices.IndexFunc(f.sweeps, settled) {
		f.refuseAll(f.sweeps[i], &igsend.Error{Reason: igsend.ReasonUnauthorized, Err: errRefused}, now)
	}
}
