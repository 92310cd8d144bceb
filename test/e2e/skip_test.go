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

// An alert is one that Prometheus holds for pending or firing.
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

// skip lets the named alerts that are active now have been so for longer, without waiting: the rules, with every `for` in
// them, are those that ship. Prometheus notes in its storage since when an alert is active, to resume after a restart.
// It is handed a later note of an earlier time, as a remote write, and restarted. Whether an alert then fires is up to
// its expression, which must still hold, and to its `for`, which must have passed.
func (s *stack) skip(t *testing.T, d time.Duration, names ...string) {
	t.Helper()
	// Later than any note of its own.
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

// restartPrometheus starts it again not before a time.
func (s *stack) restartPrometheus(t *testing.T, notBefore time.Time) {
	t.Helper()
	s.prometheus.stop(t)
	// It does not look at notes from the future.
	time.Sleep(time.Until(notBefore))
	s.startPrometheus(t)
}
