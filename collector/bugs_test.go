package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func TestAFailureThatStandsIsAnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		for _, id := range ids(1, 6) {
			api.set(id, unavailable)
		}
		f := newTestFetcher(api, ids(1, 9), oneAtATime)
		for i, want := range [][]igsend.ClientID{{1, 2, 3}, {3, 4, 5}, {5, 6, 7}, {7, 8, 9}} {
			scrape(t, f, 2500*time.Millisecond)
			if diff := cmp.Diff(want, api.asked()); diff != "" {
				t.Errorf("asked in scrape %d (-want +got):\n%s", i, diff)
			}
		}
	})
}
