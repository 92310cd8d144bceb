package collector

import (
	"context"
	"errors"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A probe is a scrape of one client. All probes together may do once in probePause what each
// scrape of all clients may do once:
//
//   - test a key that is in doubt or refused
//   - ask for as many clients that were refused last time as one scrape may
//   - ask again after a 429 that does not say how long to wait
const probePause = time.Minute

var errRefusedLately = errors.New("not asked: the keys were refused for this client, and it will be asked again later")

// probe asks for one client and returns the scrape with its answer. It reports false if the
// client is not configured. The steps may be nil.
func (f *Fetcher) probe(ctx context.Context, id igsend.ClientID, steps *steps) (*scrape, bool) {
	if !f.configured(id) { // and what is known of the key stays as it is
		return nil, false
	}
	s, index := f.startProbe(ctx, id, steps)
	if s == nil {
		return nil, false
	}
	f.wait(ctx, s)
	if s.test {
		s = f.afterTest(ctx, s, index)
		f.wait(ctx, s)
	}
	if err := s.answers[0].Err; err != nil {
		steps.add("no complete, valid answer: %v", err)
	} else {
		steps.add("a complete, valid answer")
	}
	return s, true
}

func (f *Fetcher) configured(id igsend.ClientID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.clients[id]
	return ok
}

// startProbe begins the scrape of a probe. It returns the scrape and the index of the probed
// client, or nil if the client is not configured. If the key is in doubt and may be tested,
// the scrape is of the client that is best for the test, because IGSend may refuse the probed
// client for a reason of its own. If that is another client, afterTest must follow.
func (f *Fetcher) startProbe(ctx context.Context, id igsend.ClientID, steps *steps) (s *scrape, index int) {
	s, err := f.lockForScrape(ctx)
	defer f.mu.Unlock()
	c, ok := f.clients[id]
	if !ok {
		return nil, 0
	}
	s.probe, s.steps = true, steps
	steps.add("client %s, name %q: %.3fs until the answer must go out", id, s.Config.Clients[c.index].Name, s.deadline.Sub(s.started).Seconds())
	ask := c.index
	switch mayAsk := err == nil && !f.quiet(s); {
	case mayAsk && s.key.mayTest() && !s.started.Before(s.key.probedAt.Add(probePause)):
		s.key.probedAt = s.started
		ask = s.bestTest(ask)
		s.test = ask != c.index
		steps.add("the keys are in doubt: asking for client %s to test them", s.clients[ask].id)
	case mayAsk && f.refusedLately(s, c):
		err = &igsend.Error{Reason: igsend.ReasonUnauthorized, Err: errRefusedLately}
	default:
		s.keyTested = s.key.refused()
	}
	f.begin(s, ask, 1, err)
	f.tellWaiting(s, ask)
	return s, c.index
}

// afterTest begins the scrape of the probed client after the key was tested with another one.
func (f *Fetcher) afterTest(ctx context.Context, test *scrape, index int) *scrape {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &scrape{session: test.session, probe: true, steps: test.steps, started: time.Now(), deadline: test.deadline, done: make(chan struct{})}
	s.keyTested = s.key.refused()
	s.steps.add("the keys were tested")
	var err error
	if ctx.Err() != nil {
		err = &igsend.Error{Reason: igsend.ContextReason(ctx), Err: errNoTime}
	}
	f.begin(s, index, 1, err)
	f.tellWaiting(s, index)
	return s
}

// bestTest returns the client that is best for testing a key in doubt. A client with a fresh
// answer is not, because it would not be asked.
func (s *scrape) bestTest(best int) int {
	for i, c := range s.clients {
		if c.fresh(s.setup, s.started) == nil && s.key.compareTests(c, s.clients[best]) < 0 {
			best = i
		}
	}
	return best
}

// refusedLately reports whether c was refused last time and must wait for its turn to be
// asked again. In probePause, no more of the refused clients are asked than a scrape may ask.
func (f *Fetcher) refusedLately(s *scrape, c *client) bool {
	if !s.key.lastRefused(c) {
		return false
	}
	refused := 0
	for _, other := range s.clients {
		if s.key.lastRefused(other) {
			refused++
		}
	}
	atOnce := max(f.slots(), minRefusals)
	pause := probePause * time.Duration(refused) / time.Duration(atOnce)
	pause -= min(pause, probePause) / 10 // the probe that is due must not come too early
	return s.started.Before(c.standing.refusedAt.Add(pause))
}

// quiet reports whether s must not ask for anything because of a 429.
func (f *Fetcher) quiet(s *scrape) bool {
	return s.started.Before(f.quietUntil) || s.probe && s.started.Before(f.limitedAt.Add(probePause))
}
