package collector

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A sweep asks for every client once, for all the scrapes that take part in it. It
// is over when nothing is lacking any more, or when the last scrape has left.
//
// The scrape that founds a sweep sets how long others may join: until the founder's
// deadline, or until an answer that it was served again is too old for them. After it
// a scrape founds a sweep of its own, so that scrapers whose scrapes overlap for ever
// can't keep one sweep, and the answers in it, alive for ever. Two sweeps still share
// what is in flight.
type sweep struct {
	gen     *generation
	founded time.Time
	admits  time.Time // scrapes may join until then
	latest  time.Time // the latest deadline of those that joined
	members int
	answers []answer // by target
	lacking int
	asked   int           // requests that took off for this sweep, or that it found in flight
	stopped bool          // a 429 ended all asking; nobody may join any more
	over    chan struct{} // closed when lacking is 0

	queue   queue     // targets not asked yet, in turn
	retries []*target // targets whose pause before another attempt is over
}

// An Answer is what there is to tell of one client.
type Answer struct {
	ClientID igsend.ClientID
	// Balances are those that can be trusted, even when Err is set.
	Balances []igsend.Balance
	// Err says why there is no whole, valid answer; nil when there is.
	Err *igsend.Error
	// At is when the answer arrived, or when it was given up.
	At time.Time
}

// An answer is an Answer within a sweep.
type answer struct {
	Answer
	done    bool
	counted bool // its failure is in igsend_client_errors_total
}

// A view is what one scrape has to tell.
type view struct {
	setup   *setup
	answers []answer // by configured client
}

// noDeadline is later than any scrape.
const noDeadline = 100 * 365 * 24 * time.Hour

// join makes the scrape a member of the sweep under way, or of a new one.
func (f *Fetcher) join(ctx context.Context) *sweep {
	keys, err := f.lockWithKeys()
	defer f.mu.Unlock()
	now := time.Now()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = now.Add(noDeadline)
	}
	var s *sweep
	if err != nil {
		s = f.found(newGeneration(f.current, igsend.Keys{}, newGuard()), now, deadline)
		f.refuseAll(s, asError(err), now)
	} else if s = f.open(f.generation(keys), now); s == nil {
		s = f.found(f.latest, now, deadline)
	}
	s.members++
	if deadline.After(s.latest) {
		s.latest = deadline
	}
	f.dispatch(now)
	return s
}

// lockWithKeys locks f.mu and returns the keys of the settings as they are under the
// lock. Keys are read at every scrape, for a rotated one to work in the next; and not
// under the lock, for a file system that hangs to hang that scrape only.
func (f *Fetcher) lockWithKeys() (igsend.Keys, error) {
	f.mu.Lock()
	for {
		setup := f.current
		f.mu.Unlock()
		keys, err := setup.Config.API.Keys.Keys()
		f.mu.Lock()
		if setup == f.current {
			return keys, err
		}
	}
}

// open returns the sweep that a scrape may join now, or nil.
func (f *Fetcher) open(gen *generation, now time.Time) *sweep {
	for _, s := range slices.Backward(f.sweeps) {
		if s.gen == gen && !s.stopped && now.Before(s.admits) {
			return s
		}
	}
	return nil
}

// found begins a sweep. Answers that are young enough to be served again are in it
// from the start.
func (f *Fetcher) found(gen *generation, now, deadline time.Time) *sweep {
	s := &sweep{
		gen: gen, founded: now, admits: deadline, latest: deadline,
		answers: make([]answer, len(gen.targets)), lacking: len(gen.targets),
		over: make(chan struct{}),
	}
	f.sweeps = append(f.sweeps, s)
	gen.users++
	for i, t := range gen.targets {
		s.answers[i].ClientID = t.id
		if fresh, until := t.fresh(gen.setup); now.Before(until) {
			s.answers[i] = answer{Answer: fresh, done: true}
			s.lacking--
			if until.Before(s.admits) {
				s.admits = until
			}
		}
		if t.flight != nil || t.pause != nil {
			s.asked++
		}
	}
	f.founded++
	s.queue = newQueue(s, f.places(), f.founded)
	if now.Before(f.silent) {
		f.refuseAll(s, &igsend.Error{Reason: igsend.ReasonRateLimited, Err: errSilent}, now)
	}
	f.endIfComplete(s)
	return s
}

var errSilent = errors.New("not asked: an earlier answer asked to wait")

// leave ends the scrape's membership and returns what it has to tell: of what it
// lacks, that the time ran out. The last one to leave ends the sweep, and waits for
// the requests that it cut short, so that nothing outlives its scrape.
func (f *Fetcher) leave(ctx context.Context, s *sweep) view {
	f.mu.Lock()
	s.members--
	var cut []*flight
	switch {
	case s.lacking == 0:
	case s.members == 0:
		cut = f.abandon(s, interruption(ctx))
	case interruption(ctx) == igsend.ReasonTimeout:
		f.countMissing(s)
	}
	v := view{setup: s.gen.setup, answers: s.answers}
	if s.lacking > 0 {
		v.answers = withTimeouts(s.answers, time.Now())
	}
	f.mu.Unlock()
	for _, fl := range cut {
		<-fl.landed
	}
	return v
}

// interruption tells a scrape that has to answer now from one whose scraper is gone.
func interruption(ctx context.Context) igsend.Reason {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return igsend.ReasonTimeout
	}
	return igsend.ReasonCanceled
}

var errNoTime = errors.New("the scrape's time ran out")

// countMissing counts what a scrape lacks that leaves before the others.
func (f *Fetcher) countMissing(s *sweep) {
	for i := range s.answers {
		if a := &s.answers[i]; !a.done && !a.counted {
			a.counted = true
			s.gen.targets[i].countError(igsend.ReasonTimeout)
		}
	}
}

// withTimeouts returns a copy of answers in which the missing ones have timed out.
func withTimeouts(answers []answer, now time.Time) []answer {
	answers = slices.Clone(answers)
	for i := range answers {
		if !answers[i].done {
			answers[i].Err = &igsend.Error{ClientID: answers[i].ClientID, Reason: igsend.ReasonTimeout, Err: errNoTime}
			answers[i].At = now
		}
	}
	return answers
}

// abandon ends a sweep that nobody waits for any more, and cancels the requests that
// no other sweep waits for. It returns these.
func (f *Fetcher) abandon(s *sweep, reason igsend.Reason) (cut []*flight) {
	now := time.Now()
	for _, t := range s.gen.targets {
		if !s.lacks(t) {
			continue
		}
		fl := t.flight
		if f.wantedBeside(s, t) {
			fl = nil // not ours alone
		}
		if fl != nil {
			fl.cut(reason)
			cut = append(cut, fl)
		}
		f.giveUp(s, t, &igsend.Error{ClientID: t.id, Reason: reason, Err: errNoTime}, now)
		if fl != nil && reason == igsend.ReasonTimeout && !fl.takeoff.After(s.founded) {
			// It had the whole time of the scrape, and would not use the next one better.
			f.outcome(t, &igsend.Error{Reason: igsend.ReasonTimeout})
		}
	}
	f.dispatch(now)
	return cut
}

// refuseAll answers, unasked, all that s lacks and that is not in flight.
func (f *Fetcher) refuseAll(s *sweep, err *igsend.Error, now time.Time) {
	for _, t := range s.gen.targets {
		if s.lacks(t) && t.flight == nil {
			own := *err
			own.ClientID = t.id
			f.giveUp(s, t, &own, now)
		}
	}
}

// giveUp answers for t in s with a failure. The failure of an attempt that was made
// stands before err, which only says why no other followed, and is an outcome. A
// question that another sweep has open stays open there.
func (f *Fetcher) giveUp(s *sweep, t *target, err *igsend.Error, now time.Time) {
	if t.first != nil {
		err = t.first
	}
	a := Answer{ClientID: t.id, Err: err, At: now}
	if f.wantedBeside(s, t) {
		f.fill(s, t, a, true)
		return
	}
	if t.first != nil {
		f.outcome(t, err) // it has had its turn
	}
	f.answer(t, a)
}

// wantedBeside reports whether another sweep than s still waits for t.
func (f *Fetcher) wantedBeside(s *sweep, t *target) bool {
	return slices.ContainsFunc(f.sweeps, func(other *sweep) bool { return other != s && other.lacks(t) })
}

func (s *sweep) lacks(t *target) bool { return s.gen == t.gen && !s.answers[t.index].done }

// answer closes the question that is open about t, for every sweep that asked it.
// Its failure counts once.
func (f *Fetcher) answer(t *target, a Answer) {
	t.close()
	count := true
	for _, s := range slices.Clone(f.sweeps) { // fill takes those that are over off the list
		if s.lacks(t) && f.fill(s, t, a, count) {
			count = false
		}
	}
	t.record(a, t.gen.source, f.current.source)
}

// fill puts an answer into a sweep. With count, its failure is counted unless the
// sweep has counted one of this client; fill reports whether it did.
func (f *Fetcher) fill(s *sweep, t *target, a Answer, count bool) (counted bool) {
	entry := &s.answers[t.index]
	counted = a.Err != nil && count && !entry.counted
	if counted {
		t.countError(a.Err.Reason)
	}
	*entry = answer{Answer: a, done: true, counted: entry.counted || counted}
	s.lacking--
	f.endIfComplete(s)
	return counted
}

// endIfComplete takes a sweep that lacks nothing off the list.
func (f *Fetcher) endIfComplete(s *sweep) {
	if s.lacking > 0 {
		return
	}
	select {
	case <-s.over:
		return
	default:
	}
	close(s.over)
	f.sweeps = slices.DeleteFunc(f.sweeps, func(other *sweep) bool { return other == s })
	f.release(s.gen.setup)
}

// asError makes an *igsend.Error of any error.
func asError(err error) *igsend.Error {
	var e *igsend.Error
	if errors.As(err, &e) {
		return e
	}
	return &igsend.Error{Reason: igsend.ReasonNetwork, Err: err}
}
