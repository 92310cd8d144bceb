package collector

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := &fakeAPI{latency: time.Second}, &fakeAPI{latency: time.Second}
		f := newTestFetcher(first, ids(1, 6), nil)
		before := background(t, f, 10*time.Second)
		time.Sleep(500 * time.Millisecond)
		f.Apply(settings(second, ids(5, 8), nil))
		after := background(t, f, 10*time.Second)

		if diff := cmp.Diff(allWith("", ids(1, 6)), reasons(<-before)); diff != "" {
			t.Errorf("scrape under way (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(allWith("", ids(5, 8)), reasons(<-after)); diff != "" {
			t.Errorf("scrape after the reload (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(1, 6), first.asked()); diff != "" {
			t.Errorf("asked at the old API (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(5, 8), second.asked()); diff != "" {
			t.Errorf("asked at the new API (-want +got):\n%s", diff)
		}
		if first.closed == 0 || first.closedInFlight != 0 || second.closed != 0 {
			t.Errorf("old API closed %d times, the last time with %d requests in flight, want none; new one %d times, want not at all",
				first.closed, first.closedInFlight, second.closed)
		}
	})
}

func TestAnIdleAPIIsClosedAtTheReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := &fakeAPI{}, &fakeAPI{}
		f := newTestFetcher(first, ids(1, 2), nil)
		scrapeAll(t, f, time.Second)
		f.Apply(settings(second, ids(1, 2), nil))
		if first.closed != 1 {
			t.Errorf("old API closed %d times, want once", first.closed)
		}
		f.Close()
		if second.closed != 1 {
			t.Errorf("new API closed %d times after Close, want once", second.closed)
		}
	})
}

func TestARequestCutShortIsLandedBeforeItsAPIIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := &fakeAPI{}
		first.set(1, never)
		f := newTestFetcher(first, ids(1, 1), nil)
		scrape := background(t, f, time.Second)
		f.Apply(settings(&fakeAPI{}, ids(1, 1), nil))
		<-scrape
		if first.closed == 0 || first.closedInFlight != 0 {
			t.Errorf("closed %d times, the last time with %d requests in flight, want none", first.closed, first.closedInFlight)
		}
	})
}

func TestWhatAReloadKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		answers := func(amounts ...string) func(int) reply {
			return func(n int) reply { return reply{balances: gbp(amounts[n-1])} }
		}
		api.setFunc(1, answers("100", "90", "70"))
		api.setFunc(2, answers("100", "90", "70"))
		f := newTestFetcher(api, ids(1, 2), nil)
		scrapeAll(t, f, time.Second)
		f.Apply(settings(api, ids(1, 1), nil))
		scrapeAll(t, f, time.Second)
		f.Apply(settings(api, ids(1, 2), nil)) // 2 went, and starts again
		scrapeAll(t, f, time.Second)
		want := map[igsend.ClientID]float64{1: 30, 2: 0}
		if diff := cmp.Diff(want, fallen(f)); diff != "" {
			t.Errorf("decrease (-want +got):\n%s", diff)
		}
	})
}

// An answer that comes late, over a reload, has nothing to say over one to a later
// question: the balance did not fall.
func TestALateAnswerMovesNoMoney(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(1, func(n int) reply {
			return []reply{
				{balances: gbp("100")}, {balances: gbp("200"), after: time.Second}, {balances: gbp("300")}, {balances: gbp("400")},
			}[n-1]
		})
		f := newTestFetcher(api, ids(1, 1), nil)
		scrapeAll(t, f, time.Second)
		late := background(t, f, 5*time.Second)
		time.Sleep(time.Millisecond)
		f.Apply(settings(api, ids(1, 1), nil))
		scrapeAll(t, f, 500*time.Millisecond)
		if got := (<-late)[0].Balances[0].Reported; got != "200" {
			t.Errorf("the late scrape has %s, want its own answer", got)
		}
		scrapeAll(t, f, time.Second)
		if diff := cmp.Diff(map[igsend.ClientID]float64{1: 0}, fallen(f)); diff != "" {
			t.Errorf("decrease (-want +got):\n%s", diff)
		}
	})
}

// An API that makes up currencies does not fill the memory.
func TestMadeUpCurrenciesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(1, func(n int) reply {
			var balances []igsend.Balance
			for i := range 150 {
				balances = append(balances, balanceOf("1", string([]byte{'A' + byte(n), 'A' + byte(i/26), 'A' + byte(i%26)}), "IN_CREDIT"))
			}
			return reply{balances: balances}
		})
		f := newTestFetcher(api, ids(1, 1), nil)
		for range 20 {
			scrapeAll(t, f, time.Second)
		}
		if got := len(f.clients[1].balances); got > 200 {
			t.Errorf("%d currencies are kept, want 200 at most", got)
		}
	})
}

// Between the balances of two sources lies no payment.
func TestAnotherSourceMovesNoMoney(t *testing.T) {
	for name, change := range map[string]func(*config.API){
		"another unit":     func(c *config.API) { c.BalanceUnit = igsend.UnitMinor },
		"another endpoint": func(c *config.API) { c.Endpoint = "https://sandbox.example/" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{}
				api.setFunc(1, func(n int) reply { return reply{balances: gbp([]string{"1000", "10", "9"}[n-1])} })
				f := newTestFetcher(api, ids(1, 1), func(c *config.API) { c.MinRefreshInterval = time.Minute })
				scrapeAll(t, f, time.Second)
				f.Apply(settings(api, ids(1, 1), func(c *config.API) {
					c.MinRefreshInterval = time.Minute
					change(c)
				}))
				scrapeAll(t, f, time.Second) // asks, in spite of the fresh answer of the other source
				time.Sleep(time.Minute)
				scrapeAll(t, f, time.Second)
				if diff := cmp.Diff(map[igsend.ClientID]float64{1: 1}, fallen(f)); diff != "" {
					t.Errorf("decrease (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// fallen returns how much the balances fell, by client.
func fallen(f *Fetcher) map[igsend.ClientID]float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[igsend.ClientID]float64{}
	for id, c := range f.clients {
		for _, b := range c.balances {
			all[id] += b.decrease.counter.GetValue()
		}
	}
	return all
}

// A scrape under way keeps its own concurrency: the API of its settings has no more
// connections, and requests that wait for one there would time out.
func TestMoreSlotsAreForLaterScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, next := &fakeAPI{latency: time.Second}, &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 3), oneAtATime)
		before := background(t, f, 9*time.Second)
		f.Apply(settings(next, ids(1, 8), func(c *config.API) { c.Concurrency = 9 }))
		begin := time.Now()
		after := background(t, f, 9*time.Second)
		<-after
		if took := time.Since(begin); took != time.Second {
			t.Errorf("the later scrape took %s, want 1s", took)
		}
		<-before
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("the scrape under way took %s, want 3s", took)
		}
		if api.maxInFlight != 1 {
			t.Errorf("%d requests were in flight at the old API, want 1", api.maxInFlight)
		}
	})
}

func TestAScrapeUnderWayKeepsItsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, keys := &fakeAPI{latency: time.Second}, keyFiles(t, "old")
		f := newTestFetcher(api, ids(1, 2), func(c *config.API) { c.Keys, c.Concurrency = keys, 1 })
		background(t, f, 9*time.Second)
		writeFile(t, keys.PrivateFile, "new")
		scrapeAll(t, f, 9*time.Second)
		var asked []string
		for _, call := range api.calls {
			asked = append(asked, call.keys.Private)
		}
		if diff := cmp.Diff([]string{"old", "old", "new", "new"}, asked); diff != "" {
			t.Errorf("keys used (-want +got):\n%s", diff)
		}
	})
}

// The last answers of an old source may come after the first ones of the new, whose
// movements go on all the same.
func TestALateAnswerOfTheOldSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := &fakeAPI{}, &fakeAPI{}
		old.set(1, reply{after: 2 * time.Second, balances: gbp("1000")})
		next.setFunc(1, func(n int) reply { return reply{balances: gbp([]string{"50", "45"}[n-1])} })
		f := newTestFetcher(old, ids(1, 1), nil)
		first := background(t, f, 9*time.Second)
		f.Apply(settings(next, ids(1, 1), func(c *config.API) { c.Endpoint = "https://sandbox.example/" }))
		scrapeAll(t, f, time.Second)
		if diff := cmp.Diff(gbp("1000"), (<-first)[0].Balances); diff != "" {
			t.Errorf("the scrape under way (-want +got):\n%s", diff)
		}
		scrapeAll(t, f, time.Second)
		if diff := cmp.Diff(map[igsend.ClientID]float64{1: 5}, fallen(f)); diff != "" {
			t.Errorf("decrease (-want +got):\n%s", diff)
		}
	})
}

// An answer that was asked for before the latest one, and comes after it, moves nothing.
func TestALateAnswerOfAnEarlierRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := &fakeAPI{}, &fakeAPI{}
		old.set(1, reply{after: 2 * time.Second, balances: gbp("1000")})
		next.setFunc(1, func(n int) reply { return reply{balances: gbp([]string{"50", "45"}[n-1])} })
		f := newTestFetcher(old, ids(1, 1), nil)
		first := background(t, f, 9*time.Second)
		time.Sleep(time.Second)
		f.Apply(settings(next, ids(1, 1), nil)) // the same endpoint
		scrapeAll(t, f, time.Second)
		<-first
		scrapeAll(t, f, time.Second)
		if diff := cmp.Diff(map[igsend.ClientID]float64{1: 5}, fallen(f)); diff != "" {
			t.Errorf("decrease (-want +got):\n%s", diff)
		}
	})
}

// The test of a refused key that a scrape of the old settings made is not the test of a
// scrape of the new ones.
func TestAReloadDuringTheTestOfARefusedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := &fakeAPI{}, &fakeAPI{}
		late := denied
		late.after = time.Second
		for _, id := range ids(1, 9) {
			old.set(id, late)
		}
		f := newTestFetcher(old, ids(1, 9), nil)
		scrapeAll(t, f, 9*time.Second)
		before := background(t, f, 9*time.Second) // its test is in flight
		f.Apply(settings(next, ids(1, 9), nil))   // the same key
		if diff := cmp.Diff(allWith("", ids(1, 9)), scrapeAll(t, f, 9*time.Second)); diff != "" {
			t.Errorf("scrape after the reload (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(allWith("unauthorized", ids(1, 9)), reasons(<-before)); diff != "" {
			t.Errorf("scrape before the reload (-want +got):\n%s", diff)
		}
	})
}

// A reload to one slot leaves slow clients a share of it in the scrape under way.
func TestSlowClientsAreAskedAfterAReloadToOneSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		for _, id := range ids(1, 4) {
			api.setFunc(id, failsAtFirst(1, timesOut(0)))
		}
		f := newTestFetcher(api, ids(1, 8), nil) // four slots
		scrapeAll(t, f, time.Minute)
		api.asked()
		under := background(t, f, time.Minute)
		f.Apply(settings(api, ids(1, 8), oneAtATime))
		time.Sleep(2500 * time.Millisecond)
		asked := api.asked()
		if !slices.ContainsFunc(asked[4:], func(id igsend.ClientID) bool { return id <= 4 }) {
			t.Errorf("asked %v: no slow client while others wait", asked)
		}
		if diff := cmp.Diff(allWith("", ids(1, 8)), reasons(<-under)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}
