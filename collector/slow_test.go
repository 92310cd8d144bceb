package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// The slots that slow clients leave are for scrapes to come: a short scrape
// beside a long one that waits for nothing but slow clients.
func TestSlowClientsLeaveSlotsToOtherScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 30), nil)
		want := learnSlow(t, f, api, timesOut(5*time.Second))
		background(t, f, time.Second)
		time.Sleep(500 * time.Millisecond)
		background(t, f, 20*time.Second) // keeps its requests going
		time.Sleep(3 * time.Second)
		if diff := cmp.Diff(want, scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("short scrape (-want +got):\n%s", diff)
		}
	})
}

func TestSlowClientsLeaveASlotToARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 30), nil)
		want := learnSlow(t, f, api, never)
		api.count[21] = 0
		api.setFunc(21, failsAtFirst(1, unavailable))
		if diff := cmp.Diff(want, scrapeAll(t, f, 9*time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// The retries of slow clients keep to the slow clients' share.
func TestRetriesOfSlowClientsLeaveSlotsToOtherScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 30), nil)
		want := learnSlow(t, f, api, timesOut(5*time.Second))
		for _, id := range ids(1, 20) {
			api.count[id] = 0
			api.setFunc(id, func(call int) reply {
				if call == 1 {
					return unavailable
				}
				return timesOut(5 * time.Second)
			})
		}
		background(t, f, 20*time.Second)
		time.Sleep(3 * time.Second)
		got := scrapeAll(t, f, time.Second)
		for _, id := range ids(1, 20) {
			delete(want, id)
			delete(got, id)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("short scrape (-want +got):\n%s", diff)
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
		scrapeAll(t, f, 9*time.Second)
	}
	return want
}

// With one slot, one of the slow clients has it in turn in every fifth scrape.
func TestSlowClientsDoNotKeepTheOnlySlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 30), oneAtATime)
		whole := learnSlow(t, f, api, never)
		answered := 0
		for range 20 {
			if cmp.Equal(whole, scrapeAll(t, f, 9*time.Second)) {
				answered++
			}
		}
		if answered != 16 {
			t.Errorf("all who answer were heard in %d of 20 scrapes, want 16", answered)
		}
	})
}

// A client that was slow and needs time for its answer gets it, though it comes last.
func TestASlowClientIsHeardAgainThroughTheOnlySlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		api.setFunc(1, failsAtFirst(1, never))
		f := newTestFetcher(api, ids(1, 5), oneAtATime)
		var heard []int
		for i := range 10 {
			if scrapeAll(t, f, 4500*time.Millisecond)[1] == "" { // time for four
				heard = append(heard, i)
			}
		}
		if diff := cmp.Diff([]int{4, 5, 6, 7, 9}, heard); diff != "" {
			t.Errorf("scrapes that heard client 1 (-want +got):\n%s", diff)
		}
	})
}
