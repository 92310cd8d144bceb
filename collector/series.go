package collector

import (
	"cmp"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// The metrics of a client. Their names and labels are what dashboards and alerts rely on.
var (
	balanceDesc = prometheus.NewDesc("igsend_client_balance",
		"Balance in the major unit of the currency, from this scrape's answer; absent when there is none.", moneyLabels, nil)
	stateDesc = prometheus.NewDesc("igsend_client_balance_state",
		"1 for the state that IGSend reports; IN_CREDIT is always there, 0 when the state is another.", []string{"client_id", "currency", "state"}, nil)
	roseDesc = prometheus.NewDesc("igsend_client_balance_increase_total",
		"How much the balance rose between successive good answers, in the major unit of the currency.", moneyLabels, nil)
	fellDesc = prometheus.NewDesc("igsend_client_balance_decrease_total",
		"How much the balance fell between successive good answers, in the major unit of the currency.", moneyLabels, nil)
	thresholdDesc = prometheus.NewDesc("igsend_client_balance_threshold",
		"Balance below which the severity applies, in the major unit of the currency, from the configuration.", []string{"client_id", "currency", "severity"}, nil)
	runwayDesc = prometheus.NewDesc("igsend_client_runway_threshold_seconds",
		"Time to an empty account below which the severity applies, from the configuration.", []string{"client_id", "severity"}, nil)
	upDesc = prometheus.NewDesc("igsend_client_up",
		"1 when this scrape has a whole, valid answer for the client.", []string{"client_id"}, nil)
	lastSuccessDesc = prometheus.NewDesc("igsend_client_last_success_timestamp_seconds",
		"When the last whole, valid answer for the client arrived; absent before the first.", []string{"client_id"}, nil)
	errorsDesc = prometheus.NewDesc("igsend_client_errors_total",
		"Failed fetches of the client, after retries, by reason.", []string{"client_id", "reason"}, nil)

	moneyLabels = []string{"client_id", "currency"}
)

const (
	infoName = "igsend_client_info"
	infoHelp = "1, to join the client's name and configured labels; they are empty where not set."
)

// clientDescs returns the descriptions of all metrics of clients but the info metric,
// whose labels the configuration decides.
func clientDescs() []*prometheus.Desc {
	return []*prometheus.Desc{
		balanceDesc, stateDesc, roseDesc, fellDesc, thresholdDesc, runwayDesc, upDesc, lastSuccessDesc, errorsDesc,
	}
}

// A series is a time series without a value: what stays the same from scrape to
// scrape. Const metrics made anew for each scrape cost seven times as much.
type series struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels []*dto.LabelPair // sorted by name; never changed, so that they can be shared
}

// A sample is a series with its value in one scrape. It is a prometheus.Metric.
type sample struct {
	series *series
	value  float64
}

var _ prometheus.Metric = (*sample)(nil)

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.series.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(out *dto.Metric) error {
	out.Label = s.series.labels
	if s.series.kind == prometheus.CounterValue {
		out.Counter = &dto.Counter{Value: &s.value}
	} else {
		out.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}

func label(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: proto.String(name), Value: proto.String(value)}
}

func gauge(desc *prometheus.Desc, labels ...*dto.LabelPair) *series {
	return &series{desc, prometheus.GaugeValue, labels}
}

func counter(desc *prometheus.Desc, labels ...*dto.LabelPair) *series {
	return &series{desc, prometheus.CounterValue, labels}
}

// accountSeries are the series of a client that do not depend on its configuration.
type accountSeries struct {
	client      *dto.LabelPair
	up          *series
	lastSuccess *series
}

func newAccountSeries(id igsend.ClientID) accountSeries {
	client := label("client_id", id.String())
	return accountSeries{client: client, up: gauge(upDesc, client), lastSuccess: gauge(lastSuccessDesc, client)}
}

func (a *accountSeries) errorSeries(reason igsend.Reason) *series {
	return counter(errorsDesc, a.client, label("reason", string(reason)))
}

func (a *accountSeries) stateSeries(currency, state string) *series {
	return gauge(stateDesc, a.client, label("currency", currency), label("state", state))
}

// moneySeries are the series of a client in one currency.
type moneySeries struct {
	balance, rose, fell, inCredit *series
}

func newMoneySeries(a *accountSeries, currency string) moneySeries {
	pair := label("currency", currency)
	return moneySeries{
		balance:  gauge(balanceDesc, a.client, pair),
		rose:     counter(roseDesc, a.client, pair),
		fell:     counter(fellDesc, a.client, pair),
		inCredit: a.stateSeries(currency, igsend.StateInCredit),
	}
}

// An infoFamily describes the info metric: each client has every label that any
// client has, empty where not set, as the text formats want it.
type infoFamily struct {
	desc   *prometheus.Desc
	labels []string // beside client_id and name, sorted
}

func newInfoFamily(clients []config.Client) *infoFamily {
	all := map[string]bool{}
	for _, client := range clients {
		for name := range client.Labels {
			all[name] = true
		}
	}
	labels := slices.Sorted(maps.Keys(all))
	return &infoFamily{
		desc:   prometheus.NewDesc(infoName, infoHelp, append([]string{"client_id", "name"}, labels...), nil),
		labels: labels,
	}
}

func (f *infoFamily) series(id *dto.LabelPair, client config.Client) *series {
	pairs := []*dto.LabelPair{id, label("name", client.Name)}
	for _, name := range f.labels {
		pairs = append(pairs, label(name, client.Labels[name]))
	}
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return gauge(f.desc, pairs...)
}

// configuredSamples are those that the configuration alone decides.
func configuredSamples(info *infoFamily, a *account, client config.Client) []sample {
	id := a.series.client
	samples := []sample{{info.series(id, client), 1}}
	for _, t := range client.Thresholds {
		series := gauge(thresholdDesc, id, label("currency", t.Currency), label("severity", t.Severity))
		samples = append(samples, sample{series, t.Amount.InexactFloat64()})
	}
	for _, r := range client.Runway {
		samples = append(samples, sample{gauge(runwayDesc, id, label("severity", r.Severity)), r.Duration.Seconds()})
	}
	return samples
}
