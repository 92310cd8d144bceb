package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// TestGuard tells a guard of answers, one after the other, and looks at all that it
// has made of them.
func TestGuard(t *testing.T) {
	type step struct {
		id    igsend.ClientID
		reply reply
		stale bool // asked before all other steps
	}
	type knowledge struct {
		State            trust
		Suspects, Loners map[igsend.ClientID]bool
	}
	set := func(ids ...igsend.ClientID) map[igsend.ClientID]bool {
		all := map[igsend.ClientID]bool{}
		for _, id := range ids {
			all[id] = true
		}
		return all
	}
	well := reply{}
	for name, test := range map[string]struct {
		steps []step
		want  knowledge
	}{
		"one 401 is a doubt":                         {[]step{{1, denied, false}}, knowledge{doubted, set(1), set()}},
		"so is another of the same client":           {[]step{{1, denied, false}, {1, denied, false}}, knowledge{doubted, set(1), set()}},
		"a second client's is a refusal":             {[]step{{1, denied, false}, {2, denied, false}}, knowledge{refused, set(1, 2), set()}},
		"another client's answer clears it":          {[]step{{1, denied, false}, {2, well, false}}, knowledge{trusted, set(), set(1)}},
		"a 403 does, too":                            {[]step{{1, denied, false}, {2, forbidden, false}}, knowledge{trusted, set(), set(1)}},
		"the suspect's own answer clears all":        {[]step{{1, denied, false}, {1, well, false}}, knowledge{trusted, set(), set()}},
		"a loner's 401 is its own":                   {[]step{{1, denied, false}, {2, well, false}, {1, denied, false}}, knowledge{trusted, set(), set(1)}},
		"until it has answered":                      {[]step{{1, denied, false}, {2, well, false}, {1, well, false}, {1, denied, false}}, knowledge{doubted, set(1), set()}},
		"and as a witness it counts":                 {[]step{{1, denied, false}, {2, well, false}, {2, denied, false}, {1, denied, false}}, knowledge{refused, set(1, 2), set(1)}},
		"what was cleared is no suspect later":       {[]step{{1, denied, false}, {2, well, false}, {3, denied, false}}, knowledge{doubted, set(3), set(1)}},
		"an answer to an old request leaves a doubt": {[]step{{1, denied, false}, {2, denied, false}, {3, well, true}}, knowledge{doubted, set(1, 2), set()}},
		"two of them do":                             {[]step{{1, denied, false}, {2, denied, false}, {3, well, true}, {4, well, true}}, knowledge{doubted, set(1, 2), set()}},
		"what says nothing of the key":               {[]step{{1, denied, false}, {2, unavailable, false}, {3, timesOut(0), false}}, knowledge{doubted, set(1), set()}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard()
			for _, step := range test.steps {
				fl := &flight{target: &target{account: newAccount(step.id)}}
				if !step.stale {
					g.tookOff(fl)
				}
				g.landed(fl, step.reply.err, time.Now())
			}
			if diff := cmp.Diff(test.want, knowledge{g.state, g.suspects, g.loners}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Who is asked to find out: one that answered the last time, and no suspect.
func TestWitness(t *testing.T) {
	failing := fails(igsend.ReasonHTTP, 500)
	for name, test := range map[string]struct {
		first, second map[igsend.ClientID]reply
		want          []igsend.ClientID // asked in the second scrape
	}{
		"one that answered the last time": {
			map[igsend.ClientID]reply{2: failing}, map[igsend.ClientID]reply{1: denied, 2: failing}, []igsend.ClientID{1, 3, 2},
		},
		"no suspect": {
			map[igsend.ClientID]reply{1: denied, 2: failing, 3: failing}, map[igsend.ClientID]reply{1: denied}, []igsend.ClientID{2, 1, 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: time.Millisecond} // one after the other
				f := newTestFetcher(api, ids(1, 3), oneAtATime)
				for _, replies := range []map[igsend.ClientID]reply{test.first, test.second} {
					acceptAll(api, ids(1, 3))
					for id, r := range replies {
						api.set(id, r)
					}
					api.asked()
					scrape(t, f, time.Second)
				}
				if diff := cmp.Diff(test.want, api.asked()); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The last one who can be asked may be due for another attempt.
func TestAWitnessIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		late := denied
		late.after = 10 * time.Millisecond
		api.set(1, late)
		api.setFunc(2, failsAtFirst(1, unavailable))
		f := newTestFetcher(api, ids(1, 2), nil)
		if diff := cmp.Diff(map[igsend.ClientID]igsend.Reason{1: "unauthorized", 2: ""}, scrape(t, f, time.Second)); diff != "" {
			t.Errorf("scrape (-want +got):\n%s", diff)
		}
	})
}

// What was known of a key says nothing of another, nor of another API.
func TestANewKeyAndANewSourceAreTrusted(t *testing.T) {
	for name, change := range map[string]func(*Fetcher, *fakeAPI, igsend.KeySource){
		"key": func(_ *Fetcher, _ *fakeAPI, keys igsend.KeySource) { writeFile(t, keys.PrivateFile, "new") },
		"source": func(f *Fetcher, api *fakeAPI, keys igsend.KeySource) {
			f.Apply(settings(api, ids(1, 4), func(c *config.API) { c.Keys, c.Concurrency, c.Endpoint = keys, 1, "https://sandbox.example/" }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, keys := &fakeAPI{}, keyFiles(t, "old")
				denyAll(api, ids(1, 4))
				f := newTestFetcher(api, ids(1, 4), func(c *config.API) { c.Keys, c.Concurrency = keys, 1 })
				scrape(t, f, time.Second)
				acceptAll(api, ids(1, 4))
				api.set(3, fails(igsend.ReasonHTTP, 500)) // would be the test of a refused key
				change(f, api, keys)
				if diff := cmp.Diff(map[igsend.ClientID]igsend.Reason{1: "", 2: "", 3: "http", 4: ""}, scrape(t, f, time.Second)); diff != "" {
					t.Errorf("scrape (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The test of a refused key that is in flight when a sweep begins is that sweep's, too.
func TestSweepsShareTheTestOfARefusedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		denyAll(api, ids(1, 9))
		f := newTestFetcher(api, ids(1, 9), nil)
		scrape(t, f, 9*time.Second)
		api.asked()
		background(t, f, 100*time.Millisecond)
		long := background(t, f, 9*time.Second)
		time.Sleep(200 * time.Millisecond)
		late := scrape(t, f, 9*time.Second) // founds a sweep of its own
		for name, got := range map[string]map[igsend.ClientID]igsend.Reason{"long": reasons(<-long), "late": late} {
			if diff := cmp.Diff(allWith("unauthorized", ids(1, 9)), got); diff != "" {
				t.Errorf("%s scrape (-want +got):\n%s", name, diff)
			}
		}
		if diff := cmp.Diff(ids(5, 5), api.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
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
