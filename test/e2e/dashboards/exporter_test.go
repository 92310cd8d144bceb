package dashboards

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestIntervals opens Exporter with several scrape intervals. Lines must have no gaps, so
// rates must look at several scrapes.
func TestIntervals(t *testing.T) {
	for _, interval := range []time.Duration{15 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute} {
		t.Run(interval.String(), func(t *testing.T) {
			w := world{accounts: company(), replicas: 2, interval: interval, history: 3 * time.Hour, outage: 2 * time.Hour}
			if interval < time.Minute {
				w.history, w.outage = time.Hour, 0
			}
			s := open(t, w.run(t), "igsend-exporter", w.history-30*time.Minute)
			seconds := s.number("$scrape_interval")
			if want := fmt.Sprint(interval.Seconds()); interval <= time.Minute && seconds != want {
				t.Errorf("the scrape interval is %s s, want %s s", seconds, want)
			}
			s.values["scrape_interval"] = seconds
			if got := s.number("Targets up/up"); got != "1" {
				t.Errorf("%s of the targets are up", got)
			}
			for name, q := range s.queries {
				if !q.instant && strings.Contains(q.expr, "$__rate_interval") {
					testGaps(t, s, name, interval)
				}
			}
		})
	}
}

func testGaps(t *testing.T, s *screen, name string, interval time.Duration) {
	t.Helper()
	matrix := s.series(name, interval)
	if len(matrix) == 0 {
		t.Errorf("%s is empty", name)
	}
	want := int(s.span/s.step(interval)) + 1
	for _, m := range matrix {
		if len(m.Floats) != want {
			t.Errorf("%s %s has %d points, want %d", name, m.Metric, len(m.Floats), want)
		}
	}
}

// TestYoungInterval checks the scrape interval before there are 15 minutes to measure it in.
func TestYoungInterval(t *testing.T) {
	w := world{accounts: company(), replicas: 1, interval: time.Minute, history: 6 * time.Minute}
	s := open(t, w.run(t), "igsend-exporter", 15*time.Minute)
	if got := s.number("$scrape_interval"); got != "60" {
		t.Errorf("the scrape interval is %s s", got)
	}
}

// TestReasons checks that a reason which did not occur is left out, and that one which did
// has no gaps.
func TestReasons(t *testing.T) {
	accounts := company()
	w := world{accounts: accounts, replicas: 1, interval: time.Minute, history: 3 * time.Hour}
	for i := range accounts {
		if accounts[i].down > 0 {
			accounts[i].down = 2 * time.Hour
		}
	}
	s := open(t, w.run(t), "igsend-exporter", time.Hour)
	s.values["scrape_interval"] = "60"
	for _, name := range []string{"Failed clients by reason/errors", "Failed requests by reason/errors"} {
		got := []string{}
		for _, m := range s.series(name, time.Minute) {
			got = append(got, m.Metric.Get("reason"))
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{"rejected"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
