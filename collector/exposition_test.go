package collector

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// What a registry would look at in every scrape is looked at here: it accepts the
// same series, and has nothing to put in another order.
func TestARegistryWouldMakeTheSameOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := everything()
		f := NewFetcher(s, slog.New(slog.DiscardHandler))
		e := exposeAll(t, f)
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(registered(e))
		if diff := cmp.Diff(text(t, registry), text(t, e)); diff != "" {
			t.Errorf("(-registry +exposition):\n%s", diff)
		}
	})
}

func exposeAll(tb testing.TB, f *Fetcher) exposition {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	return f.expose(f.fetch(ctx))
}

func text(t *testing.T, g prometheus.Gatherer) string {
	t.Helper()
	all, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range all {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// registered is an exposition as a registry takes it.
type registered exposition

// Describe implements prometheus.Collector; the registry looks for itself.
func (registered) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (r registered) Collect(ch chan<- prometheus.Metric) {
	for i := range r {
		ch <- &described{&r[i], describe(r[i].series)}
	}
}

func describe(s *series) *prometheus.Desc {
	var names []string
	for _, l := range s.labels {
		names = append(names, l.GetName())
	}
	return prometheus.NewDesc(families[s.family].name, families[s.family].help, names, nil)
}

type described struct {
	*sample
	desc *prometheus.Desc
}

// Desc implements prometheus.Metric.
func (d *described) Desc() *prometheus.Desc { return d.desc }

// Write implements prometheus.Metric.
func (d *described) Write(m *dto.Metric) error {
	m.Label = d.series.labels
	if families[d.series.family].kind == dto.MetricType_COUNTER {
		m.Counter = &dto.Counter{Value: &d.value}
	} else {
		m.Gauge = &dto.Gauge{Value: &d.value}
	}
	return nil
}

// BenchmarkExposition compares what is done with what a registry would do with the
// same kept series.
func BenchmarkExposition(b *testing.B) {
	f := newTestFetcher(&fakeAPI{}, ids(100001, 101000), nil)
	e := exposeAll(b, f)
	gather := func(b *testing.B, g func() ([]*dto.MetricFamily, error)) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := g(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(e)), "ns/series")
	}
	b.Run("direct", func(b *testing.B) { gather(b, e.Gather) })
	b.Run("registry", func(b *testing.B) {
		descs := map[*series]*prometheus.Desc{}
		byFamily := map[family]*prometheus.Desc{}
		for i := range e {
			s := e[i].series
			if byFamily[s.family] == nil {
				byFamily[s.family] = describe(s)
			}
			descs[s] = byFamily[s.family]
		}
		gather(b, func() ([]*dto.MetricFamily, error) {
			registry := prometheus.NewRegistry()
			registry.MustRegister(kept{e, descs})
			return registry.Gather()
		})
	})
}

// kept is registered, with descriptions that are made once.
type kept struct {
	exposition
	descs map[*series]*prometheus.Desc
}

// Describe implements prometheus.Collector.
func (k kept) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range k.descs {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (k kept) Collect(ch chan<- prometheus.Metric) {
	for i := range k.exposition {
		ch <- &described{&k.exposition[i], k.descs[k.exposition[i].series]}
	}
}

// Series are kept in the order of an exposition, whatever order they come in.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		rows := []igsend.Balance{balanceOf("1", "USD", "IN_CREDIT"), balanceOf("2", "EUR", "BLOCKED"), balanceOf("3", "GBP", "OVERDRAWN")}
		answers := []reply{fails(igsend.ReasonTLS, 0), fails(igsend.ReasonHTTP, 500), {balances: rows[:1]}, {balances: rows}}
		for _, id := range []igsend.ClientID{9, 10} {
			api.setFunc(id, func(n int) reply { return answers[n-1] })
		}
		f := newTestFetcher(api, []igsend.ClientID{9, 10}, nil)
		var e exposition
		for range answers {
			e = exposeAll(t, f)
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(registered(e))
		if diff := cmp.Diff(text(t, registry), text(t, e)); diff != "" {
			t.Errorf("(-registry +exposition):\n%s", diff)
		}
	})
}
