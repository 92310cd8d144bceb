package collector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func rateLimited(retryAfter time.Duration) reply {
	return reply{err: &igsend.Error{Reason: igsend.ReasonRateLimited, HTTPStatus: 429, RetryAfter: retryAfter}}
}

func TestNothingIsAskedAfterA429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(2, failsAtFirst(1, rateLimited(90*time.Second)))
		f := newTestFetcher(api, ids(1, 5), oneAtATime)
		want := allWith("rate_limited", ids(1, 5))
		want[1] = "" // answered before
		if diff := cmp.Diff(want, scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(1, 2), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		f.Apply(settings(api, ids(1, 5), oneAtATime)) // does not shorten the wait
		time.Sleep(90*time.Second - 1)
		if diff := cmp.Diff(allWith("rate_limited", ids(1, 5)), scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape just before the end (-want +got):\n%s", diff)
		}
		if got := api.asked(); len(got) != 0 {
			t.Errorf("asked %v just before the end", got)
		}
		time.Sleep(time.Nanosecond)
		if diff := cmp.Diff(allWith("", ids(1, 5)), scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape after it (-want +got):\n%s", diff)
		}
	})
}

func TestA429WithoutATimeEndsThisScrapeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(1, failsAtFirst(1, rateLimited(0)))
		f := newTestFetcher(api, ids(1, 3), oneAtATime)
		if diff := cmp.Diff(allWith("rate_limited", ids(1, 3)), scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(allWith("", ids(1, 3)), scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("next scrape (-want +got):\n%s", diff)
		}
	})
}

// What is in flight at the 429 still counts; what failed before it is not tried
// again, and keeps its reason.
func TestWhatWasUnderWayAtThe429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, unavailable)
		limited := rateLimited(0)
		limited.after = 10 * time.Millisecond
		api.set(2, limited)
		api.set(3, reply{after: 20 * time.Millisecond, balances: gbp("1")})
		late := unavailable
		late.after = 20 * time.Millisecond
		api.set(4, late)
		f := newTestFetcher(api, ids(1, 6), nil) // 5 follows 1; 6 waits
		api.set(5, reply{after: 30 * time.Millisecond, balances: gbp("1")})
		want := map[igsend.ClientID]igsend.Reason{1: "http", 2: "rate_limited", 3: "", 4: "http", 5: "", 6: "rate_limited"}
		if diff := cmp.Diff(want, scrapeAll(t, f, 5*time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(1, 5), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

func TestAShorterWaitDoesNotShortenALongerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, rateLimited(time.Minute))
		second := rateLimited(time.Second)
		second.after = 10 * time.Millisecond
		api.set(2, second)
		f := newTestFetcher(api, ids(1, 2), nil)
		scrapeAll(t, f, time.Second)
		api.asked()
		time.Sleep(30 * time.Second)
		if diff := cmp.Diff(allWith("rate_limited", ids(1, 2)), scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]igsend.ClientID{}, api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

// A scrape that begins while it is quiet finds a request in flight. Its failure is not
// tried again, not even for that scrape.
func TestNoSecondAttemptWhileItIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, rateLimited(time.Minute))
		late := unavailable
		late.after = 2 * time.Second
		api.set(2, late)
		f := newTestFetcher(api, ids(1, 2), nil)
		background(t, f, 9*time.Second)
		time.Sleep(time.Second)
		if diff := cmp.Diff(map[igsend.ClientID]igsend.Reason{1: "rate_limited", 2: "http"}, scrapeAll(t, f, 9*time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(1, 2), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

// limitsLate answers 429 when its caller has gone.
type limitsLate struct{ fakeAPI }

func (a *limitsLate) Balances(ctx context.Context, keys igsend.Keys, id igsend.ClientID) ([]igsend.Balance, error) {
	_, _ = a.fakeAPI.Balances(ctx, keys, id)
	return nil, rateLimited(time.Minute).err
}

func TestA429IsHeededThoughNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &limitsLate{}
		api.set(1, never)
		f := newTestFetcher(api, ids(1, 1), nil)
		scrapeAll(t, f, time.Second)
		scrapeAll(t, f, time.Second)
		if diff := cmp.Diff(ids(1, 1), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

// The scrape after a 429 may ask, though another is still under way.
func TestTheScrapeAfterA429MayAsk(t *testing.T) {
	for name, retryAfter := range map[string]time.Duration{"without a time": 0, "whose time is over": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{}
				api.setFunc(1, failsAtFirst(1, rateLimited(retryAfter)))
				api.set(2, reply{after: 5 * time.Second, balances: gbp("1")}) // keeps the scrape under way
				f := newTestFetcher(api, ids(1, 3), nil)
				first := background(t, f, 9*time.Second)
				time.Sleep(2 * time.Second)
				if diff := cmp.Diff(allWith("", ids(1, 3)), scrapeAll(t, f, 9*time.Second)); diff != "" {
					t.Errorf("next scrape (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(map[igsend.ClientID]igsend.Reason{1: "rate_limited", 2: "", 3: ""}, reasons(<-first)); diff != "" {
					t.Errorf("first scrape (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]igsend.ClientID{1, 2, 3, 1, 3}, api.asked()); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
			})
		})
	}
}
