package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// An alert is a pending or firing alert in Prometheus.
type alert struct {
	Labels   map[string]string
	State    string
	ActiveAt time.Time
}

func (s *stack) alerts(t *testing.T) []alert {
	t.Helper()
	body, err := get(t.Context(), "http://"+s.prometheusAt+"/api/v1/alerts")
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct{ Alerts []alert }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data.Alerts
}

// skip makes the named active alerts look as if they had been active for longer. So the test need not wait and can use the
// shipped rules, with every `for` in them. Prometheus stores the time since when an alert has been active, to resume after
// a restart. skip overwrites that time through remote write and restarts Prometheus. An alert then fires only if its
// expression is still true and its `for` has passed.
func (s *stack) skip(t *testing.T, d time.Duration, names ...string) {
	t.Helper()
	// This must be later than any sample that Prometheus has stored itself.
	noted := time.Now().Add(3 * time.Second)
	var request prompb.WriteRequest
	for _, a := range s.alerts(t) {
		if !slices.Contains(names, a.Labels["alertname"]) {
			continue
		}
		labels := []prompb.Label{{Name: "__name__", Value: "ALERTS_FOR_STATE"}}
		for name, value := range a.Labels {
			labels = append(labels, prompb.Label{Name: name, Value: value})
		}
		slices.SortFunc(labels, func(a, b prompb.Label) int { return strings.Compare(a.Name, b.Name) })
		request.Timeseries = append(request.Timeseries, prompb.TimeSeries{
			Labels:  labels,
			Samples: []prompb.Sample{{Value: float64(a.ActiveAt.Add(-d).Unix()), Timestamp: noted.UnixMilli()}},
		})
	}
	s.restartWith(t, request, noted)
}

// unanswered makes the last answer of any client look older. The rules remember its time in a series, which unanswered
// overwrites as skip does.
func (s *stack) unanswered(t *testing.T, d time.Duration) {
	t.Helper()
	noted := time.Now().Add(3 * time.Second)
	request := prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{
		Labels: []prompb.Label{
			{Name: "__name__", Value: "exporter:igsend_client_up:answered_timestamp_seconds"}, {Name: "job", Value: "igsend"},
		},
		Samples: []prompb.Sample{{Value: float64(noted.Add(-d).Unix()), Timestamp: noted.UnixMilli()}},
	}}}
	s.restartWith(t, request, noted)
}

// restartWith restarts Prometheus with samples that it has not written itself.
func (s *stack) restartWith(t *testing.T, request prompb.WriteRequest, noted time.Time) {
	t.Helper()
	body, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post("http://"+s.prometheusAt+"/api/v1/write", "application/x-protobuf", bytes.NewReader(snappy.Encode(nil, body)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("remote write: %s: %s", resp.Status, answer)
	}
	s.restartPrometheus(t, noted)
}

// restartPrometheus stops Prometheus and starts it again at notBefore or later.
func (s *stack) restartPrometheus(t *testing.T, notBefore time.Time) {
	t.Helper()
	s.prometheus.stop(t)
	// Prometheus ignores samples from the future.
	time.Sleep(time.Until(notBefore))
	s.startPrometheus(t)
}
