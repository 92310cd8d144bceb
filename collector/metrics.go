package collector

import (
	"cmp"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/igsend-exporter/igsend_exporter/config"
)

// The metrics of a client. Dashboards and alerts depend on their names and labels.
var (
	balanceDesc = desc("igsend_client_balance",
		"Balance in the currency's major unit, from this scrape's answer; absent when there is none.",
		"client_id", "currency")
	stateDesc = desc("igsend_client_balance_state",
		"1 for the state that IGSend reports; IN_CREDIT is always there, 0 when the state is another.",
		"client_id", "currency", "state")
	increaseDesc = desc("igsend_client_balance_increase_total",
		"How much the balance rose between successive good answers, in the currency's major unit.",
		"client_id", "currency")
	decreaseDesc = desc("igsend_client_balance_decrease_total",
		"How much the balance fell between successive good answers, in the currency's major unit.",
		"client_id", "currency")
	thresholdDesc = desc("igsend_client_balance_threshold",
		"Balance below which the severity applies, in the currency's major unit, from the configuration.",
		"client_id", "currency", "severity")
	runwayDesc = desc("igsend_client_runway_threshold_seconds",
		"Time to an empty account below which the severity applies, from the configuration.",
		"client_id", "severity")
	upDesc = desc("igsend_client_up",
		"1 when this scrape has a complete, valid answer for the client.",
		"client_id")
	lastSuccessDesc = desc("igsend_client_last_success_timestamp_seconds",
		"When the last complete, valid answer for the client arrived; absent before the first.",
		"client_id")
	errorsDesc = desc("igsend_client_errors_total",
		"Failed fetches of the client, after retries, by reason.",
		"client_id", "reason")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// infoDesc describes igsend_client_info, which has every configured label.
func infoDesc(labelNames []string) *prometheus.Desc {
	return desc("igsend_client_info", "1, to join the client's name and configured labels; they are empty where not set.",
		append([]string{"client_id", "name"}, labelNames...)...)
}

// A series is a time series without its value: what stays the same between scrapes.
// Const metrics made for each scrape cost seven times as much.
type series struct {
	desc    *prometheus.Desc
	labels  []*dto.LabelPair       // sorted by name; shared, so never changed
	created *timestamppb.Timestamp // of a counter; nil for a gauge
}

func newSeries(d *prometheus.Desc, labels ...*dto.LabelPair) *series {
	return &series{desc: d, labels: labels}
}

// newCounter returns the series of a counter that starts now.
func newCounter(d *prometheus.Desc, labels ...*dto.LabelPair) *series {
	return &series{desc: d, labels: labels, created: timestamppb.Now()}
}

func labelPair(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: proto.String(name), Value: proto.String(value)}
}

// A sample is a series with its value in one scrape. It implements prometheus.Metric.
type sample struct {
	*series
	value float64
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(out *dto.Metric) error {
	out.Label = s.labels
	if s.created != nil {
		out.Counter = &dto.Counter{Value: &s.value, CreatedTimestamp: s.created}
	} else {
		out.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}

// labelNames returns the names of all configured labels, sorted.
func labelNames(clients []config.Client) []string {
	all := map[string]bool{}
	for _, c := range clients {
		for name := range c.Labels {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// configuredSamples are those that the configuration alone decides.
func configuredSamples(id *dto.LabelPair, c config.Client, info *prometheus.Desc, labelNames []string) []sample {
	pairs := []*dto.LabelPair{id, labelPair("name", c.Name)}
	for _, name := range labelNames {
		pairs = append(pairs, labelPair(name, c.Labels[name]))
	}
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	samples := []sample{{newSeries(info, pairs...), 1}}
	for _, t := range c.Thresholds {
		series := newSeries(thresholdDesc, id, labelPair("currency", t.Currency), labelPair("severity", t.Severity))
		samples = append(samples, sample{series, t.Amount.InexactFloat64()})
	}
	for _, r := range c.Runway {
		samples = append(samples, sample{newSeries(runwayDesc, id, labelPair("severity", r.Severity)), r.Duration.Seconds()})
	}
	return samples
}
