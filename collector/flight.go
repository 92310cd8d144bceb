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

// A flight is one request on its way. It takes a place, in flight, until it has
// landed, whether somebody still waits for its answer or not.
type flight struct {
	target   *target
	takeoff  time.Time
	landed   chan struct{} // closed when all is over
	slow     bool          // the client had timed out before
	witness  bool          // it was to find out about a doubted key
	refusals int           // of the key, before takeoff

	ctx       context.Context
	cancel    context.CancelCauseFunc
	abandoned bool // nobody waits for the answer
}

// takeOff gives t a place. The caller lets the flight fly. Its answer goes to every
// sweep that lacks t by then.
func (f *Fetcher) takeOff(t *target, now time.Time) *flight {
	fl := &flight{target: t, takeoff: now, landed: make(chan struct{}), slow: t.slow}
	fl.ctx, fl.cancel = context.WithCancelCause(context.Background())
	t.gen.guard.tookOff(fl)
	t.flight = fl
	t.attempts++
	t.gen.flights++
	t.gen.users++
	f.inFlight++
	if fl.slow {
		f.slow++
	}
	for _, s := range f.sweeps {
		if s.lacks(t) {
			s.asked++
		}
	}
	return fl
}

// cut ends a flight that nobody waits for: its question is no longer open.
func (fl *flight) cut(reason igsend.Reason) {
	fl.abandoned = true
	fl.target.flight = nil
	if reason == igsend.ReasonTimeout {
		fl.cancel(context.DeadlineExceeded)
	} else {
		fl.cancel(context.Canceled)
	}
}

// fly makes the request and hands its answer over; then it makes the next one, if
// there is one to make.
func (f *Fetcher) fly(fl *flight) {
	for fl != nil {
		f.upstream.inFlight.Inc()
		balances, err := f.ask(fl)
		f.upstream.inFlight.Dec()
		f.upstream.observe(time.Since(fl.takeoff), err)
		next := f.land(fl, balances, err)
		fl.cancel(nil)
		close(fl.landed)
		fl = next
	}
}

// ask makes the request. A panic in it is a failure of this client, not the end of
// the process and of everybody else's balances.
func (f *Fetcher) ask(fl *flight) (balances []igsend.Balance, failure *igsend.Error) {
	t := fl.target
	defer func() {
		if p := recover(); p != nil {
			f.logger.Error("Panic while reading an answer; please report it", // t.logger is for those who hold the lock
				"client_id", t.id.String(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			balances, failure = nil, &igsend.Error{ClientID: t.id, Reason: igsend.ReasonMalformed, Err: errors.New("panic while reading the answer")}
		}
	}()
	balances, err := t.gen.API.Balances(fl.ctx, t.gen.keys, t.id)
	if err != nil {
		return balances, asError(err)
	}
	return balances, nil
}

// land learns from the answer, gives it to those who wait for it or sets the client
// aside for another attempt, and lets the next requests take off. It returns one of
// these, for the goroutine whose request has landed.
func (f *Fetcher) land(fl *flight, balances []igsend.Balance, err *igsend.Error) (next *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	t := fl.target
	t.gen.flights--
	f.inFlight--
	if fl.slow {
		f.slow--
	}
	t.gen.guard.landed(fl, err, now)
	if !fl.abandoned {
		t.flight = nil
		if err == nil || !f.retryLater(t, err, now) {
			f.outcome(t, err)
			f.answer(t, Answer{ClientID: t.id, Balances: balances, Err: err, At: now})
		}
	}
	if err != nil && err.HTTPStatus == http.StatusTooManyRequests {
		f.silence(err.RetryAfter, now)
	}
	next = f.takeOffs(now)
	f.release(t.gen.setup)
	return next
}

// silence ends all asking after a 429: for as long as IGSend says, over reloads too,
// and in the sweeps under way in any case.
func (f *Fetcher) silence(d time.Duration, now time.Time) {
	if until := now.Add(d); until.After(f.silent) {
		f.silent = until
	}
	for _, s := range slices.Clone(f.sweeps) { // those that are over go off the list
		s.stopped = true
		f.refuseAll(s, &igsend.Error{Reason: igsend.ReasonRateLimited, Err: errSilent}, now)
	}
}
