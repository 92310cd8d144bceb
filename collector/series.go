package collector

import (
	"cmp"
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A family is all the series of one metric, as an index into families.
type family int

// The metrics of a client, in the order of an exposition, which is that of their
// names. Names and labels are what dashboards and alerts rely on.
const (
	balanceFamily family = iota
	fellFamily
	roseFamily
	stateFamily
	thresholdFamily
	errorsFamily
	infoFamily
	lastSuccessFamily
	runwayFamily
	upFamily
	familyCount
)

var families = [familyCount]struct {
	name, help string
	kind       dto.MetricType
}{
	balanceFamily: {
		"igsend_client_balance",
		"Balance in the major unit of the currency, from this scrape's answer; absent when there is none.",
		dto.MetricType_GAUGE,
	},
	fellFamily: {
		"igsend_client_balance_decrease_total",
		"How much the balance fell between successive good answers, in the major unit of the currency.",
		dto.MetricType_COUNTER,
	},
	roseFamily: {
		"igsend_client_balance_increase_total",
		"How much the balance rose between successive good answers, in the major unit of the currency.",
		dto.MetricType_COUNTER,
	},
	stateFamily: {
		"igsend_client_balance_state",
		"1 for the state that IGSend reports; IN_CREDIT is always there, 0 when the state is another.",
		dto.MetricType_GAUGE,
	},
	thresholdFamily: {
		"igsend_client_balance_threshold",
		"Balance below which the severity applies, in the major unit of the currency, from the configuration.",
		dto.MetricType_GAUGE,
	},
	errorsFamily: {
		"igsend_client_errors_total",
		"Failed fetches of the client, after retries, by reason.",
		dto.MetricType_COUNTER,
	},
	infoFamily: {
		"igsend_client_info",
		"1, to join the client's name and configured labels; they are empty where not set.",
		dto.MetricType_GAUGE,
	},
	lastSuccessFamily: {
		"igsend_client_last_success_timestamp_seconds",
		"When the last whole, valid answer for the client arrived; absent before the first.",
		dto.MetricType_GAUGE,
	},
	runwayFamily: {
		"igsend_client_runway_threshold_seconds",
		"Time to an empty account below which the severity applies, from the configuration.",
		dto.MetricType_GAUGE,
	},
	upFamily: {
		"igsend_client_up",
		"1 when this scrape has a whole, valid answer for the client.",
		dto.MetricType_GAUGE,
	},
}

// A series is a time series without a value: what stays the same from scrape to
// scrape. Const metrics made anew for each scrape cost seven times as much.
type series struct {
	family family
	labels []*dto.LabelPair // sorted by name; never changed, so that they can be shared
}

// A sample is a series with its value in one scrape.
type sample struct {
	series *series
	value  float64
}

func newSeries(f family, labels ...*dto.LabelPair) *series { return &series{f, labels} }

func label(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: proto.String(name), Value: proto.String(value)}
}

// accountSeries are the series of a client that do not depend on its configuration.
type accountSeries struct {
	client      *dto.LabelPair
	up          *series
	lastSuccess *series
}

func newAccountSeries(id igsend.ClientID) accountSeries {
	client := label("client_id", id.String())
	return accountSeries{client: client, up: newSeries(upFamily, client), lastSuccess: newSeries(lastSuccessFamily, client)}
}

func (a *accountSeries) errorSeries(reason igsend.Reason) *series {
	return newSeries(errorsFamily, a.client, label("reason", string(reason)))
}

func (a *accountSeries) stateSeries(currency, state string) *series {
	return newSeries(stateFamily, a.client, label("currency", currency), label("state", state))
}

// moneySeries are the series of a client in one currency.
type moneySeries struct {
	balance, rose, fell, inCredit *series
}

func newMoneySeries(a *accountSeries, currency string) moneySeries {
	pair := label("currency", currency)
	return moneySeries{
		balance:  newSeries(balanceFamily, a.client, pair),
		rose:     newSeries(roseFamily, a.client, pair),
		fell:     newSeries(fellFamily, a.client, pair),
		inCredit: a.stateSeries(currency, igsend.StateInCredit),
	}
}

// labelNames returns the names of all configured labels, sorted. The info metric of
// each client has all of them, empty where not set, as the text formats want it.
func labelNames(clients []config.Client) []string {
	all := map[string]bool{}
	for _, client := range clients {
		for name := range client.Labels {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func infoSeries(id *dto.LabelPair, client config.Client, names []string) *series {
	pairs := []*dto.LabelPair{id, label("name", client.Name)}
	for _, name := range names {
		pairs = append(pairs, label(name, client.Labels[name]))
	}
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return newSeries(infoFamily, pairs...)
}

// configuredSamples are those that the configuration alone decides.
func configuredSamples(a *account, client config.Client, labelNames []string) []sample {
	id := a.series.client
	samples := []sample{{infoSeries(id, client, labelNames), 1}}
	for _, t := range client.Thresholds {
		series := newSeries(thresholdFamily, id, label("currency", t.Currency), label("severity", t.Severity))
		samples = append(samples, sample{series, t.Amount.InexactFloat64()})
	}
	for _, r := range client.Runway {
		samples = append(samples, sample{newSeries(runwayFamily, id, label("severity", r.Severity)), r.Duration.Seconds()})
	}
	return samples
}
