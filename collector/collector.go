package collector

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A Collector collects the balances of all clients, and what is known of them, by
// asking IGSend each time. It implements prometheus.Collector.
type Collector struct {
	// The context is a field because prometheus.Collector passes none.
	ctx     context.Context //nolint:containedctx // see above
	fetcher *Fetcher
}

var _ prometheus.Collector = (*Collector)(nil)

// New returns a Collector whose requests end with ctx. The handler makes one for each
// scrape, with its deadline. A program that registers one for good gives it a context
// that ends with the program; each request then takes at most request_timeout.
func New(ctx context.Context, f *Fetcher) *Collector { return &Collector{ctx, f} }

// Describe implements prometheus.Collector. It asks for nothing.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		balanceDesc, stateDesc, increaseDesc, decreaseDesc, thresholdDesc, runwayDesc, upDesc, lastSuccessDesc, errorsDesc,
		c.fetcher.infoDesc(),
	} {
		ch <- d
	}
	c.fetcher.upstream.Describe(ch)
}

// Collect implements prometheus.Collector. It asks for every client. The metrics of the
// requests come last, so that they count those of this scrape.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	s := c.fetcher.fetch(c.ctx)
	c.fetcher.show(s)
	for i := range s.indexes() {
		samples := c.fetcher.samples(s, i)
		for j := range samples {
			ch <- &samples[j]
		}
	}
	c.fetcher.upstream.Collect(ch)
}

func (f *Fetcher) infoDesc() *prometheus.Desc {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current.info
}

// samples returns what a scrape has to tell of client i: its answer, and what is kept of
// the client. One at a time: those of all clients together are large.
func (f *Fetcher) samples(s *scrape, i int) []sample {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := s.clients[i]
	const own, ofBalance = 2, 5 // at most
	samples := make([]sample, 0, len(s.configured[i])+own+len(c.errors)+ofBalance*len(c.balances))
	return c.appendTo(append(samples, s.configured[i]...), s.answers[i-s.first])
}

func (c *client) appendTo(samples []sample, a *Answer) []sample {
	up := zero
	if a.Err == nil {
		up = one
	}
	samples = append(samples, sample{desc: upDesc, labels: c.label[:], gauge: up})
	if c.last != nil {
		samples = append(samples, sample{desc: lastSuccessDesc, labels: c.label[:], gauge: gauge(float64(c.last.At.UnixMilli()) / 1e3)})
	}
	for _, e := range c.errors {
		samples = append(samples, sample{desc: errorsDesc, labels: e.labels, counter: e.counter})
	}
	for _, b := range c.balances {
		var answer *igsend.Balance
		if i := slices.IndexFunc(a.Balances, func(got igsend.Balance) bool { return got.Currency == b.currency() }); i >= 0 {
			answer = &a.Balances[i]
		}
		samples = b.appendTo(samples, answer)
	}
	return samples
}
