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

func TestScrapesThatOverlapShareRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 8), nil) // two rounds of four
		first := background(t, f, 10*time.Second)
		time.Sleep(1500 * time.Millisecond)
		second := background(t, f, 10*time.Second)

		want := allWith("", ids(1, 8))
		if diff := cmp.Diff(want, reasons(<-first)); diff != "" {
			t.Errorf("first scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, reasons(<-second)); diff != "" {
			t.Errorf("second scrape (-want +got):\n%s", diff)
		}
		// 5 to 8 were in flight when the second began; the answers of 1 to 4 were too old.
		if diff := cmp.Diff(append(ids(1, 8), ids(1, 4)...), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

func TestSharingIsNotCaching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 2), nil)
		scrapeAll(t, f, 10*time.Second)
		scrapeAll(t, f, 10*time.Second)
		if diff := cmp.Diff([]igsend.ClientID{1, 2, 1, 2}, api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

func TestEachScrapeAnswersByItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, reply{after: 3 * time.Second, balances: gbp("1")})
		f := newTestFetcher(api, ids(1, 2), nil)
		long := background(t, f, 10*time.Second)
		time.Sleep(time.Second)
		begin := time.Now()

		got := scrapeAll(t, f, time.Second)
		if took := time.Since(begin); took != time.Second {
			t.Errorf("the short scrape took %s, want 1s", took)
		}
		if diff := cmp.Diff(map[igsend.ClientID]igsend.Reason{1: "timeout", 2: ""}, got); diff != "" {
			t.Errorf("short scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(allWith("", ids(1, 2)), reasons(<-long)); diff != "" {
			t.Errorf("long scrape (-want +got):\n%s", diff)
		}
		// Said to one scrape, and so counted; the other one has an answer.
		want := map[igsend.ClientID]map[igsend.Reason]float64{1: {"timeout": 1}}
		if diff := cmp.Diff(want, errorCounts(f)); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
	})
}

func TestALaterScrapeWithMoreTimeKeepsTheRequestGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, reply{after: 4 * time.Second, balances: gbp("1")})
		f := newTestFetcher(api, ids(1, 1), nil)
		short := background(t, f, 2*time.Second)
		time.Sleep(time.Second)
		long := background(t, f, 9*time.Second)
		if diff := cmp.Diff(allWith("timeout", ids(1, 1)), reasons(<-short)); diff != "" {
			t.Errorf("short scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(allWith("", ids(1, 1)), reasons(<-long)); diff != "" {
			t.Errorf("long scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(1, 1), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

func TestAFailureCountsOnceForAllWhoShareIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, reply{after: 3 * time.Second, err: &igsend.Error{Reason: igsend.ReasonRejected}})
		f := newTestFetcher(api, ids(1, 1), nil)
		short := background(t, f, 2*time.Second) // leaves with a timeout, and counts it
		long := background(t, f, 9*time.Second)
		<-short
		if diff := cmp.Diff(allWith("rejected", ids(1, 1)), reasons(<-long)); diff != "" {
			t.Errorf("long scrape (-want +got):\n%s", diff)
		}
		want := map[igsend.ClientID]map[igsend.Reason]float64{1: {"timeout": 1}}
		if diff := cmp.Diff(want, errorCounts(f)); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
	})
}

func TestAScraperThatHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 2 * time.Second}
		f := newTestFetcher(api, ids(1, 8), nil)
		ctx, hangUp := context.WithCancel(t.Context())
		gone := make(chan []Answer, 1)
		go func() { gone <- f.Fetch(ctx) }()
		time.Sleep(time.Second)
		other := background(t, f, 10*time.Second)
		time.Sleep(500 * time.Millisecond)
		hangUp()
		<-gone
		if diff := cmp.Diff(allWith("", ids(1, 8)), reasons(<-other)); diff != "" {
			t.Errorf("the other scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[igsend.ClientID]map[igsend.Reason]float64{}, errorCounts(f)); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(1, 8), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

func TestTheLastToHangUpCancelsTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Hour}
		f := newTestFetcher(api, ids(1, 8), nil)
		ctx, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, hangUp)
		begin := time.Now()
		if diff := cmp.Diff(allWith("canceled", ids(1, 8)), reasons(f.Fetch(ctx))); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("took %s, want 1s", took)
		}
		if api.inFlight != 0 || f.inFlight != 0 {
			t.Errorf("in flight after the last scrape has gone: %d requests, %d slots", api.inFlight, f.inFlight)
		}
	})
}

func TestFreshAnswersAreServedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(2, fails(igsend.ReasonRejected, 200))
		f := newTestFetcher(api, ids(1, 2), func(c *config.API) { c.MinRefreshInterval = time.Minute })
		want := map[igsend.ClientID]igsend.Reason{1: "", 2: "rejected"}
		for _, step := range []struct {
			wait  time.Duration
			asked []igsend.ClientID
		}{
			{0, ids(1, 2)},
			{59 * time.Second, ids(2, 2)}, // only a good answer is served again
			{time.Second, ids(1, 2)},      // a minute old is too old
		} {
			time.Sleep(step.wait)
			if diff := cmp.Diff(want, scrapeAll(t, f, time.Second)); diff != "" {
				t.Errorf("scrape (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(step.asked, api.asked()); diff != "" {
				t.Errorf("asked after %s (-want +got):\n%s", step.wait, diff)
			}
		}
		api.set(1, fails(igsend.ReasonHTTP, 500))
		time.Sleep(time.Minute)
		want[1] = igsend.ReasonHTTP // an old answer is not served in place of a failure
		if diff := cmp.Diff(want, scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// background scrapes with a deadline in a goroutine of its own.
func background(t *testing.T, f *Fetcher, d time.Duration) chan []Answer {
	t.Helper()
	answers := make(chan []Answer, 1)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	go func() { answers <- f.Fetch(ctx) }()
	synctest.Wait()
	return answers
}

// A failure of a shared request counts once, also when one scrape had left early and
// counted it. The scrape that leaves does not take the request from the others.
func TestASharedFailureCountsOnce(t *testing.T) {
	for name, test := range map[string]struct {
		long time.Duration // deadline of the second scrape
		want map[igsend.Reason]float64
	}{
		"to its end": {9 * time.Second, map[igsend.Reason]float64{"rejected": 1}},
		"for a time": {2 * time.Second, map[igsend.Reason]float64{"timeout": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: 3 * time.Second}
				api.set(1, fails(igsend.ReasonRejected, 200))
				f := newTestFetcher(api, ids(1, 1), nil)
				ctx, hangUp := context.WithCancel(t.Context())
				first, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				go f.Fetch(first)
				synctest.Wait()
				background(t, f, test.long)
				hangUp() // says nothing of the client
				time.Sleep(1500 * time.Millisecond)
				if diff := cmp.Diff(allWith("rejected", ids(1, 1)), scrapeAll(t, f, 9*time.Second)); diff != "" {
					t.Errorf("third scrape (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(ids(1, 1), api.asked()); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(map[igsend.ClientID]map[igsend.Reason]float64{1: test.want}, errorCounts(f)); diff != "" {
					t.Errorf("errors (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAnAnswerIsServedAgainWhileItIsFresh(t *testing.T) {
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
		scrapeAll(t, f, 9*time.Second)
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
