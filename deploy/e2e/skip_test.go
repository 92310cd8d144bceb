package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// skip lets the alerts that are active now have been so for longer, without waiting: the rules, with every `for` in
// them, are those that ship. Prometheus keeps since when an alert is active in its storage, to resume after a restart;
// so it is stopped, its storage is written anew with that time moved back, and it starts on it. Whether an alert
// then fires is up to its expression, which must still hold, and to its `for`, which must have passed.
func (s *stack) skip(t *testing.T, d time.Duration) {
	t.Helper()
	active := s.alerts(t)
	s.prometheus.stop(t)
	dump, err := output(t, "promtool", "tsdb", "dump-openmetrics", s.data)
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(dump))
	}
	var history strings.Builder
	for line := range strings.Lines(dump) {
		if !strings.HasPrefix(line, "ALERTS_FOR_STATE{") && !strings.HasPrefix(line, "# EOF") {
			history.WriteString(line)
		}
	}
	now := time.Now()
	for _, a := range active {
		var labels []string
		for name, value := range a.Labels {
			labels = append(labels, fmt.Sprintf("%s=%q", name, value))
		}
		fmt.Fprintf(&history, "ALERTS_FOR_STATE{%s} %d %d.%03d\n", strings.Join(labels, ","),
			a.ActiveAt.Add(-d).Unix(), now.Unix(), now.Nanosecond()/1e6)
	}
	history.WriteString("# EOF\n")
	file := filepath.Join(s.dir, "history.om")
	if err := os.WriteFile(file, []byte(history.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s.data = filepath.Join(s.dir, fmt.Sprintf("data-%d", now.UnixNano()))
	if out, err := output(t, "promtool", "tsdb", "create-blocks-from", "openmetrics", file, s.data); err != nil {
		t.Fatalf("%v\n%s", err, tail(out))
	}
	s.startPrometheus(t)
}
