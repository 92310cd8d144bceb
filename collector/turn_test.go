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

func oneAtATime(c *config.API) { c.Concurrency = 1 }

func TestTheOldestOutcomeIsAskedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		api.set(2, reply{err: &igsend.Error{Reason: igsend.ReasonRejected}}) // a failure is an outcome, too
		f := newTestFetcher(api, ids(1, 5), oneAtATime)
		for _, want := range [][]igsend.ClientID{
			{1, 2, 3}, // 3 is cut short
			{3, 4, 5},
			{5, 1, 2},
			{2, 3, 4},
		} {
			scrapeAll(t, f, 2500*time.Millisecond)
			if diff := cmp.Diff(want, api.asked()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		}
	})
}

func TestNewClientsComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 2), oneAtATime)
		scrapeAll(t, f, 10*time.Second)
		f.Apply(settings(api, ids(1, 4), oneAtATime))
		api.asked()
		scrapeAll(t, f, 10*time.Second)
		if diff := cmp.Diff([]igsend.ClientID{3, 4, 1, 2}, api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

// A client that the deadline cuts short keeps its turn, but not when it had the whole
// time of the scrape: it would have it for ever.
func TestAClientThatNeverAnswersLosesItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, never)
		f := newTestFetcher(api, ids(1, 3), oneAtATime)
		for i, want := range []map[igsend.ClientID]igsend.Reason{
			allWith("timeout", ids(1, 3)),
			{1: "timeout", 2: "", 3: ""},
		} {
			if diff := cmp.Diff(want, scrapeAll(t, f, 2*time.Second)); diff != "" {
				t.Errorf("scrape %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

// A failure that was to be tried again is an outcome, too, when there is no time for it.
func TestAFailureBeforeARetryIsAnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		api.setFunc(1, func(n int) reply {
			if n%2 == 1 {
				return unavailable
			}
			return never
		})
		f := newTestFetcher(api, ids(1, 3), oneAtATime)
		for _, want := range [][]igsend.ClientID{{1, 2, 3, 1}, {2, 3, 1, 1}} {
			scrapeAll(t, f, 2*time.Second)
			if diff := cmp.Diff(want, api.asked()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		}
	})
}

// However many never answer, the others are asked in every scrape once it is known
// who is slow.
func TestSlowClientsLeaveHalfOfTheSlots(t *testing.T) {
	for name, slow := range map[string]reply{
		"request timeout within the scrape": timesOut(5 * time.Second),
		"request timeout beyond the scrape": never,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: 10 * time.Millisecond}
				for _, id := range ids(1, 50) {
					api.set(id, slow)
				}
				f := newTestFetcher(api, ids(1, 60), nil) // four slots
				const learning = 13                       // 50 slow clients, four at a time
				reached := map[igsend.ClientID]bool{}
				for i := range 2 * learning {
					got := scrapeAll(t, f, 9500*time.Millisecond)
					for _, id := range api.asked() {
						reached[id] = true
					}
					for _, id := range ids(51, 60) {
						if i >= learning && got[id] != "" {
							t.Fatalf("scrape %d: client %s: %s", i, id, got[id])
						}
					}
				}
				if len(reached) != 60 {
					t.Errorf("%d of 60 clients were reached", len(reached))
				}
			})
		})
	}
}

// After an outage of the whole API every client is slow, and none has to wait for that.
func TestAnOutageMakesTheNextScrapeLittleSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		for _, id := range ids(1, 12) {
			api.setFunc(id, failsAtFirst(1, timesOut(time.Second)))
		}
		f := newTestFetcher(api, ids(1, 12), nil) // four slots
		scrapeAll(t, f, time.Minute)
		begin := time.Now()
		scrapeAll(t, f, time.Minute)
		if took, want := time.Since(begin), 4*time.Second; took != want {
			t.Errorf("took %s, want %s: four rounds of three", took, want)
		}
	})
}

func TestEveryClientIsReachedUnderAShortDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 100), func(c *config.API) { c.Concurrency = 5 })
		answered := map[igsend.ClientID]int{}
		for range 5 { // 20 rounds of five are needed, a scrape has time for four
			for id, reason := range scrapeAll(t, f, 4500*time.Millisecond) {
				if reason == "" {
					answered[id]++
				}
			}
		}
		want := map[igsend.ClientID]int{}
		for _, id := range ids(1, 100) {
			want[id] = 1
		}
		if diff := cmp.Diff(want, answered); diff != "" {
			t.Errorf("answers in five scrapes (-want +got):\n%s", diff)
		}
	})
}

// Slow ones have their turn, too, though the time is too short for the others alone.
func TestASlowClientIsReachedUnderAShortDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		api.setFunc(1, failsAtFirst(1, never))
		f := newTestFetcher(api, ids(1, 20), func(c *config.API) { c.Concurrency = 2 })
		answered := 0
		for range 8 { // a scrape has time for four
			if scrapeAll(t, f, 2500*time.Millisecond)[1] == "" {
				answered++
			}
		}
		if answered == 0 {
			t.Error("client 1 was not heard again")
		}
	})
}

func TestSlowClientsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		f := newTestFetcher(api, ids(1, 30), nil)
		learnSlow(t, f, api, never)
		asked := map[igsend.ClientID]bool{}
		for range 11 { // at least two in each
			api.asked()
			scrapeAll(t, f, 9*time.Second)
			for _, id := range api.asked() {
				asked[id] = true
			}
		}
		if len(asked) != 30 {
			t.Errorf("%d of 30 clients were asked", len(asked))
		}
	})
}

func TestTheOldestScrapeAsksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := &fakeAPI{latency: time.Second}, &fakeAPI{latency: time.Second}
		f := newTestFetcher(old, ids(1, 4), oneAtATime)
		before := background(t, f, 4500*time.Millisecond)
		f.Apply(settings(next, ids(1, 4), oneAtATime))
		after := background(t, f, 9*time.Second)
		for name, answers := range map[string]chan []Answer{"before": before, "after": after} {
			if diff := cmp.Diff(allWith("", ids(1, 4)), reasons(<-answers)); diff != "" {
				t.Errorf("scrape %s the reload (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestAFailureThatStandsIsAnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		for _, id := range ids(1, 6) {
			api.set(id, unavailable)
		}
		f := newTestFetcher(api, ids(1, 9), oneAtATime)
		for i, want := range [][]igsend.ClientID{{1, 2, 3}, {3, 4, 5}, {5, 6, 7}, {7, 8, 9}} {
			scrapeAll(t, f, 2500*time.Millisecond)
			if diff := cmp.Diff(want, api.asked()); diff != "" {
				t.Errorf("asked in scrape %d (-want +got):\n%s", i, diff)
			}
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
		scrapeAll(t, f, 9*time.Second)
		if diff := cmp.Diff([]igsend.ClientID{1, 1, 2, 3, 4}, api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}
