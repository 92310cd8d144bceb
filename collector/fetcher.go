package collector

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A Fetcher decides whom to ask, how many at once, and until when. It is safe for
// concurrent use; scrapes that overlap share its requests.
//
// All of its state is under one lock. Three things happen to it: a scrape starts, a
// request returns, a scrape ends. After each, dispatch sends as many requests as the
// rules allow.
type Fetcher struct {
	logger   *slog.Logger
	upstream *upstream

	mu           sync.Mutex
	common       *shared
	clients      map[igsend.ClientID]*client // the configured ones
	current      *setup
	session      *session  // of the latest scrape; nil before the first
	scrapes      []*scrape // under way, oldest first
	started      int       // scrapes of all clients so far
	inFlight     int       // requests, of all sessions
	slowInFlight int       // those for clients that timed out last time
	turn         turn      // of the latest outcome
	limiter      *rate.Limiter
	wake         *time.Timer // calls dispatch when the rate allows the next request
	quietUntil   time.Time   // nothing is asked before, because of a 429
	limitedAt    time.Time   // the latest 429 that did not say how long to wait
	scraped      time.Time   // when the latest scrape ended, for Status
	scrapeTook   time.Duration
	advice       string    // for the latest scrape, for Status
	advised      time.Time // when the log had some
}

// NewFetcher returns a Fetcher for settings. It logs one line when a client's outcome
// changes.
func NewFetcher(settings Settings, logger *slog.Logger) *Fetcher {
	f := &Fetcher{logger: logger, upstream: newUpstream(), common: newShared(), limiter: rate.NewLimiter(rate.Inf, 1)}
	f.wake = time.AfterFunc(maxTimeout, f.wakeUp)
	f.Apply(settings)
	return f
}

// Apply replaces the settings. Scrapes under way finish on the old ones, later scrapes
// use the new ones. Clients that stay keep their counters and last answers; nothing is
// kept of those that go. The old API is closed.
func (f *Fetcher) Apply(settings Settings) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.current
	f.current = newSetup(settings, f.clients)
	f.clients = make(map[igsend.ClientID]*client, len(f.current.clients))
	for _, c := range f.current.clients {
		f.clients[c.id] = c
	}
	limit := rate.Inf
	if perSecond := settings.Config.API.RequestsPerSecond; perSecond > 0 {
		limit = rate.Limit(perSecond)
	}
	f.limiter.SetLimit(limit)
	f.advice = ""
	if old != nil {
		if old.source != f.current.source {
			f.forgetShown()
		}
		old.API.Close()
	}
	f.dispatch(time.Now())
}

// Config returns the configuration of the current settings.
func (f *Fetcher) Config() *config.Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current.Config
}

// Close closes the API of the current settings. No scrape may be under way.
func (f *Fetcher) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wake.Stop()
	f.current.API.Close()
}

// An Answer is what one scrape knows of one client.
type Answer struct {
	ClientID igsend.ClientID
	// Balances are those that can be trusted, even when Err is set.
	Balances []igsend.Balance
	// Err says why there is no complete, valid answer; nil when there is one.
	Err *igsend.Error
	// At is when the answer arrived, or when the scrape gave up.
	At time.Time
}

// Fetch asks for every client and returns one Answer for each, in the order of the
// configuration. It returns when all have answered, or when ctx is done. A client that
// has not answered by then has ReasonTimeout if the cause of ctx is
// context.DeadlineExceeded, otherwise ReasonCanceled.
func (f *Fetcher) Fetch(ctx context.Context) []Answer {
	return f.fetch(ctx).all()
}

// fetch returns the scrape with all of its answers.
func (f *Fetcher) fetch(ctx context.Context) *scrape {
	s := f.start(ctx)
	f.wait(ctx, s)
	return s
}

// wait returns when s has all of its answers.
func (f *Fetcher) wait(ctx context.Context, s *scrape) {
	select {
	case <-s.done:
	case <-ctx.Done():
		f.leave(s, igsend.ContextReason(ctx))
	}
}

// lockWithKeys locks f.mu and returns the keys of the current settings. Keys are read
// for every scrape, so that a rotated key works in the next one. They are read without
// the lock, so that a file system that hangs holds up nothing else. A reload during the
// read means reading again: the keys of one endpoint must not go to another.
func (f *Fetcher) lockWithKeys(ctx context.Context) (igsend.Keys, error) {
	f.mu.Lock()
	for {
		setup := f.current
		f.mu.Unlock()
		keys, err := setup.readKeys(ctx)
		f.mu.Lock()
		if setup == f.current {
			return keys, err
		}
	}
}

// readKeys reads the keys, until ctx is done. Scrapes that overlap share one read.
func (s *setup) readKeys(ctx context.Context) (igsend.Keys, error) {
	read := s.reads.DoChan("", func() (any, error) { return s.Config.API.Keys.Keys() })
	select {
	case result := <-read:
		return result.Val.(igsend.Keys), result.Err
	case <-ctx.Done():
		return igsend.Keys{}, &igsend.Error{Reason: igsend.ReasonCredentials, Err: errKeysHang}
	}
}

var errKeysHang = errors.New("the key files could not be read within the scrape's time")

// sessionFor returns the session of a scrape that starts now with these keys.
func (f *Fetcher) sessionFor(keys igsend.Keys) *session {
	last := f.session
	switch {
	case last == nil || last.key.keys != keys || last.source.Value().endpoint != f.current.source.Value().endpoint:
		f.session = newSession(f.current, &key{keys: keys})
	case last.setup != f.current:
		f.session = newSession(f.current, last.key)
	}
	return f.session
}
