package collector

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// scrapeWithin makes a scrape as the handler does, which has this time.
func scrapeWithin(t *testing.T, f *Fetcher, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	scrapeMetrics(ctx, f)
}

func TestAdvice(t *testing.T) {
	const scrape = 9500 * time.Millisecond
	for name, test := range map[string]struct {
		clients igsend.ClientID
		latency time.Duration
		change  func(*config.API)
		answers map[igsend.ClientID]reply
		want    string
	}{
		"time enough": {clients: 36, latency: time.Second},
		// 9 rounds of a second, and 4 requests that the deadline cut short.
		"too many clients": {
			clients: 100, latency: time.Second,
			want: "60 of 100 clients were not asked within the 9.5s of the scrape: with answers that take 1s, api.concurrency would have to be 12, not 4.",
		},
		"more than is allowed": {
			clients: 2500, latency: 4 * time.Second,
			want: "2488 of 2500 clients were not asked within the 9.5s of the scrape: with answers that take 4s, api.concurrency would have to be 1250, not 4." +
				" The maximum is 1000: give scrapes more time, or share the clients among shards.",
		},
		"answers that speak of the client": {
			clients: 60,
			answers: repliesOf(1, 60, reply{after: time.Second, err: &igsend.Error{Reason: igsend.ReasonRejected, HTTPStatus: 200, MessageID: 10009}}),
			want:    "20 of 60 clients were not asked within the 9.5s of the scrape: with answers that take 1s, api.concurrency would have to be 7, not 4.",
		},
		"a client that never answers, among many slots": {
			clients: 1000, latency: time.Second, change: func(a *config.API) { a.Concurrency = 50 },
			answers: repliesOf(1, 1, never),
			want:    "509 of 1000 clients were not asked within the 9.5s of the scrape: with answers that take 1s, api.concurrency would have to be 112, not 50.",
		},
		"the last client is in flight":   {clients: 40, latency: time.Second},
		"answers slower than the scrape": {clients: 100, latency: 10 * time.Second},
		"clients that never answer":      {clients: 100, latency: time.Second, answers: repliesOf(1, 2, never)},
		"nobody answers":                 {clients: 100, latency: time.Second, answers: repliesOf(1, 100, never)},
		"requests that time out":         {clients: 100, latency: time.Second, answers: repliesOf(1, 8, timesOut(5*time.Second))},
		"an API that fails":              {clients: 100, answers: repliesOf(1, 100, reply{after: time.Second, err: &igsend.Error{Reason: igsend.ReasonHTTP, HTTPStatus: 500}})},
		"an API that fails at once":      {clients: 100, latency: time.Second, answers: repliesOf(1, 30, fails(igsend.ReasonHTTP, 503))},
		"the rate is short":              {clients: 100, latency: time.Second, change: func(a *config.API) { a.RequestsPerSecond = 3 }},
		"the rate would be short":        {clients: 100, latency: time.Second, change: func(a *config.API) { a.RequestsPerSecond = 8 }},
		"refused keys":                   {clients: 100, answers: repliesOf(1, 100, reply{after: time.Second, err: &igsend.Error{Reason: igsend.ReasonUnauthorized, HTTPStatus: 401}})},
		"a 429":                          {clients: 100, latency: time.Second, answers: repliesOf(9, 9, fails(igsend.ReasonRateLimited, 429))},
		"the rate is enough for as many": {
			clients: 100, latency: time.Second, change: func(a *config.API) { a.RequestsPerSecond = 20 },
			want: "60 of 100 clients were not asked within the 9.5s of the scrape: with answers that take 1s, api.concurrency would have to be 12, not 4.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: test.latency}
				for id, answer := range test.answers {
					api.set(id, answer)
				}
				f := newTestFetcher(api, ids(1, test.clients), test.change)
				scrapeWithin(t, f, scrape)
				if diff := cmp.Diff(test.want, f.Status().Advice); diff != "" {
					t.Errorf("advice (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func repliesOf(first, last igsend.ClientID, r reply) map[igsend.ClientID]reply {
	all := map[igsend.ClientID]reply{}
	for _, id := range ids(first, last) {
		all[id] = r
	}
	return all
}

// Who follows the advice reaches every client, and one slot less would not do.
func TestAdviceIsEnough(t *testing.T) {
	for _, test := range []struct {
		clients igsend.ClientID
		latency time.Duration
	}{{100, time.Second}, {100, 900 * time.Millisecond}, {99, 2100 * time.Millisecond}, {400, 200 * time.Millisecond}, {1000, 70 * time.Millisecond}, {17, 3 * time.Second}} {
		t.Run(fmt.Sprint(test.clients, " ", test.latency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{latency: test.latency}
				f := newTestFetcher(api, ids(1, test.clients), nil)
				scrapeWithin(t, f, 9500*time.Millisecond)
				advice := f.Status().Advice
				found := regexp.MustCompile(`would have to be (\d+)`).FindStringSubmatch(advice)
				if found == nil {
					t.Fatalf("no advice: %q", advice)
				}
				needed, _ := strconv.Atoi(found[1])
				failed := func(concurrency int) int {
					f.Apply(settings(api, ids(1, test.clients), func(a *config.API) { a.Concurrency = concurrency }))
					if got := f.Status().Advice; got != "" {
						t.Errorf("after a reload, the advice is still %q", got)
					}
					n := 0
					for _, reason := range scrapeAll(t, f, 9500*time.Millisecond) {
						if reason != "" {
							n++
						}
					}
					return n
				}
				if enough, less := failed(needed), failed(needed-1); enough != 0 || less == 0 {
					t.Errorf("with %d, %d clients failed, want none; with one less, %d, want some", needed, enough, less)
				}
			})
		})
	}
}

// Scrapes that overlap share all requests that the later one waits for.
func TestAdviceBesideAnotherScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 50), nil)
		background(t, f, time.Minute)
		time.Sleep(4700 * time.Millisecond)
		scrapeWithin(t, f, 9500*time.Millisecond)
		want := "6 of 50 clients were not asked within the 9.5s of the scrape: with answers that take 1s, api.concurrency would have to be 6, not 4."
		if diff := cmp.Diff(want, f.Status().Advice); diff != "" {
			t.Errorf("advice (-want +got):\n%s", diff)
		}
		f.Apply(settings(api, ids(1, 50), func(a *config.API) { a.Concurrency = 6 }))
		background(t, f, time.Minute)
		time.Sleep(5 * time.Second)
		if diff := cmp.Diff(allWith("", ids(1, 50)), scrapeAll(t, f, 9500*time.Millisecond)); diff != "" {
			t.Errorf("scrape with 6 (-want +got):\n%s", diff)
		}
	})
}

// An exporter that stops, or a scraper that hangs up, gives a scrape no whole time.
func TestNoAdviceBeforeTheDeadline(t *testing.T) {
	for _, cause := range []error{context.DeadlineExceeded, context.Canceled} {
		t.Run(cause.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newTestFetcher(&fakeAPI{latency: time.Second}, ids(1, 50), nil)
				ctx, stop := context.WithCancelCause(t.Context())
				ctx, cancel := context.WithTimeout(ctx, 9500*time.Millisecond)
				defer cancel()
				time.AfterFunc(3*time.Second, func() { stop(cause) })
				scrapeMetrics(ctx, f)
				if got := f.Status().Advice; got != "" {
					t.Errorf("advice %q, want none", got)
				}
			})
		})
	}
}

// A probe of one client says nothing of the time for all.
func TestProbesGiveNoAdvice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTestFetcher(&fakeAPI{latency: time.Second}, ids(1, 100), nil)
		scrapeWithin(t, f, 9500*time.Millisecond)
		want := f.Status().Advice
		handler := newTestProbeHandler(f, 0)
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?client_id=1", nil))
		if diff := cmp.Diff(want, f.Status().Advice); diff != "" || want == "" {
			t.Errorf("advice after a probe (-want +got):\n%s", diff)
		}
	})
}

// The new settings may be better than the advice for the old ones.
func TestNoAdviceForSettingsThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 100), nil)
		time.AfterFunc(3*time.Second, func() {
			f.Apply(settings(api, ids(1, 100), func(a *config.API) { a.Concurrency = 50 }))
		})
		scrapeWithin(t, f, 9500*time.Millisecond)
		if got := f.Status().Advice; got != "" {
			t.Errorf("advice %q, want none", got)
		}
	})
}

// After an outage, all clients are slow ones, which leave a slot free.
func TestNoAdviceWhenSlotsWereFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 100), nil)
		for _, id := range ids(1, 100) {
			api.set(id, timesOut(0))
		}
		scrapeWithin(t, f, time.Hour)
		api.answers = nil
		scrapeWithin(t, f, 9500*time.Millisecond)
		if got := f.Status().Advice; got != "" {
			t.Errorf("advice %q, want none", got)
		}
	})
}

// What min_refresh_interval serves need not be asked for.
func TestAdviceCountsWhoMustBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTestFetcher(&fakeAPI{latency: time.Second}, ids(1, 100), func(a *config.API) { a.MinRefreshInterval = time.Minute })
		scrapeWithin(t, f, 9500*time.Millisecond) // 36 of them
		scrapeWithin(t, f, 9500*time.Millisecond)
		want := "24 of 100 clients were not asked within the 9.5s of the scrape: with answers that take 1s, api.concurrency would have to be 8, not 4."
		if diff := cmp.Diff(want, f.Status().Advice); diff != "" {
			t.Errorf("advice (-want +got):\n%s", diff)
		}
	})
}

func TestAdviceIsLoggedOnceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := NewFetcher(settings(&fakeAPI{latency: time.Second}, ids(1, 100), nil), slog.New(slog.NewTextHandler(&log, nil)))
		var at []time.Duration
		for begun := time.Now(); time.Since(begun) < 50*time.Hour; time.Sleep(time.Hour) {
			log.Reset()
			scrapeWithin(t, f, 9500*time.Millisecond)
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, `level=WARN msg="A scrape was too short for all clients" advice="`+f.Status().Advice+`"`) {
					at = append(at, time.Since(begun).Truncate(time.Hour))
				}
			}
		}
		if diff := cmp.Diff([]time.Duration{0, 24 * time.Hour, 48 * time.Hour}, at); diff != "" {
			t.Errorf("logged after (-want +got):\n%s", diff)
		}
	})
}
