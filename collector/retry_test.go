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

// failsAtFirst returns r for the first n calls, then a balance.
func failsAtFirst(n int, r reply) func(int) reply {
	return func(call int) reply {
		if call <= n {
			return r
		}
		return reply{balances: gbp("100")}
	}
}

func TestRetry(t *testing.T) {
	transient := func(reason igsend.Reason) reply {
		return reply{err: &igsend.Error{Reason: reason, Transient: true}}
	}
	for name, test := range map[string]struct {
		answer   func(int) reply
		attempts int
		deadline time.Duration
		want     igsend.Reason
		requests int
	}{
		"a transient failure is tried again": {failsAtFirst(1, transient("network")), 2, 5 * time.Second, "", 2},
		"up to max_attempts":                 {failsAtFirst(3, transient("http")), 3, 5 * time.Second, "http", 3},
		"as often as needed":                 {failsAtFirst(3, transient("http")), 5, 5 * time.Second, "", 4},
		"never with one attempt":             {failsAtFirst(1, transient("http")), 1, 5 * time.Second, "http", 1},
		"nothing else is":                    {failsAtFirst(1, fails(igsend.ReasonRejected, 200)), 5, 5 * time.Second, "rejected", 1},
		"not a timeout":                      {failsAtFirst(1, timesOut(time.Second)), 5, 5 * time.Second, "timeout", 1},
		"not beyond the deadline":            {failsAtFirst(1, transient("network")), 5, 49 * time.Millisecond, "network", 1},
		"the first failure stands when the deadline cuts the retry": {
			func(n int) reply {
				if n == 1 {
					return transient("network")
				}
				return never
			}, 2, 2 * time.Second, "network", 2,
		},
		"the last failure counts when it is its own": {
			func(n int) reply {
				if n == 1 {
					return transient("network")
				}
				return fails(igsend.ReasonRejected, 200)
			}, 2, 2 * time.Second, "rejected", 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{}
				api.setFunc(1, test.answer)
				f := newTestFetcher(api, ids(1, 1), func(c *config.API) { c.MaxAttempts = test.attempts })
				if got := scrapeAll(t, f, test.deadline)[1]; got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if got := len(api.asked()); got != test.requests {
					t.Errorf("%d requests, want %d", got, test.requests)
				}
				want := map[igsend.ClientID]map[igsend.Reason]float64{}
				if test.want != "" {
					want[1] = map[igsend.Reason]float64{test.want: 1}
				}
				if diff := cmp.Diff(want, errorCounts(f)); diff != "" {
					t.Errorf("errors (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestThePauseHoldsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		api.setFunc(1, failsAtFirst(1, unavailable))
		f := newTestFetcher(api, ids(1, 4), oneAtATime)
		scrapeAll(t, f, 5*time.Second)
		// Nobody waits for the pause of client 1, which is 50 ms at least.
		if diff := cmp.Diff([]igsend.ClientID{1, 2, 3, 4, 1}, api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

func TestARetryIsSharedByTheScrapeThatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 100 * time.Millisecond}
		api.setFunc(1, failsAtFirst(1, unavailable))
		f := newTestFetcher(api, ids(1, 1), nil)
		background(t, f, 101*time.Millisecond)
		time.Sleep(50 * time.Millisecond)
		long := background(t, f, 5*time.Second) // keeps the request going
		time.Sleep(53 * time.Millisecond)
		late := background(t, f, 5*time.Second) // starts within the pause
		for name, answers := range map[string]chan []Answer{"long": long, "late": late} {
			if diff := cmp.Diff(allWith("", ids(1, 1)), reasons(<-answers)); diff != "" {
				t.Errorf("%s scrape (-want +got):\n%s", name, diff)
			}
		}
		if diff := cmp.Diff([]igsend.ClientID{1, 1}, api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

func TestTheFirstOfTwoFailuresStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(1, func(n int) reply {
			switch n {
			case 1:
				return reply{err: &igsend.Error{Reason: igsend.ReasonNetwork, Transient: true}}
			case 2:
				return unavailable
			}
			return never
		})
		f := newTestFetcher(api, ids(1, 1), func(c *config.API) { c.MaxAttempts = 5 })
		if got := scrapeAll(t, f, 2*time.Second)[1]; got != "network" {
			t.Errorf("got %q, want network", got)
		}
		if got := scrapeAll(t, f, 2*time.Second)[1]; got != "timeout" { // a question of its own
			t.Errorf("next scrape: got %q, want timeout", got)
		}
	})
}

func TestThePauseIsShortAndRandom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		for _, id := range ids(1, 50) {
			api.setFunc(id, failsAtFirst(1, unavailable))
		}
		f := newTestFetcher(api, ids(1, 50), func(c *config.API) { c.Concurrency = 50 })
		begin := time.Now()
		scrapeAll(t, f, 5*time.Second)
		pauses := map[time.Duration]bool{}
		for _, call := range api.calls {
			if pause := call.at.Sub(begin); pause > 0 {
				pauses[pause] = true
				if pause < 50*time.Millisecond || pause >= 250*time.Millisecond {
					t.Errorf("a pause of %s, want between 50ms and 250ms", pause)
				}
			}
		}
		if len(pauses) < 40 {
			t.Errorf("%d different pauses of 50", len(pauses))
		}
	})
}

// A question that was closed in its pause is open again in the next scrape, at once.
func TestAClosedQuestionLeavesNoPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(1, failsAtFirst(1, unavailable))
		limited := rateLimited(0)
		limited.after = 10 * time.Millisecond
		api.setFunc(2, failsAtFirst(1, limited))
		f := newTestFetcher(api, ids(1, 2), nil)
		scrapeAll(t, f, time.Second)
		begin := time.Now()
		if diff := cmp.Diff(allWith("", ids(1, 2)), scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("took %s, want no time", took)
		}
	})
}

// An attempt that waits for a slot is made for the scrape that stays.
func TestAnAttemptThatWaitsIsNotLostWithItsScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 5 * time.Millisecond}
		api.setFunc(1, failsAtFirst(1, unavailable))
		f := newTestFetcher(api, ids(1, 1), oneAtATime)
		background(t, f, 10*time.Millisecond)
		background(t, f, 2*time.Second)
		time.Sleep(20 * time.Millisecond)
		other := background(t, f, 9*time.Second) // starts later
		f.Apply(settings(&fakeAPI{latency: 4 * time.Second}, ids(2, 2), oneAtATime))
		background(t, f, 9*time.Second) // takes the only slot until the first scrape is over
		if diff := cmp.Diff(allWith("", ids(1, 1)), reasons(<-other)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// A scrape that joins a request within its pause is not told of a failure from before it
// began.
func TestAFailureFromBeforeTheScrapeIsNotItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Millisecond}
		api.setFunc(1, func(n int) reply {
			if n == 1 {
				return unavailable
			}
			return never
		})
		f := newTestFetcher(api, ids(1, 1), nil)
		first := background(t, f, 9*time.Second)
		time.Sleep(20 * time.Millisecond) // the failure is 19 ms old
		if got := reasons(<-background(t, f, 5*time.Second))[1]; got != "timeout" {
			t.Errorf("got %q, want timeout", got)
		}
		if got := reasons(<-first)[1]; got != "http" {
			t.Errorf("the first scrape got %q, want http", got)
		}
	})
}

// A scraper that hangs up within the pause of a shared request has seen no failure.
func TestAHangUpWithinAPauseCountsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Millisecond}
		api.setFunc(1, failsAtFirst(1, unavailable))
		f := newTestFetcher(api, ids(1, 1), nil)
		ctx, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, hangUp)
		other := background(t, f, 9*time.Second)
		f.Fetch(ctx)
		if got := reasons(<-other)[1]; got != "" {
			t.Errorf("got %q, want an answer", got)
		}
		if diff := cmp.Diff(map[igsend.ClientID]map[igsend.Reason]float64{}, errorCounts(f)); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
	})
}
