package collector

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// The steps name what happened before the probe's own request, and instead of it.
func TestSteps(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*config.API)
		before func(t *testing.T, f *Fetcher, api *fakeAPI)
		want   string
	}{
		"an attempt that is repeated": {nil, func(_ *testing.T, _ *Fetcher, api *fakeAPI) {
			api.setFunc(1, func(n int) reply { return []reply{unavailable, {balances: gbp("1")}}[n-1] })
		}, `   0.000s  client 1, name "": 10.000s until the answer must go out
   0.000s  attempt 1: GET https://igsend.example/?ClientID=1
   0.250s  attempt 1 failed after 0.250s: client 1: http (HTTP status 503)
   0.250s  another attempt follows after PAUSE
   LATER   attempt 2: GET https://igsend.example/?ClientID=1
   LATER   attempt 2 answered after 0.250s
   LATER     GBP 1, reported as "1", IN_CREDIT
   LATER   a complete, valid answer
`},
		"a request that is shared": {nil, func(t *testing.T, f *Fetcher, _ *fakeAPI) {
			t.Helper()
			background(t, f, 5*time.Second)
			time.Sleep(100 * time.Millisecond)
		}, `   0.000s  client 1, name "": 10.000s until the answer must go out
   0.000s  waiting for a request that was made 0.100s ago, by another scrape
   0.150s  attempt 1 answered after 0.250s
   0.150s    GBP 100, reported as "100", IN_CREDIT
   0.150s  a complete, valid answer
`},
		"a slot that is taken": {oneAtATime, func(t *testing.T, f *Fetcher, _ *fakeAPI) {
			t.Helper()
			go probeOne(t, f, 2)
			synctest.Wait()
		}, `   0.000s  client 1, name "": 10.000s until the answer must go out
   0.000s  waiting for its turn: 1 of 1 requests are in flight
   0.250s  attempt 1: GET https://igsend.example/?ClientID=1
   0.500s  attempt 1 answered after 0.250s
   0.500s    GBP 100, reported as "100", IN_CREDIT
   0.500s  a complete, valid answer
`},
		"an answer that is served again": {func(c *config.API) { c.MinRefreshInterval = time.Minute }, func(t *testing.T, f *Fetcher, _ *fakeAPI) {
			t.Helper()
			scrapeAll(t, f, 5*time.Second)
			time.Sleep(12 * time.Second)
		}, `   0.000s  client 1, name "": 10.000s until the answer must go out
   0.000s  the answer of 12.000s ago is served again, because of min_refresh_interval
   0.000s  a complete, valid answer
`},
		"a key that is tested": {oneAtATime, func(t *testing.T, f *Fetcher, api *fakeAPI) {
			t.Helper()
			scrapeAll(t, f, 5*time.Second)
			denyAll(api, ids(1, 2))
			probeOne(t, f, 2)
			probeOne(t, f, 1)
		}, `   0.000s  client 1, name "": 10.000s until the answer must go out
   0.000s  the keys are in doubt: asking for client 4 to test them
   0.000s  attempt 1: GET https://igsend.example/?ClientID=4
   0.250s  attempt 1 answered after 0.250s
   0.250s    GBP 100, reported as "100", IN_CREDIT
   0.250s  the keys were tested
   0.250s  attempt 1: GET https://igsend.example/?ClientID=1
   0.500s  attempt 1 failed after 0.250s: client 1: unauthorized (HTTP status 401)
   0.500s  no complete, valid answer: client 1: unauthorized (HTTP status 401)
`},
		"a silence": {nil, func(t *testing.T, f *Fetcher, api *fakeAPI) {
			t.Helper()
			api.set(2, fails(igsend.ReasonRateLimited, 429))
			probeOne(t, f, 2)
		}, `   0.000s  client 1, name "": 10.000s until the answer must go out
   0.000s  no complete, valid answer: client 1: rate_limited: not asked: IGSend asked to wait
`},
		"IGSend's message": {nil, func(_ *testing.T, _ *Fetcher, api *fakeAPI) {
			api.set(1, reply{err: &igsend.Error{Reason: igsend.ReasonRejected, HTTPStatus: 200, MessageID: 10009, Message: "No \"such\"\naccount"}})
		}, `   0.000s  client 1, name "": 10.000s until the answer must go out
   0.000s  attempt 1: GET https://igsend.example/?ClientID=1
   0.250s  attempt 1 failed after 0.250s: client 1: rejected (HTTP status 200, MessageID 10009, Message "No \"such\"\naccount")
   0.250s  no complete, valid answer: client 1: rejected (HTTP status 200, MessageID 10009, Message "No \"such\"\naccount")
`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: 250 * time.Millisecond}
				f := newTestFetcher(api, ids(1, 4), test.change)
				test.before(t, f, api)
				_, body := getProbe(t, newTestProbeHandler(f, 0), "client_id=1&debug=true", "")
				_, got, _ := strings.Cut(body, "Steps of the probe of client 1:\n\n")
				got, _, _ = strings.Cut(got, "\nMetrics")
				if strings.Contains(got, "another attempt") {
					got = afterPause(got)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				time.Sleep(10 * time.Second) // for what was begun before
			})
		})
	}
}

// afterPause replaces the length of a random pause, and the times of what follows.
func afterPause(steps string) string {
	head, tail, _ := strings.Cut(steps, "another attempt follows after ")
	lines := strings.SplitAfter(tail, "\n")
	for i := range lines[1:] {
		if line := lines[i+1]; len(line) > 9 {
			lines[i+1] = "   LATER " + line[9:]
		}
	}
	lines[0] = "PAUSE\n"
	return head + "another attempt follows after " + strings.Join(lines, "")
}
