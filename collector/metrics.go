package collector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
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

// A sample is a series with its value in one scrape. It implements prometheus.Metric. It
// consists of what never changes and what is kept between scrapes: a registry keeps all
// samples of a scrape until the last is written, and const metrics would be several times
// as large and as slow.
type sample struct {
	desc    *prometheus.Desc
	labels  []*dto.LabelPair // sorted by name
	gauge   *dto.Gauge       // or
	counter *dto.Counter
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(out *dto.Metric) error {
	out.Label, out.Gauge, out.Counter = s.labels, s.gauge, s.counter
	return nil
}

func gauge(value float64) *dto.Gauge { return &dto.Gauge{Value: &value} }

// Most gauges have one of two values.
var zero, one = gauge(0), gauge(1)

// newCounter returns a counter that was 0 at a time.
func newCounter(at time.Time) *dto.Counter {
	return &dto.Counter{Value: zero.Value, CreatedTimestamp: timestamppb.New(at)}
}

// withValue returns the counter with another value. The old one may be part of a scrape.
func withValue(c *dto.Counter, value float64) *dto.Counter {
	return &dto.Counter{Value: &value, CreatedTimestamp: c.CreatedTimestamp}
}

// Names of labels, which the pairs of all clients share.
var clientIDLabel, nameLabel, currencyLabel, stateLabel, severityLabel, reasonLabel = "client_id", "name", "currency", "state", "severity", "reason"

var inCredit = newShared().label(&stateLabel, igsend.StateInCredit)

func labelPair(name, value *string) *dto.LabelPair { return &dto.LabelPair{Name: name, Value: value} }

// shared has the parts of series that many clients have in common.
type shared struct {
	pairs   map[[2]string]*dto.LabelPair
	counter *dto.Counter // the latest new one
}

func newShared() *shared {
	return &shared{pairs: map[[2]string]*dto.LabelPair{}, counter: &dto.Counter{}}
}

func (s *shared) label(name *string, value string) *dto.LabelPair {
	key := [2]string{*name, value}
	if s.pairs[key] == nil {
		s.pairs[key] = labelPair(name, &value)
	}
	return s.pairs[key]
}

// newCounter returns a counter that is at 0 and started now, or up to a second ago.
func (s *shared) newCounter() *dto.Counter {
	if time.Since(s.counter.GetCreatedTimestamp().AsTime()) > time.Second {
		s.counter = newCounter(time.Now())
	}
	return s.counter
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

// configuredSamples returns the samples of client c that the configuration alone decides.
func configuredSamples(id *dto.LabelPair, c *config.Client, info *prometheus.Desc, labelNames []string, common *shared) []sample {
	labels := make([]*dto.LabelPair, 0, 2+len(labelNames))
	labels = append(labels, id, labelPair(&nameLabel, &c.Name))
	for i, name := range labelNames {
		labels = append(labels, common.label(&labelNames[i], c.Labels[name]))
	}
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	samples := make([]sample, 0, 1+len(c.Thresholds)+len(c.Runway))
	samples = append(samples, sample{desc: info, labels: labels, gauge: one})
	for _, t := range c.Thresholds {
		labels := []*dto.LabelPair{id, common.label(&currencyLabel, t.Currency), common.label(&severityLabel, t.Severity)}
		samples = append(samples, sample{desc: thresholdDesc, labels: labels, gauge: gauge(t.Amount.InexactFloat64())})
	}
	for _, r := range c.Runway {
		labels := []*dto.LabelPair{id, common.label(&severityLabel, r.Severity)}
		samples = append(samples, sample{desc: runwayDesc, labels: labels, gauge: gauge(r.Duration.Seconds())})
	}
	return samples
}
