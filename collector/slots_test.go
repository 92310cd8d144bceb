package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func TestConcurrencyBoundsRequestsOverAllScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 10), func(c *config.API) { c.Concurrency = 3 })
		old := background(t, f, 10*time.Second)
		f.Apply(settings(api, ids(1, 10), func(c *config.API) { c.Concurrency = 3 }))
		background(t, f, 20*time.Second) // with the new settings
		<-old
		scrapeAll(t, f, 20*time.Second)
		if api.maxInFlight != 3 {
			t.Errorf("most in flight: %d, want 3", api.maxInFlight)
		}
	})
}

func TestAllSlotsAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 50 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 1000), func(c *config.API) { c.Concurrency = 50 })
		begin := time.Now()
		scrapeAll(t, f, 10*time.Second)
		if took, ideal := time.Since(begin), 20*50*time.Millisecond; took != ideal {
			t.Errorf("1,000 clients took %s, want %s", took, ideal)
		}
	})
}

func TestWaitingHonoursTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, never)
		f := newTestFetcher(api, ids(1, 3), func(c *config.API) { c.Concurrency = 1 })
		begin := time.Now()
		got := scrapeAll(t, f, 2*time.Second)
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("took %s, want 2s", took)
		}
		if diff := cmp.Diff(allWith("timeout", ids(1, 3)), got); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

func TestRequestsPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		f := newTestFetcher(&fakeAPI{}, ids(1, 5), nil)
		f.Apply(settings(api, ids(1, 5), func(c *config.API) { c.RequestsPerSecond = 4 }))
		begin := time.Now()
		if diff := cmp.Diff(allWith("", ids(1, 5)), scrapeAll(t, f, 10*time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		var at []time.Duration
		for _, call := range api.calls {
			at = append(at, call.at.Sub(begin).Round(time.Millisecond))
		}
		want := []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond, time.Second}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("asked at (-want +got):\n%s", diff)
		}
	})
}

func TestAPanicCostsOneClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.setFunc(2, func(int) reply { panic("hostile") })
		f := newTestFetcher(api, ids(1, 3), nil)
		want := map[igsend.ClientID]igsend.Reason{1: "", 2: "malformed", 3: ""}
		if diff := cmp.Diff(want, scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
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
		if diff := cmp.Diff(map[igsend.ClientID]igsend.Reason{1: "", 2: "timeout"}, scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// A reload to a higher rate shortens a wait that is under way.
func TestAReloadShortensTheWaitForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		f := newTestFetcher(api, ids(1, 3), func(c *config.API) { c.RequestsPerSecond = 0.01 })
		begin := time.Now()
		answers := background(t, f, time.Minute)
		time.Sleep(time.Second)
		f.Apply(settings(api, ids(1, 3), func(c *config.API) { c.RequestsPerSecond = 1 }))
		if diff := cmp.Diff(allWith("", ids(1, 3)), reasons(<-answers)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if took := time.Since(begin); took > 4*time.Second {
			t.Errorf("took %s, want 4s at most: a second, and two requests at one a second", took)
		}
	})
}

// A reload is not worth a request beyond the rate.
func TestReloadsKeepTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Millisecond}
		oneASecond := func(c *config.API) { c.RequestsPerSecond = 1 }
		f := newTestFetcher(api, ids(1, 50), oneASecond)
		answers := background(t, f, 2500*time.Millisecond)
		for range 20 {
			time.Sleep(10 * time.Millisecond)
			f.Apply(settings(api, ids(1, 50), oneASecond))
		}
		<-answers
		if got := len(api.asked()); got != 3 {
			t.Errorf("%d requests in 2.5 s, want 3", got)
		}
	})
}
