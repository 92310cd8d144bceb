package collector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/igsend-exporter/igsend_exporter/config"
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
	keys             bool            // could be read
	probed           igsend.ClientID // or 0, for all
	joined, deadline time.Time
	hangsUp          time.Time // or zero
	group            int
	scrape           *scrape
	ended            time.Time
	answers          []Answer
}

// scrape does what Fetch does, and looks at what comes of it. With a client, it does what
// probe does; the answer is nil if the client is not configured.
func (w *world) scrape(f *Fetcher, probed igsend.ClientID, timeout, hangUp time.Duration) *chaosScrape {
	ctx, cancel := context.WithTimeout(w.t.Context(), timeout)
	defer cancel()
	w.mu.Lock()
	if _, ok := w.current.accounts[probed]; !ok && probed != 0 {
		w.mu.Unlock()
		return nil
	}
	s := &chaosScrape{settings: w.current, keys: w.keyFile, probed: probed, joined: time.Now(), deadline: time.Now().Add(timeout)}
	w.lastJoin = s.joined
	if probed == 0 {
		w.scrapes++
	}
	if w.underWay++; w.underWay == 1 {
		w.group++
	}
	s.group = w.group
	w.mu.Unlock()
	if hangUp > 0 && hangUp < timeout {
		s.hangsUp = s.joined.Add(hangUp)
		defer time.AfterFunc(hangUp, cancel).Stop()
	}
	wait := func() {
		select {
		case <-s.scrape.done:
		case <-ctx.Done():
			w.checkWaiting(f, s)
			f.leave(s.scrape, igsend.ContextReason(ctx))
		}
	}
	index := 0
	if probed == 0 {
		s.scrape = f.start(ctx)
	} else if s.scrape, index = f.startProbe(ctx, probed, nil); s.scrape == nil {
		w.t.Fatalf("client %s is configured, but can't be probed", probed)
	}
	wait()
	if s.scrape.test {
		w.noteTest(s)
		s.scrape = f.afterTest(ctx, s.scrape, index)
		wait()
	}
	s.answers = s.scrape.all()
	s.ended = time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.underWay--
	w.checkScrape(s)
	return s
}

// checkWaiting holds that a scrape that has waited until its end has waited for
// something: an answer, a pause, the rate.
func (w *world) checkWaiting(f *Fetcher, s *chaosScrape) {
	f.mu.Lock()
	defer f.mu.Unlock()
	waits := f.inFlight > 0 || f.current.Config.API.RequestsPerSecond > 0
	for i, r := range s.scrape.requests {
		waits = waits || !s.scrape.answered(i) && r != nil && r.pause != nil
	}
	if !waits && s.scrape.waiting > 0 {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.errorf("a scrape waited for %d clients that nobody was asking", s.scrape.waiting)
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
	if s.probed != 0 {
		clients = []config.Client{{ID: s.probed}}
	}
	if len(s.answers) != len(clients) {
		w.errorf("a scrape of %d clients has %d answers", len(clients), len(s.answers))
		return
	}
	for i := range s.answers {
		if got := s.answers[i].ClientID; got != clients[i].ID {
			w.errorf("answer %d is for client %s, want client %s", i, got, clients[i].ID)
		}
		w.checkAnswer(s, &s.answers[i], hungUp)
		if s.answers[i].Err != nil {
			w.note(s, s.scrape.clients[s.scrape.first+i], hungUp)
		}
	}
}

// noteTest books the failure of a client that a key was tested with. Nobody was told of it,
// and it counts only if the client was asked.
func (w *world) noteTest(s *chaosScrape) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.scrape.answers[0].Err == nil {
		return
	}
	c := s.scrape.clients[s.scrape.first]
	if w.failed[c] == nil {
		w.failed[c] = &failures{}
	}
	w.failed[c].scrapes++
}

// note books a failure that a scrape was told of. One that hung up may have caused it.
func (w *world) note(s *chaosScrape, c *client, hungUp bool) {
	failed := w.failed[c]
	if failed == nil {
		failed = &failures{}
		w.failed[c] = failed
	}
	failed.scrapes++
	if !hungUp && failed.group != s.group {
		failed.groups++
		failed.group = s.group
	}
}

// amounts returns balances as text.
func amounts(balances []igsend.Balance) (all []string) {
	for _, b := range balances {
		all = append(all, b.Currency+" "+b.Amount.String())
	}
	return all
}

// checkAnswer holds that an answer is what IGSend said while the scrape waited, or says
// honestly why there is none.
func (w *world) checkAnswer(s *chaosScrape, a *Answer, hungUp bool) {
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
	within := !source.end.Before(s.joined) && source.api == s.settings && source.question.keys == s.scrape.key.keys
	first := a.Err != nil && a.Err.Transient // of a request that is paused since before the scrape
	if !within && !fresh && !first {
		w.errorf("client %s was given an answer that is not its own, %s old at the scrape's begin", a.ClientID, age)
	}
}

// checkUnasked holds the reasons that are not IGSend's.
func (w *world) checkUnasked(s *chaosScrape, a *Answer, hungUp bool) {
	if len(a.Balances) > 0 {
		w.errorf("client %s: balances without an answer", a.ClientID)
	}
	var honest bool
	switch err := a.Err; {
	case err == nil:
	case errors.Is(err, errNoTime):
		honest = hungUp || err.Reason == igsend.ReasonTimeout && s.ended.Equal(s.deadline)
	case errors.Is(err, errGivenUp):
		honest = err.Reason == igsend.ReasonTimeout
	case errors.Is(err, errQuiet):
		last429 := w.last429
		if s.probed != 0 {
			last429 = last429.Add(probePause)
		}
		honest = err.Reason == igsend.ReasonRateLimited && (s.joined.Before(w.silent) || !last429.Before(s.joined))
	case errors.Is(err, errRefusedLately):
		honest = err.Reason == igsend.ReasonUnauthorized && s.probed != 0
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
			b := f.clients[id].balance(currency, f.common)
			if !b.increase.sum.Equal(r.increase[currency]) || !b.decrease.sum.Equal(r.decrease[currency]) {
				w.errorf("client %s: increase %s, decrease %s, want %s and %s", id, b.increase.sum, b.decrease.sum, r.increase[currency], r.decrease[currency])
			}
		}
	}
	for c, failed := range w.failed {
		counted := 0.0
		for _, e := range c.errors {
			counted += e.counter.GetValue()
		}
		if counted < float64(failed.groups) || counted > float64(failed.scrapes) {
			w.errorf("client %s: %v errors counted, for %d failures in %d scrapes", c.id, counted, failed.groups, failed.scrapes)
		}
	}
	maps.DeleteFunc(w.byAmount, func(_ string, d *delivery) bool { return time.Since(d.end) > time.Minute })
	clear(w.byError)
	if f.inFlight != 0 || f.slowInFlight != 0 || len(f.scrapes) != 0 || w.inFlight != 0 || f.session.key.inFlight != 0 {
		w.errorf("%d slots, %d of slow clients, %d scrapes, %d requests are left", f.inFlight, f.slowInFlight, len(f.scrapes), w.inFlight)
	}
}
