package collector

import (
	"time"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A Status is what the latest scrapes said, for people. Reading it asks for nothing.
type Status struct {
	// Scraped is when the latest scrape ended; zero before the first. One whose scraper hung up
	// before any answer does not count: Clients has the answers before.
	Scraped time.Time
	// Took is how long that scrape took.
	Took time.Duration
	// Advice says how high api.concurrency would have to be, in a sentence, if that
	// scrape was too short for all clients and a higher one would help; otherwise it is empty.
	Advice string
	// Clients are in the order of the configuration.
	Clients []ClientStatus
}

// A ClientStatus is what is known of one client.
type ClientStatus struct {
	config.Client

	// Answer is what the latest scrape said of the client; At is zero before the first. A
	// scrape whose scraper hung up leaves the previous answer.
	Answer Answer
	// LastSuccess is when the last complete, valid answer arrived; zero before the first.
	LastSuccess time.Time
	// Took is how long IGSend took for its latest answer.
	Took time.Duration
}

// Status returns what the latest scrapes said.
func (f *Fetcher) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	status := Status{Scraped: f.scraped, Took: f.scrapeTook, Advice: f.advice, Clients: make([]ClientStatus, len(f.current.clients))}
	for i, c := range f.current.clients {
		s := &status.Clients[i]
		s.Client, s.Took = f.current.Config.Clients[i], c.took
		if c.shown != nil {
			s.Answer = *c.shown
		}
		if c.last != nil {
			s.LastSuccess = c.last.At
		}
	}
	return status
}

// show keeps the answers of a scrape for Status.
func (f *Fetcher) show(s *scrape) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.source != f.current.source {
		return // a reload came in between
	}
	now, says := time.Now(), len(s.answers) == 0
	for n, a := range s.answers {
		if a.Err == nil || a.Err.Reason != igsend.ReasonCanceled {
			s.clients[s.first+n].shown = a
			says = true
		}
	}
	if says {
		f.scraped, f.scrapeTook = now, now.Sub(s.started)
	}
	if !s.probe {
		f.advice = s.advice
		f.logAdvice(now)
	}
}

// forgetShown drops what Status would say, because a reload has replaced its source.
func (f *Fetcher) forgetShown() {
	f.scraped, f.scrapeTook, f.advice = time.Time{}, 0, ""
	for _, c := range f.clients {
		c.shown, c.took = nil, 0
	}
}
