package collector

import (
	"context"
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

// What a 429 ended is no sweep to join: the next scrape may ask.
func TestNoScrapeJoinsWhatA429Ended(t *testing.T) {
	for name, retryAfter := range map[string]time.Duration{"without a time": 0, "whose time is over": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{}
				api.setFunc(1, failsAtFirst(1, rateLimited(retryAfter)))
				api.set(2, reply{after: 5 * time.Second, balances: gbp("1")}) // keeps the sweep under way
				f := newTestFetcher(api, ids(1, 3), nil)
				first := background(t, f, 9*time.Second)
				time.Sleep(2 * time.Second)
				if diff := cmp.Diff(allWith("", ids(1, 3)), scrape(t, f, 9*time.Second)); diff != "" {
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

func TestASweepAdmitsWhileItsAnswersAreFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(1, func(n int) reply { return reply{balances: gbp([]string{"1", "2"}[n-1])} })
		api.setFunc(2, func(n int) reply {
			if n == 1 {
				return fails(igsend.ReasonHTTP, 500)
			}
			return never
		})
		f := newTestFetcher(api, ids(1, 2), func(c *config.API) { c.MinRefreshInterval = time.Minute })
		scrape(t, f, 9*time.Second)
		time.Sleep(59 * time.Second)
		first := background(t, f, 9*time.Second) // client 1 is served again, for a second more
		time.Sleep(5 * time.Second)
		second := background(t, f, 9*time.Second)
		if got := (<-first)[0].Balances[0].Reported; got != "1" {
			t.Errorf("first scrape: %s, want the answer of a minute ago", got)
		}
		if got := (<-second)[0].Balances[0].Reported; got != "2" {
			t.Errorf("second scrape: %s, want a new answer: the old one was 64 s old", got)
		}
	})
}

// A scraper that hangs up says nothing of the clients that it gave no time.
func TestAScraperThatHangsUpTakesNobodysTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 4), oneAtATime)
		ctx, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, hangUp)
		f.Fetch(ctx)
		scrape(t, f, 9*time.Second)
		if diff := cmp.Diff([]igsend.ClientID{1, 1, 2, 3, 4}, api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

// For the race detector: a panic is logged without the lock.
func TestAReloadBeforeAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(1, func(int) reply {
			time.Sleep(time.Second)
			panic("hostile")
		})
		f := newTestFetcher(api, ids(1, 1), nil)
		answers := background(t, f, 9*time.Second)
		f.Apply(settings(&fakeAPI{}, ids(1, 1), nil))
		if diff := cmp.Diff(allWith("malformed", ids(1, 1)), reasons(<-answers)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// One request in 30,000 years is a limit, too. It was a timer that fired at once, for
// ever: more nanoseconds than a Duration holds.
func TestATinyRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTestFetcher(&fakeAPI{}, ids(1, 2), func(c *config.API) { c.RequestsPerSecond = 1e-12 })
		if diff := cmp.Diff(map[igsend.ClientID]igsend.Reason{1: "", 2: "timeout"}, scrape(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// Whose 401 is theirs alone is known after a reload, too: else two of them in a row
// would have the key refused, and the next scrape would hang on one test.
func TestAReloadKeepsWhose401IsTheirsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		denyAll(api, ids(1, 2))
		f := newTestFetcher(api, ids(1, 5), oneAtATime)
		scrape(t, f, time.Second) // refused
		scrape(t, f, time.Second) // accepted again, for client 3
		f.Apply(settings(api, ids(1, 5), oneAtATime))
		scrape(t, f, time.Second)
		api.set(3, fails(igsend.ReasonHTTP, 500)) // would be the test
		want := map[igsend.ClientID]igsend.Reason{1: "unauthorized", 2: "unauthorized", 3: "http", 4: "", 5: ""}
		if diff := cmp.Diff(want, scrape(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
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
		scrape(t, f, time.Second)
		if diff := cmp.Diff(gbp("1000"), (<-first)[0].Balances); diff != "" {
			t.Errorf("the scrape under way (-want +got):\n%s", diff)
		}
		scrape(t, f, time.Second)
		if diff := cmp.Diff(map[igsend.ClientID]float64{1: 5}, fallen(f)); diff != "" {
			t.Errorf("decrease (-want +got):\n%s", diff)
		}
	})
}

// The places that slow clients leave are for who comes later, too: a short scrape
// beside a long one that waits for nothing but slow clients.
func TestSlowClientsLeavePlacesToOtherSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 30), nil)
		want := learnSlow(t, f, api, timesOut(5*time.Second))
		background(t, f, time.Second)
		time.Sleep(500 * time.Millisecond)
		background(t, f, 20*time.Second) // joins, and keeps the sweep going
		time.Sleep(3 * time.Second)
		if diff := cmp.Diff(want, scrape(t, f, time.Second)); diff != "" {
			t.Errorf("short scrape (-want +got):\n%s", diff)
		}
	})
}

func TestSlowClientsLeaveAPlaceToARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 30), nil)
		want := learnSlow(t, f, api, never)
		api.count[21] = 0
		api.setFunc(21, failsAtFirst(1, unavailable))
		if diff := cmp.Diff(want, scrape(t, f, 9*time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// learnSlow makes clients 1 to 20 of 30 as slow as it is told, and scrapes until it is
// known of each. It returns what a scrape then says.
func learnSlow(t *testing.T, f *Fetcher, api *fakeAPI, slow reply) map[igsend.ClientID]igsend.Reason {
	t.Helper()
	want := allWith("", ids(1, 30))
	for _, id := range ids(1, 20) {
		api.set(id, slow)
		want[id] = igsend.ReasonTimeout
	}
	for range 22 {
		scrape(t, f, 9*time.Second)
	}
	return want
}

// With one place, the slow ones have it first in every fifth sweep.
func TestSlowClientsDoNotKeepTheOnlyPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 30), oneAtATime)
		whole := learnSlow(t, f, api, never)
		answered := 0
		for range 20 {
			if cmp.Equal(whole, scrape(t, f, 9*time.Second)) {
				answered++
			}
		}
		if answered != 16 {
			t.Errorf("all who answer were heard in %d of 20 scrapes, want 16", answered)
		}
	})
}

// A client that was slow and needs time for its answer gets it, though it comes last.
func TestASlowClientIsHeardAgainThroughTheOnlyPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		api.setFunc(1, failsAtFirst(1, never))
		f := newTestFetcher(api, ids(1, 5), oneAtATime)
		var heard []int
		for i := range 10 {
			if scrape(t, f, 4500*time.Millisecond)[1] == "" { // time for four
				heard = append(heard, i)
			}
		}
		if diff := cmp.Diff([]int{4, 5, 6, 7, 9}, heard); diff != "" {
			t.Errorf("scrapes that heard client 1 (-want +got):\n%s", diff)
		}
	})
}
