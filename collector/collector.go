package collector

import (
	"context"
	"slices"
	"time"

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
	samples := c.fetcher.samples(c.fetcher.fetch(c.ctx))
	for i := range samples {
		ch <- &samples[i]
	}
	c.fetcher.upstream.Collect(ch)
}

func (f *Fetcher) infoDesc() *prometheus.Desc {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current.info
}

// samples returns what a scrape has to tell: its answers, and what is kept of each
// client.
func (f *Fetcher) samples(s *scrape) []sample {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.show(s, time.Now())
	const usually = 9 // for a client with one currency, in credit, and a threshold
	all := make([]sample, 0, usually*len(s.clients))
	for i, c := range s.clients {
		all = c.appendTo(all, &s.answers[i])
	}
	return all
}

func (c *client) appendTo(samples []sample, a *Answer) []sample {
	up := 0.0
	if a.Err == nil {
		up = 1
	}
	samples = append(samples, sample{c.up, up})
	if c.last != nil {
		samples = append(samples, sample{c.lastSuccess, float64(c.last.At.UnixMilli()) / 1e3})
	}
	samples = append(samples, c.configured...)
	for _, e := range c.errors {
		samples = append(samples, sample{e.series, e.count})
	}
	for _, b := range c.balances {
		var answer *igsend.Balance
		if i := slices.IndexFunc(a.Balances, func(got igsend.Balance) bool { return got.Currency == b.currency }); i >= 0 {
			answer = &a.Balances[i]
		}
		samples = b.appendTo(samples, answer)
	}
	return samples
}
