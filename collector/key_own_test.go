package collector

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Clients that are refused on their own, for good, beside a hundred whose keys are fine.

func slots(n int) func(*config.API) { return func(c *config.API) { c.Concurrency = n } }

// answered counts the clients with a complete answer.
func answered(got map[igsend.ClientID]igsend.Reason) (n int) {
	for _, reason := range got {
		if reason == "" {
			n++
		}
	}
	return n
}

// ownRefusals returns a fetcher of a hundred clients, the first of which are refused on
// their own, once it knows them and has made some more scrapes.
func ownRefusals(t *testing.T, n igsend.ClientID, concurrency, more int) (*Fetcher, *fakeAPI) {
	t.Helper()
	api := &fakeAPI{latency: 20 * time.Millisecond}
	denyAll(api, ids(1, n))
	f := newTestFetcher(api, ids(1, 100), slots(concurrency))
	for known := false; !known; {
		known = answered(scrapeAll(t, f, 9500*time.Millisecond)) == 100-int(n)
	}
	for range more {
		scrapeAll(t, f, 9500*time.Millisecond)
	}
	api.asked()
	return f, api
}

// The client that is asked first fails, which says nothing of the key. Everybody else is
// asked all the same.
func TestOwnRefusalsMakeNoScrapeHangOnOneAnswer(t *testing.T) {
	for name, failure := range map[string]reply{
		"503":     unavailable,
		"500":     fails(igsend.ReasonHTTP, 500),
		"timeout": timesOut(5 * time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, api := ownRefusals(t, 3, 8, 0)
				scrapeAll(t, f, 9500*time.Millisecond)
				first := api.asked()[0] // and in the next scrape, too
				api.set(first, failure)
				if got := answered(scrapeAll(t, f, 9500*time.Millisecond)); got != 96 {
					t.Errorf("%d clients answered, want 96", got)
				}
			})
		})
	}
}

func TestOwnRefusalsAndClientsThatDie(t *testing.T) {
	for _, own := range []igsend.ClientID{0, 2, 3} {
		t.Run(fmt.Sprint(own, " refused"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, api := ownRefusals(t, own, 8, 0)
				scrapeAll(t, f, 9500*time.Millisecond)
				for _, id := range api.asked()[:10] {
					api.set(id, timesOut(5*time.Second))
				}
				incomplete := 0
				for range 20 {
					if answered(scrapeAll(t, f, 9500*time.Millisecond)) < 90-int(own) {
						incomplete++
					}
				}
				if incomplete > 2 {
					t.Errorf("healthy clients had no balance in %d of 20 scrapes, want 2 at most, to learn who is slow", incomplete)
				}
			})
		})
	}
}

// A withdrawn key that is accepted again brings all clients back in that scrape, those that
// tested it included.
func TestAllComeBackBesideOwnRefusals(t *testing.T) {
	for _, test := range []struct {
		slots int
		own   igsend.ClientID
	}{{1, 3}, {4, 10}, {8, 10}} {
		for phase := range inTurnEvery {
			t.Run(fmt.Sprintf("%d slots, %d refused, phase %d", test.slots, test.own, phase), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, api := ownRefusals(t, test.own, test.slots, phase)
					denyAll(api, ids(1, 100))
					for range 30 {
						scrapeAll(t, f, 9500*time.Millisecond)
					}
					acceptAll(api, ids(test.own+1, 100))
					for i := range 3 {
						if got, want := answered(scrapeAll(t, f, 9500*time.Millisecond)), 100-int(test.own); got != want {
							t.Errorf("scrape %d: %d clients answered, want %d", i, got, want)
						}
					}
				})
			})
		}
	}
}

// Scrapers that overlap hand on a request that is never answered. No decision about a key
// waits for it longer than one scrape.
func TestAnUnansweredTestIsNotHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, api := ownRefusals(t, 2, 8, 0)
		scrapeAll(t, f, 9500*time.Millisecond)
		api.set(api.asked()[0], timesOut(2*time.Minute))
		var scrapers sync.WaitGroup
		var empty sync.Map
		for k := range 2 {
			scrapers.Go(func() {
				time.Sleep(time.Duration(k) * 5 * time.Second)
				for i := range 12 {
					ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
					next := time.After(10 * time.Second)
					if answered(reasons(f.Fetch(ctx))) == 0 {
						empty.Store(fmt.Sprint(k, " ", i), true)
					}
					cancel()
					<-next
				}
			})
		}
		scrapers.Wait()
		got := map[any]any{}
		empty.Range(func(k, v any) bool { got[k] = v; return true })
		if diff := cmp.Diff(map[any]any{}, got); diff != "" {
			t.Errorf("scrapes without any balance (-want +got):\n%s", diff)
		}
	})
}
