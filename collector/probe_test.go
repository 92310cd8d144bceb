package collector

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

const probeTimeout = 9500 * time.Millisecond

// probeOne probes one client and returns its reason, "" for a whole answer.
func probeOne(t *testing.T, f *Fetcher, id igsend.ClientID) igsend.Reason {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), probeTimeout)
	defer cancel()
	s, ok := f.probe(ctx, id, nil)
	if !ok || len(s.answers) != 1 {
		t.Errorf("client %s: configured %t, %d answers", id, ok, len(s.answers))
	}
	return reasons(s.all())[id]
}

// aMinute probes each client once, in order and evenly spread over a minute, as a
// Prometheus does. It returns when the minute is over, with each client's reason.
func aMinute(t *testing.T, f *Fetcher, clients []igsend.ClientID) map[igsend.ClientID]igsend.Reason {
	t.Helper()
	got := map[igsend.ClientID]igsend.Reason{}
	var mu sync.Mutex
	var probes sync.WaitGroup
	over := time.After(time.Minute)
	for n, id := range clients {
		probes.Go(func() {
			time.Sleep(time.Duration(n) * time.Minute / time.Duration(len(clients)))
			reason := probeOne(t, f, id)
			mu.Lock()
			got[id] = reason
			mu.Unlock()
		})
	}
	probes.Wait()
	<-over
	return got
}

func TestAProbeAsksForItsClientAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		api.set(2, fails(igsend.ReasonRejected, 200))
		f := newTestFetcher(api, ids(1, 3), nil)
		got := map[igsend.ClientID]igsend.Reason{2: probeOne(t, f, 2), 3: probeOne(t, f, 3)}
		if diff := cmp.Diff(map[igsend.ClientID]igsend.Reason{2: "rejected", 3: ""}, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(2, 3), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[igsend.ClientID]map[igsend.Reason]float64{2: {"rejected": 1}}, errorCounts(f)); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		if _, ok := f.probe(t.Context(), 4, nil); ok {
			t.Error("client 4 is not configured, but was probed")
		}
	})
}

// A probe shares requests with scrapes of all clients, and is shared by them.
func TestAProbeSharesRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 4), slots(4))
		all := background(t, f, probeTimeout)
		if got := probeOne(t, f, 3); got != "" {
			t.Errorf("probe: %s", got)
		}
		<-all
		if diff := cmp.Diff(ids(1, 4), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		go probeOne(t, f, 2)
		synctest.Wait()
		if diff := cmp.Diff(allWith("", ids(1, 4)), scrapeAll(t, f, probeTimeout)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(1, 4), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

// A scraper of one client that hangs up costs another that waits for it nothing.
func TestAProbeThatHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 2 * time.Second}
		f := newTestFetcher(api, ids(1, 2), nil)
		ctx, hangUp := context.WithCancel(t.Context())
		var gone sync.WaitGroup
		gone.Go(func() { f.probe(ctx, 1, nil) })
		synctest.Wait()
		time.AfterFunc(time.Second, hangUp)
		if got := probeOne(t, f, 1); got != "" {
			t.Errorf("the other probe: %s", got)
		}
		gone.Wait()
		if diff := cmp.Diff(map[igsend.ClientID]map[igsend.Reason]float64{}, errorCounts(f)); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		ctx, hangUp = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, hangUp)
		if s, _ := f.probe(ctx, 1, nil); s.answers[0].Err.Reason != igsend.ReasonCanceled {
			t.Errorf("the probe that hung up: %v", s.answers[0].Err)
		}
		if api.inFlight != 0 || f.inFlight != 0 {
			t.Errorf("in flight after the last probe has gone: %d requests, %d slots", api.inFlight, f.inFlight)
		}
	})
}

// With too few slots for all probes, their time is not wasted on probes that are about to
// end, and each client is reached within a few rounds.
func TestProbesAreFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 2 * time.Second}
		f := newTestFetcher(api, ids(1, 100), oneAtATime) // 30 in a minute
		waited := map[igsend.ClientID]int{}
		all := 0
		const rounds = 30
		for range rounds {
			got := aMinute(t, f, ids(1, 100))
			all += answered(got)
			for id, reason := range got {
				if waited[id]++; reason == "" {
					waited[id] = 0
				}
				if waited[id] > 7 {
					t.Fatalf("client %s: no answer in %d rounds", id, waited[id])
				}
			}
		}
		if all < 27*rounds {
			t.Errorf("%d answers in %d rounds, want nearly 30 in each", all, rounds)
		}
	})
}

// Clients that never answer do not keep the probes of others waiting.
func TestSlowProbesLeaveHalfOfTheSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 100 * time.Millisecond}
		want := allWith("", ids(1, 100))
		for id := range want {
			if id%2 == 0 {
				want[id] = "timeout"
				api.set(id, timesOut(5*time.Second))
			}
		}
		f := newTestFetcher(api, ids(1, 100), slots(4))
		aMinute(t, f, ids(1, 100)) // to learn who is slow
		for range 3 {
			if diff := cmp.Diff(want, aMinute(t, f, ids(1, 100))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})
}

// After a 429 that does not say how long to wait, probes ask nothing for a minute; a
// scrape of all clients is one a minute already.
func TestProbesAfterA429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		f := newTestFetcher(api, ids(1, 5), nil)
		api.set(1, fails(igsend.ReasonRateLimited, 429))
		if got := probeOne(t, f, 1); got != igsend.ReasonRateLimited {
			t.Errorf("client 1: %s", got)
		}
		time.Sleep(59 * time.Second)
		if got := probeOne(t, f, 2); got != igsend.ReasonRateLimited {
			t.Errorf("client 2 within the minute: %q", got)
		}
		if diff := cmp.Diff(ids(1, 1), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		time.Sleep(time.Second)
		if got := probeOne(t, f, 2); got != "" {
			t.Errorf("client 2 after the minute: %s", got)
		}
		api.set(1, reply{err: &igsend.Error{Reason: igsend.ReasonRateLimited, HTTPStatus: 429, RetryAfter: 2 * time.Second}})
		probeOne(t, f, 1)
		time.Sleep(2 * time.Second)
		if got := probeOne(t, f, 2); got != "" {
			t.Errorf("client 2 after Retry-After: %s", got)
		}
	})
}

// Probes leave the order of scrapes of all clients alone.
func TestProbesAreNoTurnOfAScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTestFetcher(&fakeAPI{}, ids(1, 3), func(c *config.API) { c.MinRefreshInterval = time.Second })
		scrapeAll(t, f, probeTimeout)
		for range 10 {
			probeOne(t, f, 1)
		}
		if f.started != 1 {
			t.Errorf("%d scrapes of all clients are counted, want 1", f.started)
		}
	})
}
