package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// doubt puts the key in doubt, as refusals of these clients do.
func doubt(f *Fetcher, clients ...igsend.ClientID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range clients {
		f.session.key.refusals = append(f.session.key.refusals, refusal{client: f.clients[id]})
	}
}

// A key in doubt is tested with a client that answers, though a slow one was accepted as
// well and is first in turn.
func TestASlowClientTestsNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		for _, id := range ids(2, 9) {
			api.set(id, reply{after: 10 * time.Millisecond, balances: gbp("1")})
		}
		f := newTestFetcher(api, ids(1, 9), slots(2))
		scrapeAll(t, f, 4*time.Second)
		api.set(1, timesOut(0))
		scrapeAll(t, f, 4*time.Second)
		api.set(1, never)
		doubt(f, 2, 3)
		want := allWith("", ids(1, 9))
		want[1] = igsend.ReasonTimeout
		if diff := cmp.Diff(want, scrapeAll(t, f, 4*time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// When there are only slow clients, one of them tests the key, and not as many as there are
// slots.
func TestOneSlowClientTestsTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		for _, id := range ids(1, 9) {
			api.set(id, timesOut(time.Millisecond))
		}
		f := newTestFetcher(api, ids(1, 9), nil)
		scrapeAll(t, f, 4*time.Second)
		api.asked()
		denyAll(api, ids(1, 9))
		doubt(f, 8, 9)
		if diff := cmp.Diff(allWith("unauthorized", ids(1, 9)), scrapeAll(t, f, 4*time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(1, len(api.asked())); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// The client that tests a key stops answering, and scrapes that overlap share its request.
// Only the first of them waits for it in vain.
func TestAnUnansweredTestHoldsUpOneScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		for _, id := range ids(1, 9) {
			api.set(id, reply{after: time.Duration(id) * 10 * time.Millisecond, balances: gbp("1")})
		}
		f := newTestFetcher(api, ids(1, 9), nil)
		scrapeAll(t, f, 4*time.Second)
		api.set(9, never) // accepted latest: it will test the key
		doubt(f, 2, 3)
		first := background(t, f, 4*time.Second)
		time.Sleep(3 * time.Second)
		want := allWith("", ids(1, 9))
		want[9] = igsend.ReasonTimeout
		if diff := cmp.Diff(want, scrapeAll(t, f, 4*time.Second)); diff != "" {
			t.Errorf("second scrape (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(allWith("timeout", ids(1, 9)), reasons(<-first)); diff != "" {
			t.Errorf("first scrape (-want +got):\n%s", diff)
		}
	})
}
