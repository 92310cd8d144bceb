package collector

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A Fetcher decides whom to ask, how many at once, and until when. Scrapes that
// overlap share its work.
//
// It is a state machine under one lock. Scrapes join a sweep (sweep.go) and leave
// it; requests take off and land (flight.go); after each of these, dispatch.go lets
// as many further requests take off as the rules allow. What is learned of a client
// is kept in its account (account.go), what is learned of the keys in a guard
// (guard.go).
type Fetcher struct {
	logger   *slog.Logger
	upstream *upstream

	mu       sync.Mutex
	accounts map[igsend.ClientID]*account // of the configured clients
	current  *setup
	latest   *generation // nil until the first scrape after a reload
	sweeps   []*sweep    // under way, the oldest first
	founded  uint64      // sweeps so far
	inFlight int         // requests, over all generations
	slow     int         // those of them for clients that timed out the last time
	turn     turn        // of the latest outcome
	limiter  *rate.Limiter
	wakes    time.Time // when a timer will call dispatch; zero when none will
	silent   time.Time // after a 429, nothing is asked until then
}

// NewFetcher returns a fetcher for settings, whose API it closes when it needs it no
// more.
func NewFetcher(settings Settings, logger *slog.Logger) *Fetcher {
	f := &Fetcher{
		logger:   logger,
		upstream: newUpstream(),
		accounts: map[igsend.ClientID]*account{},
		limiter:  rate.NewLimiter(rate.Inf, 1),
	}
	f.Apply(settings)
	return f
}

// Apply replaces the settings. Scrapes under way finish on the old ones, later ones
// use the new ones. Clients that stay keep their counters and last answers; of those
// that go nothing is kept.
func (f *Fetcher) Apply(settings Settings) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.current
	f.current = newSetup(settings, f.accounts, f.logger)
	accounts := make(map[igsend.ClientID]*account, len(f.current.known))
	for _, known := range f.current.known {
		accounts[known.id] = known.account
	}
	f.accounts = accounts
	f.limiter.SetLimit(requestRate(settings))
	if old != nil {
		f.retire(old)
	}
	f.dispatch(time.Now())
}

// Close closes the API of the current settings. No scrape may be under way.
func (f *Fetcher) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current.API.Close()
}

// Fetch asks for every client and returns an answer for each, in the order of the
// configuration. It ends as a scrape does: when all have answered, or with ctx.
func (f *Fetcher) Fetch(ctx context.Context) []Answer {
	v := f.fetch(ctx)
	answers := make([]Answer, len(v.answers))
	for i := range v.answers {
		answers[i] = v.answers[i].Answer
	}
	return answers
}

// fetch asks for every client and returns what is known of them when all have
// answered or when ctx is done, whichever is first. A ctx whose cause is
// context.DeadlineExceeded is a scrape that has to answer now; any other end of ctx
// is a scraper that has hung up.
func (f *Fetcher) fetch(ctx context.Context) view {
	s := f.join(ctx)
	select {
	case <-s.over:
	case <-ctx.Done():
	}
	return f.leave(ctx, s)
}

// generation returns the one that a scrape beginning now belongs to, given the keys
// as they are now.
func (f *Fetcher) generation(keys igsend.Keys) *generation {
	switch latest := f.latest; {
	case latest == nil:
		f.latest = newGeneration(f.current, keys, newGuard())
	case latest.setup == f.current && latest.keys == keys:
	case latest.keys == keys && *latest.source == *f.current.source:
		f.latest = newGeneration(f.current, keys, latest.guard.afterReload())
	default:
		f.latest = newGeneration(f.current, keys, newGuard())
	}
	return f.latest
}

// release gives up one use of a setup.
func (f *Fetcher) release(s *setup) {
	s.users--
	f.retire(s)
}

// retire closes the API of settings that were replaced, once nothing uses them.
func (f *Fetcher) retire(s *setup) {
	if s != f.current && s.users == 0 {
		s.API.Close()
	}
}

func requestRate(settings Settings) rate.Limit {
	if limit := settings.Config.API.RequestsPerSecond; limit > 0 {
		return rate.Limit(limit)
	}
	return rate.Inf
}
