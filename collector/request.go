package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A request asks for one client, in up to max_attempts attempts. It is in flight, or
// paused before another attempt, or due for one and waiting for a slot.
type request struct {
	*session
	index    int // of the client in the session
	client   *client
	inFlight bool
	attempts int
	sent     time.Time     // when the last attempt was made
	first    *igsend.Error // why the first attempt failed
	failed   time.Time     // when it did
	pause    *time.Timer   // runs before another attempt; nil at other times
	slow     bool          // the client timed out last time
	keyTest  bool          // made to find out about a key in doubt
	counted  bool          // a scrape left early and has counted its failure

	ctx      context.Context
	stop     context.CancelCauseFunc
	canceled bool          // nobody waits for the answer
	returned chan struct{} // closed when the attempt has ended
}

// send makes an attempt for client i take a slot. The caller runs it.
func (f *Fetcher) send(s *session, i int, now time.Time) *request {
	r := s.requests[i]
	if r == nil {
		r = &request{session: s, index: i, client: s.clients[i]}
		s.requests[i] = r
	}
	r.inFlight, r.sent, r.slow = true, now, r.client.slow
	r.keyTest = s.key.inDoubt()
	r.attempts++
	f.tell(s, i, "attempt %d: GET %s?ClientID=%s", r.attempts, s.Config.API.Endpoint, r.client.id)
	r.ctx, r.stop = context.WithCancelCause(f.traced(context.Background(), r))
	r.returned = make(chan struct{})
	f.countInFlight(r, 1)
	return r
}

// countInFlight counts r in or out. A slow client may never answer: no decision about a
// key waits for it, unless it was asked to find out.
func (f *Fetcher) countInFlight(r *request, change int) {
	f.inFlight += change
	r.setup.inFlight += change
	if r.slow {
		f.slowInFlight += change
	}
	if !r.slow || r.keyTest {
		r.key.inFlight += change
	}
}

// tooSlow notes that a request in flight has had the whole time of a scrape: it counts as
// one for a slow client from here on. Scrapes that overlap must not hand it on for ever: if
// none that waits for it has more time in all than it has had, it is given up.
func (f *Fetcher) tooSlow(r *request, now time.Time) {
	f.countInFlight(r, -1)
	if r.keyTest && r.key.withdrawn() {
		r.client.standing = standing{key: r.key}
	}
	r.slow, r.keyTest = true, false
	f.countInFlight(r, 1)
	err := &igsend.Error{ClientID: r.client.id, Reason: igsend.ReasonTimeout, Err: errGivenUp}
	f.outcome(r.client, err)
	more := func(s *scrape) bool {
		return s.waitsFor(r.session, r.index) && s.deadline.Sub(s.started) > now.Sub(r.sent)
	}
	if r.requests[r.index] == r && !slices.ContainsFunc(f.scrapes, more) {
		f.finish(r, &Answer{ClientID: r.client.id, Err: err, At: now})
	}
}

// run makes the attempt. Its goroutine then makes the next one, if there is one: a new
// goroutine for each would have to grow its stack for each (BenchmarkCPU).
func (f *Fetcher) run(r *request) {
	for r != nil {
		f.upstream.inFlight.Inc()
		balances, err := f.ask(r)
		f.upstream.inFlight.Dec()
		f.upstream.observe(time.Since(r.sent), err)
		r.stop(nil)
		returned := r.returned // a second attempt would make another
		next := f.receive(r, balances, err)
		close(returned)
		r = next
	}
}

// ask calls the API. A panic there is a failure of this client, not the end of the
// process and of everybody else's balances.
func (f *Fetcher) ask(r *request) (balances []igsend.Balance, failure *igsend.Error) {
	defer func() {
		if p := recover(); p != nil {
			f.logger.Error("Panic while reading an answer; please report it",
				"client_id", r.client.id.String(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			balances, failure = nil, &igsend.Error{
				ClientID: r.client.id, Reason: igsend.ReasonMalformed, Err: errors.New("panic while reading the answer"),
			}
		}
	}()
	balances, err := r.API.Balances(r.ctx, r.key.keys, r.client.id)
	if err != nil {
		return balances, asError(err)
	}
	return balances, nil
}

// receive takes the answer of an attempt. It returns the next request to make, on the
// goroutine of this one.
func (f *Fetcher) receive(r *request, balances []igsend.Balance, err *igsend.Error) (next *request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	r.inFlight = false
	f.countInFlight(r, -1)
	f.tellAnswer(r, balances, err, now)
	f.learn(r, err, now)
	f.use(r, err, now)
	if !r.canceled && (err == nil || !f.retryLater(r, err, now)) {
		f.finish(r, &Answer{ClientID: r.client.id, Balances: balances, Err: err, At: now})
	}
	if err != nil && err.HTTPStatus == http.StatusTooManyRequests {
		f.rateLimit(err.RetryAfter, now)
	}
	if r.setup != f.current {
		r.API.Close() // the connections of old and new settings together stay within concurrency
	}
	return f.next(now)
}

// finish gives the answer of a request to every scrape that waits for it. Its failure
// counts once.
func (f *Fetcher) finish(r *request, a *Answer) {
	f.drop(r)
	f.outcome(r.client, a.Err)
	if a.Err != nil && !r.counted {
		f.countError(r.client, a.Err.Reason)
	}
	r.client.since = r.sent
	f.logOutcome(r.setup, r.index, a.Err)
	r.client.record(a, r.sent, r.source, f.current.source, f.common)
	for _, s := range slices.Clone(f.scrapes) { // answer removes those that are complete
		if s.waitsFor(r.session, r.index) {
			s.usage.outcomes++
			f.answer(s, r.index, a)
		}
	}
}

// drop takes a request off its session.
func (f *Fetcher) drop(r *request) {
	if r.pause != nil {
		r.pause.Stop()
		r.pause = nil
	}
	delete(r.requests, r.index)
}

// cancel ends a request in flight that nobody waits for.
func (r *request) cancel(reason igsend.Reason) {
	r.canceled = true
	if reason == igsend.ReasonTimeout {
		r.stop(context.DeadlineExceeded)
	} else {
		r.stop(context.Canceled)
	}
}

// rateLimit follows a 429: nothing is asked for d, reloads included, and nothing more in
// the scrapes under way.
func (f *Fetcher) rateLimit(d time.Duration, now time.Time) {
	if until := now.Add(d); until.After(f.quietUntil) {
		f.quietUntil = until
	}
	if d == 0 {
		f.limitedAt = now
	}
	for _, s := range slices.Clone(f.scrapes) {
		s.rateLimited = true
		f.refuse(s, &igsend.Error{Reason: igsend.ReasonRateLimited, Err: errQuiet}, now)
	}
}
