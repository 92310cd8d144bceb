package collector

import (
	"fmt"
	"math"
	"time"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A scrape that ends before all clients were asked may need a higher concurrency. The
// exporter does not raise it by itself, because it limits the load on IGSend. On the landing
// page and once a day in the log, it says how high the concurrency would have to be. It does
// so only if the requests of the scrape filled the slots, and nearly all of that time brought
// answers. Otherwise the cause is a different one, and more requests at a time would not
// help: the rate limit, other scrapes that use the slots, or an API that does not answer.
const (
	adviceEvery = 24 * time.Hour
	// nearlyAll is the share of a time that counts as nearly all of it.
	nearlyAll = 0.9
)

// usage is what the slots were used for, as far as one scrape waited for it.
type usage struct {
	toAsk    int           // clients, at first
	outcomes int           // of requests
	spent    time.Duration // on attempts that have ended
	answered time.Duration // the part of spent that brought answers
}

// use counts the time of an attempt that has ended for the scrapes that wait for it.
func (f *Fetcher) use(r *request, err *igsend.Error, now time.Time) {
	for _, s := range f.scrapes {
		if !s.waitsFor(r.session, r.index) {
			continue
		}
		s.usage.spent += now.Sub(r.sent)
		if err == nil || err.KeysAccepted() {
			s.usage.answered += now.Sub(r.sent)
		}
	}
}

// advise returns the concurrency that s would have needed, in a sentence, at its deadline;
// or "" if a higher one is not needed or would not help.
func (f *Fetcher) advise(s *scrape, now time.Time) string {
	unasked, cut := 0, time.Duration(0)
	for i := range s.clients {
		switch r := s.requests[i]; {
		case s.answered(i):
		case r == nil:
			unasked++
		case r.inFlight:
			cut += now.Sub(r.sent)
		}
	}
	u, api, took := s.usage, s.Config.API, now.Sub(s.started)
	if unasked == 0 || u.outcomes == 0 || now.Before(s.deadline) || s.setup != f.current {
		return ""
	}
	mean := u.spent / time.Duration(u.outcomes)
	slots := time.Duration(api.Concurrency)
	// The time of requests that a deadline cuts short is wasted if it is longer than usual.
	wasted := u.spent - u.answered + max(0, cut-slots*mean)
	rounds := int(took / max(mean, 1))
	filled := float64(u.spent+cut) >= nearlyAll*float64(slots*took)
	useful := float64(wasted) <= (1-nearlyAll)*float64(u.spent+cut)
	if !filled || !useful || rounds == 0 {
		return ""
	}
	needed := int(math.Ceil(float64(u.toAsk) / float64(rounds)))
	if needed <= api.Concurrency || api.RequestsPerSecond > 0 && float64(u.toAsk) > api.RequestsPerSecond*took.Seconds() {
		return ""
	}
	advice := fmt.Sprintf("%d of %d clients were not asked within the %s of the scrape: with answers that take %s, api.concurrency would have to be %d, not %d.",
		unasked, len(s.clients), took.Round(time.Millisecond), mean.Round(time.Millisecond), needed, api.Concurrency)
	if needed > config.MaxConcurrency {
		advice += fmt.Sprintf(" The maximum is %d: give scrapes more time, or share the clients among shards.", config.MaxConcurrency)
	}
	return advice
}

// logAdvice writes the advice for the latest scrape, unless it did so within a day.
func (f *Fetcher) logAdvice(now time.Time) {
	if f.advice != "" && (f.advised.IsZero() || now.Sub(f.advised) >= adviceEvery) {
		f.advised = now
		f.logger.Warn("A scrape was too short for all clients", "advice", f.advice)
	}
}
