package collector

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A scrape waits for one answer for each client; a probe is a scrape of one client. A
// request serves every scrape that waits for its client, whichever scrape caused it. An
// answer that arrived before a scrape started is not used, except under
// min_refresh_interval.
type scrape struct {
	*session
	probe       bool
	test        bool // a probe that only tests the key: nobody waits for the client itself
	started     time.Time
	deadline    time.Time
	first       int       // its clients are those of the session from here on,
	answers     []*Answer // one for each of these; nil while there is none
	waiting     int       // answers still missing
	queue       queue
	keyTested   bool // the last request while the key was in doubt did not clear it
	rateLimited bool // by a 429, before or during this scrape
	usage       usage
	advice      string
	done        chan struct{}
	steps       *steps // or nil
}

// start begins a scrape of all clients.
func (f *Fetcher) start(ctx context.Context) *scrape {
	s, err := f.lockForScrape(ctx)
	defer f.mu.Unlock()
	f.started++
	f.begin(s, 0, len(s.clients), err)
	return s
}

// lockForScrape locks f.mu and returns a scrape in the current session. The error says why
// the keys can't be read.
func (f *Fetcher) lockForScrape(ctx context.Context) (*scrape, error) {
	keys, err := f.lockWithKeys(ctx)
	now := time.Now()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = now.Add(maxTimeout)
	}
	s := &scrape{started: now, deadline: deadline, done: make(chan struct{})}
	if err == nil {
		s.session = f.sessionFor(keys)
	} else {
		s.session = newSession(f.current, &key{}) // asks for nothing
	}
	s.key.forgetKnown()
	return s, err
}

// begin makes s wait for n clients from the first on. Some of its answers may be known at
// once: those that min_refresh_interval allows, and all of them when nothing may be asked.
func (f *Fetcher) begin(s *scrape, first, n int, err error) {
	now := s.started
	s.first, s.answers, s.waiting = first, make([]*Answer, n), n
	f.scrapes = append(f.scrapes, s)
	if n == 0 {
		f.end(s)
		return
	}
	for i := range s.indexes() {
		if last := s.clients[i].fresh(s.setup, now); last != nil {
			s.steps.add("the answer of %.3fs ago is served again, because of min_refresh_interval", now.Sub(last.At).Seconds())
			f.answer(s, i, last)
		}
	}
	switch {
	case err != nil:
		f.refuse(s, asError(err), now)
	case f.quiet(s):
		s.rateLimited = true
		f.refuse(s, &igsend.Error{Reason: igsend.ReasonRateLimited, Err: errQuiet}, now)
	default:
		s.usage.toAsk = s.waiting
		s.queue = newQueue(s, f.started%inTurnEvery == 0, f.slots())
	}
	f.dispatch(now)
}

// indexes returns the clients of s, by their index in the session.
func (s *scrape) indexes() iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := range s.answers {
			if !yield(s.first + n) {
				return
			}
		}
	}
}

// answered reports whether s does not wait for client i, or no longer.
func (s *scrape) answered(i int) bool {
	n := i - s.first
	return n < 0 || n >= len(s.answers) || s.answers[n] != nil
}

// all returns the answers of a scrape that has ended.
func (s *scrape) all() []Answer {
	answers := make([]Answer, len(s.answers))
	for i, a := range s.answers {
		answers[i] = *a
	}
	return answers
}

// waitsFor reports whether s still waits for the answer to client i of a session.
func (s *scrape) waitsFor(of *session, i int) bool { return s.session == of && !s.answered(i) }

// answer gives s the answer for client i.
func (f *Fetcher) answer(s *scrape, i int, a *Answer) {
	s.answers[i-s.first] = a
	if s.waiting--; s.waiting == 0 {
		f.end(s)
	}
}

func (f *Fetcher) end(s *scrape) {
	f.scrapes = slices.DeleteFunc(f.scrapes, func(other *scrape) bool { return other == s })
	close(s.done)
}

// leave ends a scrape that has run out of time or whose scraper hung up. It cancels the
// requests that no other scrape waits for, and returns when these have ended, so that
// nothing outlives its scrape.
func (f *Fetcher) leave(s *scrape, reason igsend.Reason) {
	f.mu.Lock()
	now := time.Now()
	if !s.probe {
		s.advice = f.advise(s, now)
	}
	var canceled []*request
	for i := range s.indexes() {
		if s.answered(i) {
			continue
		}
		r := s.requests[i]
		f.fail(s, i, &igsend.Error{Reason: reason, Err: errNoTime}, now)
		if r == nil || !r.inFlight {
			continue
		}
		if reason == igsend.ReasonTimeout && !r.sent.After(s.started) {
			f.tooSlow(r, now)
		}
		if s.requests[i] != r { // no other scrape waits for it
			r.cancel(reason)
			canceled = append(canceled, r)
		}
	}
	f.dispatch(now)
	f.mu.Unlock()
	for _, r := range canceled {
		<-r.returned
	}
}

var (
	errNoTime  = errors.New("the scrape ended before an answer")
	errGivenUp = errors.New("no answer in the time of a whole scrape")
	errQuiet   = errors.New("not asked: IGSend asked to wait")
	errRefused = errors.New("not asked: the keys were refused for other clients")
)

// refuse fails every client that s waits for and that is not in flight.
func (f *Fetcher) refuse(s *scrape, err *igsend.Error, now time.Time) {
	for i := range s.indexes() {
		if r := s.requests[i]; !s.answered(i) && (r == nil || !r.inFlight) {
			f.fail(s, i, err, now)
		}
	}
}

// fail gives s a failure for client i that is not the answer of a request. If an
// attempt was made before, its failure stands: err only says why no other followed. The
// request is dropped when no other scrape waits for it.
func (f *Fetcher) fail(s *scrape, i int, err *igsend.Error, now time.Time) {
	c, r := s.clients[i], s.requests[i]
	shared := slices.ContainsFunc(f.scrapes, func(other *scrape) bool { return other != s && other.waitsFor(s.session, i) })
	hungUp := err.Reason == igsend.ReasonCanceled
	if r != nil && r.first != nil && !r.failed.Before(s.started) {
		err = r.first
	} else {
		own := *err
		own.ClientID = c.id
		err = &own
	}
	f.answer(s, i, &Answer{ClientID: c.id, Err: err, At: now})
	if shared && hungUp {
		return // the others get the answer: nothing has failed
	}
	if !s.test && (r == nil || !r.counted) {
		f.countError(c, err.Reason)
	}
	switch {
	case shared && r != nil:
		r.counted = true
	case !shared:
		if !s.test {
			f.logOutcome(s.setup, i, err)
		}
		if r != nil {
			f.drop(r)
			if r.first != nil {
				f.outcome(c, r.first)
			}
		}
	}
}

// asError returns err as an *igsend.Error.
func asError(err error) *igsend.Error {
	var e *igsend.Error
	if errors.As(err, &e) {
		return e
	}
	return &igsend.Error{Reason: igsend.ReasonNetwork, Err: err}
}
