package collector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// scrapeMetrics makes a scrape as the handler does.
func scrapeMetrics(ctx context.Context, f *Fetcher) { f.show(f.fetch(ctx)) }

func checkStatus(t *testing.T, f *Fetcher, when string, want Status) {
	t.Helper()
	if diff := cmp.Diff(want, f.Status(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 2), nil)
		want := Status{Clients: []ClientStatus{{Client: config.Client{ID: 1}}, {Client: config.Client{ID: 2}}}}
		checkStatus(t, f, "before the first scrape", want)

		scrapeMetrics(t.Context(), f)
		good := time.Now()
		for i := range want.Clients {
			c := &want.Clients[i]
			c.Answer = Answer{ClientID: c.ID, Balances: gbp("100"), At: good}
			c.LastSuccess, c.Took = good, time.Second
		}
		want.Scraped, want.Took = good, time.Second
		checkStatus(t, f, "after a good scrape", want)

		api.set(2, reply{after: time.Second, err: &igsend.Error{Reason: igsend.ReasonHTTP, HTTPStatus: 500}})
		scrapeMetrics(t.Context(), f)
		second := time.Now()
		want.Clients[0].Answer.At, want.Clients[0].LastSuccess = good.Add(time.Second), good.Add(time.Second)
		want.Clients[1].Answer = Answer{ClientID: 2, Err: &igsend.Error{ClientID: 2, Reason: igsend.ReasonHTTP, HTTPStatus: 500}, At: second}
		want.Clients[1].Took = 2 * time.Second
		want.Scraped, want.Took = second, 2*time.Second
		checkStatus(t, f, "after a failure", want)

		ctx, hangUp := context.WithTimeoutCause(t.Context(), time.Millisecond, context.Canceled)
		defer hangUp()
		scrapeMetrics(ctx, f)
		checkStatus(t, f, "after a scraper hung up", want)

		ctx, hangUp = context.WithTimeoutCause(t.Context(), 1500*time.Millisecond, context.Canceled)
		defer hangUp()
		scrapeMetrics(ctx, f)
		want.Clients[0].Answer.At, want.Clients[0].LastSuccess = time.Now().Add(-500*time.Millisecond), time.Now().Add(-500*time.Millisecond)
		want.Scraped, want.Took = time.Now(), 1500*time.Millisecond
		checkStatus(t, f, "after a scraper hung up that had one answer", want)
	})
}

// Balances from another endpoint are not shown under the new one, whether a reload comes
// after the scrape or in its middle.
func TestStatusForgetsAnotherEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: time.Second}
		f := newTestFetcher(api, ids(1, 1), nil)
		want := Status{Clients: []ClientStatus{{Client: config.Client{ID: 1}}}}
		move := func() { f.Apply(settings(api, ids(1, 1), func(a *config.API) { a.Endpoint += "moved/" })) }

		scrapeMetrics(t.Context(), f)
		move()
		want.Clients[0].LastSuccess = time.Now() // as in the metrics
		checkStatus(t, f, "after the reload", want)

		late := f.start(t.Context())
		f.Apply(settings(api, ids(1, 1), nil))
		<-late.done
		f.show(late)
		checkStatus(t, f, "after a scrape that began before", want)
	})
}
