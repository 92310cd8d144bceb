package collector

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Probes that wait together learn together that the key is refused.
func TestProbesThatWaitTogetherMakeOneTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 20), slots(2))
		scrapeAll(t, f, 20*time.Second)
		api.asked()
		denyAll(api, ids(1, 20))
		var probes sync.WaitGroup
		for _, id := range ids(1, 20) {
			probes.Go(func() {
				if got := probeOne(t, f, id); got != igsend.ReasonUnauthorized {
					t.Errorf("client %s: %q, want unauthorized", id, got)
				}
			})
		}
		probes.Wait()
		if got := len(api.asked()); got != minRefusals {
			t.Errorf("%d requests, want %d", got, minRefusals)
		}
	})
}

// When a key is accepted that was withdrawn for so long that all clients were refused, none
// waits long for its turn.
func TestAllProbesComeBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 20 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 30), slots(3))
		aMinute(t, f, ids(1, 30))
		denyAll(api, ids(1, 30))
		for range 40 {
			aMinute(t, f, ids(1, 30)) // each is refused in a test
		}
		acceptAll(api, ids(1, 30))
		aMinute(t, f, ids(1, 30)) // a test is accepted
		if diff := cmp.Diff(allWith("", ids(1, 30)), aMinute(t, f, ids(1, 30))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A client whose last answer is served again would not be asked, and tests no key.
func TestAFreshClientTestsNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		f := newTestFetcher(api, ids(1, 5), func(c *config.API) { c.MinRefreshInterval = time.Hour })
		probeOne(t, f, 5)
		denyAll(api, ids(1, 4))
		for _, id := range ids(1, 3) {
			probeOne(t, f, id)
		}
		time.Sleep(probePause)
		acceptAll(api, ids(1, 4))
		if got := probeOne(t, f, 1); got != "" {
			t.Errorf("once the key is accepted: %s", got)
		}
	})
}

// However many clients are probed, IGSend refuses as many requests as in one scrape of all,
// and one a minute from then on. When the key is accepted again, all come back.
func TestProbesWithAWithdrawnKey(t *testing.T) {
	for name, test := range map[string]struct {
		clients igsend.ClientID
		slots   int
		latency time.Duration
		own     igsend.ClientID // refused on their own, before and after
		broken  igsend.ClientID // 500, likewise
		minute  int             // requests a minute while the key is refused
	}{
		"five, one slot":              {clients: 5, slots: 1},
		"a hundred, one slot":         {clients: 100, slots: 1},
		"a thousand":                  {clients: 1000, slots: 8, latency: 200 * time.Millisecond},
		"slow answers":                {clients: 500, slots: 50, latency: 2 * time.Second},
		"beside own refusals":         {clients: 500, slots: 8, latency: 200 * time.Millisecond, own: 20},
		"beside other failures":       {clients: 500, slots: 8, latency: 200 * time.Millisecond, broken: 20},
		"beside both, in small":       {clients: 8, slots: 2, latency: 200 * time.Millisecond, own: 2, broken: 2},
		"mostly refused on their own": {clients: 10, slots: 2, latency: 200 * time.Millisecond, own: 9, minute: minRefusals},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: test.latency}
				all := ids(1, test.clients)
				f := newTestFetcher(api, all, slots(test.slots))
				aMinute(t, f, all)
				well := allWith("", all)
				denyAll(api, ids(1, test.own))
				maps.Copy(well, allWith("unauthorized", ids(1, test.own)))
				for _, id := range ids(test.own+1, test.own+test.broken) {
					api.set(id, fails(igsend.ReasonHTTP, 500))
					well[id] = igsend.ReasonHTTP
				}
				for range 3 {
					aMinute(t, f, all)
				}
				if diff := cmp.Diff(well, aMinute(t, f, all)); diff != "" {
					t.Fatalf("before (-want +got):\n%s", diff)
				}
				api.asked()

				denyAll(api, ids(test.own+test.broken+1, test.clients))
				aMinute(t, f, all)
				// Those with failures of their own may be asked while the key is not in doubt yet.
				if got, most := len(api.asked()), max(test.slots, minRefusals)+1+int(test.own+test.broken); got > most {
					t.Errorf("in the first minute %d requests, want %d at most", got, most)
				}
				const minutes = 20
				for range minutes {
					if diff := cmp.Diff(allWith("unauthorized", all), aMinute(t, f, all)); diff != "" && test.broken == 0 {
						t.Fatalf("while the key is refused (-want +got):\n%s", diff)
					}
				}
				if got, most := len(api.asked()), minutes*max(test.minute, 1); got > most {
					t.Errorf("%d requests in %d minutes, want %d at most", got, minutes, most)
				}

				acceptAll(api, ids(test.own+test.broken+1, test.clients))
				rounds := 1
				for ; !maps.Equal(well, aMinute(t, f, all)); rounds++ {
					if rounds > 2+int(test.own+test.broken) {
						t.Fatal("once the key is accepted, not all come back")
					}
				}
				t.Logf("all are back in round %d", rounds)
			})
		})
	}
}

// Clients that are refused on their own cost no other its balance, though their probes come
// one after the other: known for long, or three that are new.
func TestOwnRefusalsOfProbes(t *testing.T) {
	for _, own := range []igsend.ClientID{1, 2, 3, 4, 10} {
		for _, n := range []int{1, 8} {
			t.Run(fmt.Sprintf("%d refused, %d slots", own, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					api := &fakeAPI{latency: 20 * time.Millisecond}
					f := newTestFetcher(api, ids(1, 100), slots(n))
					aMinute(t, f, ids(1, 100))
					denyAll(api, ids(41, 40+own))
					want := allWith("", ids(1, 100))
					maps.Copy(want, allWith("unauthorized", ids(41, 40+own)))
					for i := range 4 {
						api.asked()
						if diff := cmp.Diff(want, aMinute(t, f, ids(1, 100))); diff != "" {
							t.Errorf("round %d (-want +got):\n%s", i, diff)
						}
						if got := len(api.asked()); i > 0 && (got > 100 || own <= minRefusals && got != 100) {
							t.Errorf("round %d: %d requests, want 100", i, got)
						}
					}
				})
			})
		}
	}
}

// Of many clients that are refused on their own, probes ask for as many in a minute as one
// scrape of all may, and for each in its turn.
func TestManyOwnRefusalsOfProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 20 * time.Millisecond}
		f := newTestFetcher(api, ids(1, 200), slots(8))
		aMinute(t, f, ids(1, 200))
		denyAll(api, ids(1, 100))
		want := allWith("", ids(1, 200))
		maps.Copy(want, allWith("unauthorized", ids(1, 100)))
		for range 3 {
			aMinute(t, f, ids(1, 200))
		}
		api.asked()
		asked := map[igsend.ClientID]int{}
		const minutes = 13 * 4 // 100 clients, 8 a minute
		for range minutes {
			if diff := cmp.Diff(want, aMinute(t, f, ids(1, 200))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, id := range api.asked() {
				asked[id]++
			}
		}
		refused := 0
		for _, id := range ids(1, 100) {
			refused += asked[id]
			if asked[id] < 3 {
				t.Errorf("client %s was asked %d times in %d minutes, want 3 or 4", id, asked[id], minutes)
			}
		}
		if refused > 8*minutes {
			t.Errorf("%d requests were refused in %d minutes, want %d at most", refused, minutes, 8*minutes)
		}
		acceptAll(api, ids(1, 100))
		for range 15 {
			aMinute(t, f, ids(1, 200))
		}
		if diff := cmp.Diff(allWith("", ids(1, 200)), aMinute(t, f, ids(1, 200))); diff != "" {
			t.Errorf("once they are accepted (-want +got):\n%s", diff)
		}
	})
}

// Probes that come more often than once a minute don't have more of them refused in a minute.
func TestOwnRefusalsOfFrequentProbes(t *testing.T) {
	for _, own := range []igsend.ClientID{1, 2, 4, 8} {
		t.Run(fmt.Sprintf("%d refused", own), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: 20 * time.Millisecond}
				f := newTestFetcher(api, ids(1, own+2), slots(8))
				denyAll(api, ids(1, own))
				const minutes, every = 10, 5 * time.Second
				for range minutes * time.Minute / every {
					for _, id := range ids(1, own+2) {
						go probeOne(t, f, id)
					}
					time.Sleep(every)
				}
				refused := map[igsend.ClientID]int{}
				all := 0
				for _, id := range api.asked() {
					if id <= own {
						refused[id]++
						all++
					}
				}
				// A probe that is due may come a tenth of a minute early, and some test the key.
				if most := 9*minutes + 8; all > most {
					t.Errorf("%d requests were refused in %d minutes, want %d at most: %v", all, minutes, most, refused)
				}
				for _, id := range ids(1, own) {
					if refused[id] < minutes {
						t.Errorf("client %s was asked %d times in %d minutes, want once a minute at least", id, refused[id], minutes)
					}
				}
			})
		})
	}
}

// A test of the key is no failure of the client that it goes to, unless that client fails.
func TestATestOfTheKeyCountsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 4), oneAtATime)
		scrapeAll(t, f, probeTimeout)
		denyAll(api, ids(1, 3))
		probeOne(t, f, 1)
		probeOne(t, f, 2)
		api.asked()
		api.set(4, never)
		ctx, hangUp := context.WithTimeout(t.Context(), 2*time.Second)
		defer hangUp()
		s, _ := f.probe(ctx, 3, nil)
		if diff := cmp.Diff(map[igsend.ClientID]igsend.Reason{3: "timeout"}, reasons(s.all())); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(ids(4, 4), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		want := map[igsend.ClientID]map[igsend.Reason]float64{1: {"unauthorized": 1}, 2: {"unauthorized": 1}, 3: {"timeout": 1}}
		if diff := cmp.Diff(want, errorCounts(f)); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		if api.inFlight != 0 || f.inFlight != 0 {
			t.Errorf("in flight after the probe has gone: %d requests, %d slots", api.inFlight, f.inFlight)
		}
	})
}
