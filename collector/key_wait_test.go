package collector

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Clients that are refused on their own, beside others that must not wait for ever.

// A client whose first attempt fails is asked again, though meanwhile only clients are left
// that are refused on their own.
func TestOwnRefusalsLeaveARetry(t *testing.T) {
	for _, n := range []int{1, 4, 8} {
		for phase := range inTurnEvery {
			t.Run(fmt.Sprintf("%d slots, phase %d", n, phase), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, api := ownRefusals(t, 10, n, phase)
					api.setFunc(50, func(call int) reply {
						if call%2 == 0 {
							return unavailable
						}
						return reply{balances: gbp("1")}
					})
					for i := range 10 {
						if got := answered(scrapeAll(t, f, 9500*time.Millisecond)); got != 90 {
							t.Errorf("scrape %d: %d clients answered, want 90", i, got)
						}
					}
				})
			})
		}
	}
}

// In an outage all clients become slow. When it is over, the ones that are refused on their
// own do not keep the others out.
func TestOwnRefusalsAfterAnOutage(t *testing.T) {
	for _, n := range []int{4, 8} {
		for phase := range inTurnEvery {
			t.Run(fmt.Sprintf("%d slots, phase %d", n, phase), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, api := ownRefusals(t, 10, n, phase)
					for _, id := range ids(1, 100) {
						api.set(id, never)
					}
					for range 40 {
						scrapeAll(t, f, 9500*time.Millisecond)
					}
					denyAll(api, ids(1, 10))
					acceptAll(api, ids(11, 100))
					for i := range 10 {
						if got := answered(scrapeAll(t, f, 9500*time.Millisecond)); got != 90 {
							t.Errorf("scrape %d: %d clients answered, want 90", i, got)
						}
					}
				})
			})
		}
	}
}

// As many clients as there are slots stop answering, and two scrapers overlap, so that a
// request always has somebody who waits. The other clients still get their turn.
func TestRequestsThatNeverEndAreGivenUp(t *testing.T) {
	for name, dead := range map[string]func(call int) reply{
		"at once": func(int) reply { return timesOut(2 * time.Minute) },
		"at a retry": func(call int) reply {
			if call%2 == 1 {
				return unavailable
			}
			return timesOut(2 * time.Minute)
		},
		"for seconds": func(int) reply { return timesOut(30 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: 20 * time.Millisecond}
				f := newTestFetcher(api, ids(1, 100), slots(4))
				scrapeAll(t, f, 9500*time.Millisecond)
				for _, id := range ids(1, 4) {
					api.count[id] = 0
					api.setFunc(id, dead)
				}
				var scrapers sync.WaitGroup
				var mu sync.Mutex
				incomplete := 0
				for k := range 2 {
					scrapers.Go(func() {
						time.Sleep(time.Duration(k) * 5 * time.Second)
						for range 30 {
							ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
							next := time.After(10 * time.Second)
							got := answered(reasons(f.Fetch(ctx)))
							mu.Lock()
							if got < 96 {
								incomplete++
							}
							mu.Unlock()
							cancel()
							<-next
						}
					})
				}
				scrapers.Wait()
				if incomplete > 4 {
					t.Errorf("healthy clients had no balance in %d of 60 scrapes, want 4 at most, to learn who is slow", incomplete)
				}
			})
		})
	}
}

// A scraper hangs up while the key is tested for it. The scrape that follows makes its own
// test.
func TestACanceledTestCountsForNoOtherScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 9), slots(4))
		scrapeAll(t, f, 4*time.Second)
		denyAll(api, ids(1, 9))
		scrapeAll(t, f, 4*time.Second)
		release := make(chan struct{})
		for _, id := range ids(1, 9) {
			api.setFunc(id, func(int) reply { <-release; return denied })
		}
		ctx, hangUp := context.WithCancel(t.Context())
		first := make(chan []Answer, 1)
		go func() { first <- f.Fetch(ctx) }()
		synctest.Wait() // its test is in flight
		acceptAll(api, ids(1, 9))
		hangUp()
		time.AfterFunc(time.Second, func() { close(release) }) // its end is slow
		synctest.Wait()
		if diff := cmp.Diff(allWith("", ids(1, 9)), scrapeAll(t, f, 4*time.Second)); diff != "" {
			t.Errorf("second scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(allWith(igsend.ReasonCanceled, ids(1, 9)), reasons(<-first)); diff != "" {
			t.Errorf("first scrape (-want +got):\n%s", diff)
		}
	})
}
