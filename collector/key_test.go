package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// denyAll makes every client answer 401, as a key does that was withdrawn.
func denyAll(api *fakeAPI, clients []igsend.ClientID) {
	for _, id := range clients {
		api.set(id, denied)
	}
}

func acceptAll(api *fakeAPI, clients []igsend.ClientID) {
	for _, id := range clients {
		api.set(id, reply{balances: gbp("100")})
	}
}

func TestOneClients401CostsNobodyElseItsBalance(t *testing.T) {
	for name, test := range map[string]struct {
		slots  int
		denied []igsend.ClientID
		never  []igsend.ClientID
	}{
		"first in turn":                     {1, []igsend.ClientID{1}, nil},
		"in the middle":                     {1, []igsend.ClientID{5}, nil},
		"last in turn":                      {1, []igsend.ClientID{10}, nil},
		"among others in flight":            {4, []igsend.ClientID{2}, nil},
		"two at a time, with others":        {4, []igsend.ClientID{2, 3}, nil},
		"two, one after the other":          {4, []igsend.ClientID{2, 7}, nil},
		"while others never answer":         {4, []igsend.ClientID{1}, []igsend.ClientID{2, 3}},
		"while the next two never answer":   {2, []igsend.ClientID{1}, []igsend.ClientID{2, 3}},
		"while all but one slot is blocked": {3, []igsend.ClientID{3}, []igsend.ClientID{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: 20 * time.Millisecond}
				want := allWith("", ids(1, 10))
				denyAll(api, test.denied)
				for _, id := range test.denied {
					want[id] = "unauthorized"
				}
				for _, id := range test.never {
					api.set(id, timesOut(5*time.Second))
					want[id] = "timeout"
				}
				f := newTestFetcher(api, ids(1, 10), func(c *config.API) { c.Concurrency = test.slots })
				for i := range 5 {
					if diff := cmp.Diff(want, scrapeAll(t, f, 9500*time.Millisecond)); diff != "" {
						t.Errorf("scrape %d (-want +got):\n%s", i, diff)
					}
					if got := len(api.asked()); got != 10 {
						t.Errorf("scrape %d: %d requests, want 10", i, got)
					}
				}
			})
		})
	}
}

func TestARefusedKeyIsTestedOnceAScrape(t *testing.T) {
	for name, test := range map[string]struct {
		slots int
		first int // requests of the first scrape
	}{
		"a third client is asked to find out": {1, 3},
		"a third client was in flight":        {4, 4},
		"many clients were in flight":         {8, 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: 20 * time.Millisecond}
				denyAll(api, ids(1, 10))
				f := newTestFetcher(api, ids(1, 10), func(c *config.API) { c.Concurrency = test.slots })
				for i := range 4 {
					if diff := cmp.Diff(allWith("unauthorized", ids(1, 10)), scrapeAll(t, f, time.Second)); diff != "" {
						t.Errorf("scrape %d (-want +got):\n%s", i, diff)
					}
					want := 1
					if i == 0 {
						want = test.first
					}
					if got := api.asked(); len(got) != want {
						t.Errorf("scrape %d asked %v, want %d", i, got, want)
					}
				}
				for id, counts := range errorCounts(f) {
					if diff := cmp.Diff(map[igsend.Reason]float64{"unauthorized": 4}, counts); diff != "" {
						t.Errorf("errors of client %s (-want +got):\n%s", id, diff)
					}
				}
				acceptAll(api, ids(1, 10))
				if diff := cmp.Diff(allWith("", ids(1, 10)), scrapeAll(t, f, time.Second)); diff != "" {
					t.Errorf("once it is accepted again (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTheTestGoesToTheClientFirstInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		denyAll(api, ids(1, 4))
		f := newTestFetcher(api, ids(1, 4), oneAtATime)
		var asked [][]igsend.ClientID
		for range 5 {
			scrapeAll(t, f, time.Second)
			asked = append(asked, api.asked())
		}
		want := [][]igsend.ClientID{{1, 2, 3}, {4}, {1}, {2}, {3}}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

func TestWhatDecidesAboutARefusedKey(t *testing.T) {
	for name, test := range map[string]struct {
		answer  reply
		accepts bool
	}{
		"balances":     {reply{balances: gbp("1")}, true},
		"rejected":     {fails(igsend.ReasonRejected, 200), true},
		"malformed":    {fails(igsend.ReasonMalformed, 200), true},
		"403":          {forbidden, true},
		"401":          {denied, false},
		"500":          {fails(igsend.ReasonHTTP, 500), false},
		"503":          {unavailable, false}, // and is not tried again
		"network":      {reply{err: &igsend.Error{Reason: igsend.ReasonNetwork, Transient: true}}, false},
		"tls":          {fails(igsend.ReasonTLS, 0), false},
		"timeout":      {timesOut(100 * time.Millisecond), false},
		"never":        {never, false},
		"rate limited": {reply{err: &igsend.Error{Reason: igsend.ReasonRateLimited, HTTPStatus: 429}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{}
				denyAll(api, ids(1, 4))
				f := newTestFetcher(api, ids(1, 4), oneAtATime)
				scrapeAll(t, f, time.Second) // asks 1, 2 and 3
				acceptAll(api, ids(1, 4))
				api.set(4, test.answer)
				api.asked()
				got := scrapeAll(t, f, time.Second)
				if accepted := got[1] == ""; accepted != test.accepts {
					t.Errorf("accepted %t, want %t: %v", accepted, test.accepts, got)
				}
				want := []igsend.ClientID{4}
				if test.accepts {
					want = ids(1, 4)
				}
				if diff := cmp.Diff(want, api.asked()); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAKeyWithdrawnInTheMiddleOfAScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 20 * time.Millisecond}
		denyAll(api, ids(11, 100)) // withdrawn after ten answers
		f := newTestFetcher(api, ids(1, 100), nil)
		scrapeAll(t, f, 5*time.Second)
		if got, most := len(api.asked()), 10+2*f.slots(); got > most {
			t.Errorf("%d requests, want %d at most: the ten answered, what was in flight, and what was asked to find out", got, most)
		}
		if !f.session.key.refused() {
			t.Error("the key is not refused")
		}
	})
}

func TestASingleClientsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.set(1, denied)
		f := newTestFetcher(api, ids(1, 1), nil)
		for range 3 {
			if got := scrapeAll(t, f, time.Second)[1]; got != "unauthorized" {
				t.Errorf("got %q, want unauthorized", got)
			}
			if diff := cmp.Diff(ids(1, 1), api.asked()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		}
		api.set(1, reply{balances: gbp("1")})
		if got := scrapeAll(t, f, time.Second)[1]; got != "" {
			t.Errorf("got %q, want an answer", got)
		}
	})
}

func TestA403ConcernsItsClientAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		for _, id := range ids(1, 9) {
			api.set(id, forbidden)
		}
		f := newTestFetcher(api, ids(1, 10), oneAtATime)
		want := allWith("unauthorized", ids(1, 9))
		want[10] = ""
		if diff := cmp.Diff(want, scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

func TestAChangedKeyIsUsedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		source := keyFiles(t, "old")
		denyAll(api, ids(1, 5))
		f := newTestFetcher(api, ids(1, 5), func(c *config.API) { c.Keys = source })
		scrapeAll(t, f, time.Second)
		acceptAll(api, ids(1, 5))
		writeFile(t, source.PrivateFile, " new \n")
		api.asked()
		if diff := cmp.Diff(allWith("", ids(1, 5)), scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		for _, call := range api.calls {
			if want := (igsend.Keys{Public: "public", Private: "new"}); call.keys != want {
				t.Errorf("client %s was asked with another key than the new one", call.id)
			}
		}
	})
}

func TestAKeyFileThatCantBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		source := keyFiles(t, "key")
		f := newTestFetcher(api, ids(1, 3), func(c *config.API) { c.Keys = source })
		scrapeAll(t, f, time.Second)
		writeFile(t, source.PrivateFile, "\n")
		api.asked()
		if diff := cmp.Diff(allWith("credentials", ids(1, 3)), scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
		if got := api.asked(); len(got) != 0 {
			t.Errorf("asked %v without a key", got)
		}
		writeFile(t, source.PrivateFile, "key")
		if diff := cmp.Diff(allWith("", ids(1, 3)), scrapeAll(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// That a refused key could not be read for a while is no reason to trust it again.
func TestARefusedKeyStaysRefusedOverAReadErrorAndAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		source := keyFiles(t, "key")
		withFiles := func(c *config.API) { c.Keys = source }
		denyAll(api, ids(1, 10))
		f := newTestFetcher(api, ids(1, 10), withFiles)
		scrapeAll(t, f, time.Second)
		writeFile(t, source.PrivateFile, "")
		scrapeAll(t, f, time.Second)
		writeFile(t, source.PrivateFile, "key")
		f.Apply(settings(api, ids(1, 10), withFiles))
		api.asked()
		scrapeAll(t, f, time.Second)
		if got := api.asked(); len(got) != 1 {
			t.Errorf("asked %v, want one", got)
		}
	})
}

// An acceptance of a request that was made before the latest refusal leaves a doubt: the
// key may have been withdrawn in between. One other client is asked, not a batch.
func TestOldAnswersLeaveADoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Millisecond}
		denyAll(api, ids(1, 100))
		for _, id := range ids(3, 8) { // accepted before the key was withdrawn
			api.set(id, reply{after: time.Duration(id) * 100 * time.Millisecond, balances: gbp("1")})
		}
		f := newTestFetcher(api, ids(1, 100), func(c *config.API) { c.Concurrency = 8 })
		scrapeAll(t, f, 5*time.Second)
		if diff := cmp.Diff(ids(1, 8+1), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

// Clients that are refused on their own, scrape after scrape, end no other scrape.
func TestKnownRefusalsCostAnOverlappingScrapeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		denyAll(api, ids(1, 3))
		f := newTestFetcher(api, ids(1, 9), func(c *config.API) { c.Concurrency = 3 })
		scrapeAll(t, f, time.Minute)
		scrapeAll(t, f, time.Minute)
		background(t, f, time.Minute) // asks 4 to 9, then 1 to 3
		time.Sleep(2500 * time.Millisecond)
		want := allWith("", ids(1, 9))
		want[1], want[2], want[3] = igsend.ReasonUnauthorized, igsend.ReasonUnauthorized, igsend.ReasonUnauthorized
		if diff := cmp.Diff(want, scrapeAll(t, f, time.Minute)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// A doubt does not wait for clients that never answer.
func TestADoubtDoesNotWaitForSlowClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 10 * time.Millisecond}
		api.setFunc(1, func(n int) reply {
			if n == 1 {
				return timesOut(0) // the oldest outcome
			}
			return never
		})
		f := newTestFetcher(api, ids(1, 9), nil)
		scrapeAll(t, f, 4*time.Second)
		denyAll(api, ids(2, 3))
		want := allWith("", ids(1, 9))
		want[1], want[2], want[3] = igsend.ReasonTimeout, igsend.ReasonUnauthorized, igsend.ReasonUnauthorized
		if diff := cmp.Diff(want, scrapeAll(t, f, 4*time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// A refusal in the body is one like a 401: HTTP status 200, and a message.
func TestARefusalInTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Millisecond}
		for _, id := range ids(1, 20) {
			api.set(id, fails(igsend.ReasonUnauthorized, 200))
		}
		f := newTestFetcher(api, ids(1, 20), nil)
		for i, most := range []int{4, 1, 1} {
			if diff := cmp.Diff(allWith("unauthorized", ids(1, 20)), scrapeAll(t, f, time.Second)); diff != "" {
				t.Errorf("scrape %d (-want +got):\n%s", i, diff)
			}
			if got := len(api.asked()); got != most {
				t.Errorf("scrape %d: %d requests, want %d", i, got, most)
			}
		}
	})
}
