package collector

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// An exposition is the metrics of one scrape: what it has learned of each client, in
// the order of client IDs, and of each client's metrics in that of their labels.
//
// It is a prometheus.Gatherer rather than a Collector in a registry made for the
// scrape. The registry would look at every series for what can't be wrong here, its
// name, its labels and whether it is there twice, at five times the cost of gathering
// without (BenchmarkExposition); tests let a registry look instead.
type exposition []sample

var _ prometheus.Gatherer = exposition(nil)

// expose returns the metrics of a view: of its own answers, and of what is kept of
// each client as it is now.
func (f *Fetcher) expose(v view) exposition {
	f.mu.Lock()
	defer f.mu.Unlock()
	const usually = 9 // a client with one currency, in credit, and a threshold
	samples := make(exposition, 0, usually*len(v.answers))
	for _, i := range v.setup.sorted {
		samples = v.setup.known[i].samples(samples, &v.answers[i])
	}
	return samples
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
	for _, m := range k.money {
		to = m.totals(to)
		i := slices.IndexFunc(a.Balances, func(b igsend.Balance) bool { return b.Currency == m.currency })
		if i >= 0 {
			to = m.samples(to, &k.series, a.Balances[i])
		}
	}
	return to
}

// Gather implements prometheus.Gatherer. All that it returns is made in a few pieces,
// however many series there are.
func (e exposition) Gather() ([]*dto.MetricFamily, error) {
	var size [familyCount]int
	for i := range e {
		size[e[i].series.family]++
	}
	var (
		metrics  = make([]dto.Metric, len(e))
		gauges   = make([]dto.Gauge, len(e))
		counters = make([]dto.Counter, size[fellFamily]+size[roseFamily]+size[errorsFamily])
		pointers = make([]*dto.Metric, len(e))
		all      = make([]*dto.MetricFamily, 0, familyCount)
		of       [familyCount]*dto.MetricFamily
	)
	for f := range familyCount {
		if size[f] == 0 {
			continue
		}
		of[f] = &dto.MetricFamily{Name: &families[f].name, Help: &families[f].help, Type: &families[f].kind}
		of[f].Metric, pointers = pointers[:0:size[f]], pointers[size[f]:]
		all = append(all, of[f])
	}
	for i := range e {
		s, m := &e[i], &metrics[i]
		m.Label = s.series.labels
		if families[s.series.family].kind == dto.MetricType_COUNTER {
			m.Counter, counters = &counters[0], counters[1:]
			m.Counter.Value = &s.value
		} else {
			m.Gauge = &gauges[i]
			m.Gauge.Value = &s.value
		}
		of[s.series.family].Metric = append(of[s.series.family].Metric, m)
	}
	return all, nil
}
