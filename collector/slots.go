package collector

import (
	"slices"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// slots is how many requests may be in flight, over all scrapes and sessions.
func (f *Fetcher) slots() int { return f.current.Config.API.Concurrency }

// dispatch sends as many requests as there are slots, tokens of the rate and clients
// that may be asked. It is called whenever one of these may have changed.
func (f *Fetcher) dispatch(now time.Time) {
	if r := f.next(now); r != nil {
		go f.run(r)
	}
}

// next is dispatch, but leaves the first request to its caller.
func (f *Fetcher) next(now time.Time) (first *request) {
	f.endRefused(now)
	for f.inFlight < f.slots() {
		s, i := f.choose()
		if s == nil {
			break
		}
		if !f.limiter.AllowN(now, 1) {
			f.wake.Reset(f.untilToken(now))
			break
		}
		if r := f.send(s, i, now); first == nil {
			first = r
		} else {
			go f.run(r)
		}
	}
	return first
}

// untilToken is how long the rate holds back the next request, or longer than any scrape
// takes: what a tiny rate asks for may be more than a Duration holds.
func (f *Fetcher) untilToken(now time.Time) time.Duration {
	seconds := (1 - f.limiter.TokensAt(now)) / float64(f.limiter.Limit())
	return time.Duration(min(seconds, maxTimeout.Seconds())*float64(time.Second)) + 1
}

func (f *Fetcher) wakeUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dispatch(time.Now())
}

// choose returns the client to ask next and a session that waits for it; nil when there is
// none. Of those that come first in their scrapes, it takes the one whose last outcome is
// oldest; among new clients that of the latest scrape, which has the most time left. Slow
// clients keep within their share.
func (f *Fetcher) choose() (*session, int) {
	if of, i := f.keyTest(); of != nil {
		return of, i
	}
	var fast, slow *scrape
	for _, s := range f.scrapes {
		if !s.key.mayAsk(f.slots()) || s.full() {
			continue
		}
		s.trim()
		if q := s.queue.fast; len(q) > 0 && (fast == nil || byTurn(s.clients[q[0]], fast.clients[fast.queue.fast[0]]) <= 0) {
			fast = s
		}
		if q := s.queue.slow; len(q) > 0 && (slow == nil || byTurn(s.clients[q[0]], slow.clients[slow.queue.slow[0]]) <= 0) {
			slow = s
		}
	}
	switch {
	case slow != nil && f.slowInFlight < slowShare(f.slots(), fast != nil) &&
		(fast == nil || byTurn(slow.clients[slow.queue.slow[0]], fast.clients[fast.queue.fast[0]]) < 0):
		return slow.session, slow.queue.slow[0]
	case fast != nil:
		return fast.session, fast.queue.fast[0]
	}
	return nil, 0
}

// endRefused ends the scrapes that have nothing left to ask for because the key was
// refused: a test was made, and nothing is in flight that could still be accepted.
func (f *Fetcher) endRefused(now time.Time) {
	for _, s := range slices.Clone(f.scrapes) {
		if s.keyTested && s.key.refused() && s.key.inFlight == 0 {
			f.refuse(s, &igsend.Error{Reason: igsend.ReasonUnauthorized, Err: errRefused}, now)
		}
	}
}
