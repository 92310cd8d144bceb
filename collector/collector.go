// Package collector turns scrapes into questions to IGSend, and the answers into
// metrics.
//
// A scrape comes in at the Handler (handler.go), which gives it a deadline. The
// Fetcher (fetcher.go) decides whom to ask, how many at once and until when; its
// rules have a file each:
//
//	sweep.go     what overlapping scrapes share, and how it ends
//	dispatch.go  how many requests may be in flight, and how many a second
//	turn.go      who is asked first
//	retry.go     who is asked again
//	guard.go     what follows from a refused key
//	flight.go    one request, and the silence after a 429
//	account.go   what is kept of a client: its last answer, its errors
//	money.go     how much a balance rose and fell
//
// What comes back is a view, which the Collector in this file makes metrics of.
package collector

import "github.com/prometheus/client_golang/prometheus"

// scrapeCollector exposes what one scrape has learned. It lives as long as the
// scrape.
type scrapeCollector struct {
	info    *infoFamily
	samples []sample
}

var _ prometheus.Collector = (*scrapeCollector)(nil)

// Describe implements prometheus.Collector.
func (c *scrapeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range clientDescs() {
		ch <- desc
	}
	ch <- c.info.desc
}

// Collect implements prometheus.Collector.
func (c *scrapeCollector) Collect(ch chan<- prometheus.Metric) {
	for i := range c.samples {
		ch <- &c.samples[i]
	}
}

// collector returns the metrics of a view: of its own answers, and of what is kept
// of each client as it is now.
func (f *Fetcher) collector(v view) *scrapeCollector {
	f.mu.Lock()
	defer f.mu.Unlock()
	const usually = 9 // a client with one currency, in credit, and a threshold
	samples := make([]sample, 0, usually*len(v.answers))
	for i, known := range v.setup.known {
		samples = known.samples(samples, &v.answers[i])
	}
	return &scrapeCollector{info: v.setup.info, samples: samples}
}

func (k *knownClient) samples(to []sample, a *answer) []sample {
	up := 0.0
	if a.Err == nil {
		up = 1
	}
	to = append(to, sample{k.series.up, up})
	if at := k.last.At; !at.IsZero() {
		to = append(to, sample{k.series.lastSuccess, float64(at.UnixMilli()) / 1e3})
	}
	to = append(to, k.configured...)
	for i := range k.errors {
		to = append(to, k.errors[i].sample)
	}
	for _, balance := range a.Balances {
		to = k.moneyIn(balance.Currency).samples(to, &k.series, balance)
	}
	for _, m := range k.money {
		to = m.totals(to)
	}
	return to
}
