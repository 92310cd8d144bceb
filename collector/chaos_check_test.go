package collector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// checkRequest holds the rules of a request that goes out. a.mu is held.
func (a *chaosAPI) checkRequest(d *delivery) {
	limits := a.current.config.API
	if a.inFlight >= limits.Concurrency {
		a.errorf("a request beside %d in flight, where %d are allowed", a.inFlight, limits.Concurrency)
	}
	if a.open[d.question] > 0 {
		a.errorf("client %s was asked twice at the same time", d.question.id)
	}
	if d.begin.Before(a.silent) {
		a.errorf("a request %s before the end of a silence", a.silent.Sub(d.begin))
	}
	if a.last429.After(a.lastJoin) {
		a.errorf("a request after a 429, and no scrape since")
	}
	if rate := limits.RequestsPerSecond; rate > 0 && !a.lastBegin.IsZero() {
		if gap, least := d.begin.Sub(a.lastBegin), time.Duration(float64(time.Second)/rate); gap < least-time.Microsecond {
			a.errorf("a request %s after another, want %s at least", gap, least)
		}
	}
	a.lastBegin = d.begin
}

// A chaosScrape is one scrape, from its own point of view.
type chaosScrape struct {
	settings         *chaosAPI
	keys             bool // could be read
	joined, deadline time.Time
	hangsUp          time.Time // or zero
	sweep            *sweep
	ended            time.Time
	view             view
}

// scrape does what Fetch does, and looks at what comes of it.
func (w *world) scrape(f *Fetcher, timeout, hangUp time.Duration) *chaosScrape {
	ctx, cancel := context.WithTimeout(w.t.Context(), timeout)
	defer cancel()
	w.mu.Lock()
	s := &chaosScrape{settings: w.current, keys: w.keyFile, joined: time.Now(), deadline: time.Now().Add(timeout)}
	w.lastJoin = s.joined
	w.mu.Unlock()
	if hangUp > 0 && hangUp < timeout {
		s.hangsUp = s.joined.Add(hangUp)
		defer time.AfterFunc(hangUp, cancel).Stop()
	}
	s.sweep = f.join(ctx)
	w.note(s)
	select {
	case <-s.sweep.over:
	case <-ctx.Done():
		w.checkWaiting(f, s)
	}
	s.view = f.leave(ctx, s.sweep)
	s.ended = time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checkScrape(s)
	return s
}

// note keeps until when a sweep admits: the deadline of the scrape that founded it.
func (w *world) note(s *chaosScrape) {
	w.mu.Lock()
	defer w.mu.Unlock()
	record, ok := w.sweeps[s.sweep]
	switch {
	case !ok:
		w.sweeps[s.sweep] = &sweepRecord{founded: s.joined, admits: s.deadline, told: map[*target]bool{}}
		w.founded++
	case !s.joined.Before(record.admits):
		w.errorf("a scrape joined a sweep %s after its founder's deadline", s.joined.Sub(record.admits))
	}
}

// checkWaiting holds that a scrape that has waited until its end has waited for
// something: an answer, a pause, the rate.
func (w *world) checkWaiting(f *Fetcher, s *chaosScrape) {
	f.mu.Lock()
	defer f.mu.Unlock()
	waits := f.inFlight > 0 || f.current.Config.API.RequestsPerSecond > 0
	for _, t := range s.sweep.gen.targets {
		waits = waits || s.sweep.lacks(t) && t.pause != nil
	}
	if !waits && s.sweep.lacking > 0 {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.errorf("a scrape waited for %d clients that nobody was asking", s.sweep.lacking)
	}
}

// checkScrape holds the rules of what a scrape is told. w.mu is held.
func (w *world) checkScrape(s *chaosScrape) {
	latest := s.deadline
	hungUp := !s.hangsUp.IsZero() && !s.ended.Before(s.hangsUp)
	if hungUp {
		latest = s.hangsUp
	}
	if s.ended.After(latest) {
		w.errorf("a scrape ended %s late", s.ended.Sub(latest))
	}
	clients := s.settings.config.Clients
	if len(s.view.answers) != len(clients) {
		w.errorf("a scrape of %d clients has %d answers", len(clients), len(s.view.answers))
		return
	}
	for i := range s.view.answers {
		if got := s.view.answers[i].ClientID; got != clients[i].ID {
			w.errorf("answer %d is for client %s, want client %s", i, got, clients[i].ID)
		}
		w.checkAnswer(s, &s.view.answers[i], hungUp)
		if !hungUp && s.view.answers[i].Err != nil {
			w.sweeps[s.sweep].told[s.sweep.gen.targets[i]] = true
		}
	}
}

// amounts returns balances as text.
func amounts(balances []igsend.Balance) (all []string) {
	for _, b := range balances {
		all = append(all, b.Currency+" "+b.Amount.String())
	}
	return all
}

// checkAnswer holds that an answer is what IGSend said within the sweep, or says
// honestly why there is none.
func (w *world) checkAnswer(s *chaosScrape, a *answer, hungUp bool) {
	var source *delivery
	switch {
	case a.Err == nil && len(a.Balances) == 0:
		w.errorf("client %s is up without a balance", a.ClientID)
		return
	case a.Err == nil:
		source = w.byAmount[a.Balances[0].Amount.String()]
	default:
		source = w.byError[a.Err]
	}
	if source == nil {
		w.checkUnasked(s, a, hungUp)
		return
	}
	if source.question.id != a.ClientID || source.err != a.Err {
		w.errorf("client %s was given the answer for client %s", a.ClientID, source.question.id)
	}
	if !slices.Equal(amounts(source.balances), amounts(a.Balances)) {
		w.errorf("client %s: %v was published of %v", a.ClientID, a.Balances, source.balances)
	}
	age := s.joined.Sub(source.end)
	fresh := a.Err == nil && age < s.settings.config.API.MinRefreshInterval && source.api.source() == s.settings.source()
	within := !source.end.Before(w.sweeps[s.sweep].founded) && source.api == s.settings && source.question.keys == s.sweep.gen.keys
	first := a.Err != nil && a.Err.Transient // of a question that is open since before the sweep
	if !within && !fresh && !first {
		w.errorf("client %s was given an answer that is not its sweep's, %s old at the scrape's begin", a.ClientID, age)
	}
}

// checkUnasked holds the reasons that are not IGSend's.
func (w *world) checkUnasked(s *chaosScrape, a *answer, hungUp bool) {
	begun := w.sweeps[s.sweep].founded
	if len(a.Balances) > 0 {
		w.errorf("client %s: balances without an answer", a.ClientID)
	}
	var honest bool
	switch err := a.Err; {
	case err == nil:
	case errors.Is(err, errNoTime):
		honest = hungUp || err.Reason == igsend.ReasonTimeout && s.ended.Equal(s.deadline)
	case errors.Is(err, errSilent):
		honest = err.Reason == igsend.ReasonRateLimited && (begun.Before(w.silent) || !w.last429.Before(begun))
	case errors.Is(err, errRefused):
		honest = err.Reason == igsend.ReasonUnauthorized
	case err.Reason == igsend.ReasonCredentials:
		honest = !s.keys
	case err.Reason == igsend.ReasonCanceled:
		honest = hungUp
	}
	if !honest {
		w.errorf("client %s: %v, which is not so", a.ClientID, a.Err)
	}
}

// audit compares the books, when nothing is under way, and forgets what is over.
func (w *world) audit(f *Fetcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, r := range w.current.accounts {
		for currency := range r.balance {
			m := f.accounts[id].moneyIn(currency)
			if !m.rose.sum.Equal(r.rose[currency]) || !m.fell.sum.Equal(r.fell[currency]) {
				w.errorf("client %s rose by %s and fell by %s, want %s and %s", id, m.rose.sum, m.fell.sum, r.rose[currency], r.fell[currency])
			}
		}
	}
	w.auditErrors()
	maps.DeleteFunc(w.byAmount, func(_ string, d *delivery) bool { return time.Since(d.end) > time.Minute })
	clear(w.byError)
	if f.inFlight != 0 || f.slow != 0 || len(f.sweeps) != 0 || w.inFlight != 0 || f.current.users != 0 {
		w.errorf("%d places, %d of slow clients, %d sweeps, %d requests, %d users are left", f.inFlight, f.slow, len(f.sweeps), w.inFlight, f.current.users)
	}
}

// auditErrors compares the errors counted with those that scrapes were told of: one
// for each sweep, but for failures that sweeps share, one for each failure.
func (w *world) auditErrors() {
	failures := map[*igsend.Error]bool{}
	for s, record := range w.sweeps {
		for i, t := range s.gen.targets {
			final := s.answers[i].Err
			if final == nil && !record.told[t] {
				continue
			}
			c := w.claims[t.account]
			if c == nil {
				c = &claims{}
				w.claims[t.account] = c
			}
			c.sweeps++
			if final == nil || !failures[final] {
				c.failures++
			}
			failures[final] = true
		}
	}
	clear(w.sweeps)
	for account, claims := range w.claims {
		counted := 0.0
		for _, e := range account.errors {
			counted += e.sample.value
		}
		if counted < float64(claims.failures) || counted > float64(claims.sweeps) {
			w.errorf("client %s: %v errors counted, for %d failures in %d sweeps", account.id, counted, claims.failures, claims.sweeps)
		}
	}
}
