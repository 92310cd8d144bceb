package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
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

// Answers to requests made before the key was refused do not clear it, however many
// they are: another client is asked to find out, once for all that come meanwhile.
func TestOldAnswersDoNotClearARefusedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		denyAll(api, ids(1, 100))
		for _, id := range ids(3, 8) { // answered before the key was withdrawn
			api.set(id, reply{after: time.Duration(id) * 100 * time.Millisecond, balances: gbp("1")})
		}
		f := newTestFetcher(api, ids(1, 100), func(c *config.API) { c.Concurrency = 8 })
		scrape(t, f, 5*time.Second)
		if diff := cmp.Diff(ids(1, 8+2), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}
